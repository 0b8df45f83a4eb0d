// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"syscall"

	"loam/abi"
	"loam/test/programs/cases"
)

// times puts a timespec into the scratch page and gives its address.
func timespec(at, s, ns uintptr) uintptr {
	*word(at), *word(at + 8) = uint64(s), uint64(ns)
	return at
}

func errorCases() []cases.Case {
	out := []cases.Case{
		group("signals: bad arguments", signalErrors(pages(1, protRW))),
		group("times: bad arguments", timeErrors(pages(1, protRW))),
		group("futexes: bad arguments", futexErrors(pages(1, protRW))),
		group("threads: bad arguments", threadErrors(pages(1, protRW))),
		group("descriptors: bad arguments", descriptorErrors(pages(1, protRW))),
		group("vectors: bad arguments", vectorErrors(pages(1, protRW))),
		group("epoll and eventfd: bad arguments", epollErrors(pages(1, protRW))),
		group("unknown calls", unknownCalls()),
		{Name: "signal mask keeps SIGKILL out", Run: maskKill},
	}
	if onLoam {
		out = append(out, group("calls that need a personality", absentCalls(pages(1, protRW))), group("Loam calls: bad arguments", loamErrors(pages(1, protRW))))
	}
	return out
}

func signalErrors(at uintptr) []errorCase {
	usr1, kill := uintptr(syscall.SIGUSR1), uintptr(syscall.SIGKILL)
	small := at + 64 // a stack_t of 100 bytes
	*word(small), *word(small + 16) = uint64(at), 100
	flags := at + 128 // a stack_t with unknown flags
	*word(flags), *word(flags + 8), *word(flags + 16) = uint64(at), 0x77, 1<<20
	self := must(syscall.SYS_GETPID)
	return []errorCase{
		{"rt_sigaction of 0", einval, syscall.SYS_RT_SIGACTION, []uintptr{0, at, 0, 8}},
		{"rt_sigaction of 65", einval, syscall.SYS_RT_SIGACTION, []uintptr{65, at, 0, 8}},
		{"rt_sigaction of -1", einval, syscall.SYS_RT_SIGACTION, []uintptr{minusOne, 0, 0, 8}},
		{"rt_sigaction of SIGKILL", einval, syscall.SYS_RT_SIGACTION, []uintptr{kill, at, 0, 8}},
		{"rt_sigaction of SIGSTOP", einval, syscall.SYS_RT_SIGACTION, []uintptr{uintptr(syscall.SIGSTOP), at, 0, 8}},
		{"rt_sigaction, size 4", einval, syscall.SYS_RT_SIGACTION, []uintptr{usr1, at, 0, 4}},
		{"rt_sigaction, huge size", einval, syscall.SYS_RT_SIGACTION, []uintptr{usr1, at, 0, minusOne}},
		{"rt_sigprocmask, how 9", einval, syscall.SYS_RT_SIGPROCMASK, []uintptr{9, at, 0, 8}},
		{"rt_sigprocmask, size 16", einval, syscall.SYS_RT_SIGPROCMASK, []uintptr{0, at, 0, 16}},
		{"rt_sigpending, size 16", einval, syscall.SYS_RT_SIGPENDING, []uintptr{at, 16}},
		{"rt_sigsuspend, size 4", einval, syscall.SYS_RT_SIGSUSPEND, []uintptr{at, 4}},
		{"rt_sigtimedwait, size 4", einval, syscall.SYS_RT_SIGTIMEDWAIT, []uintptr{at, 0, at, 4}},
		{"rt_sigtimedwait, nothing comes", syscall.EAGAIN, syscall.SYS_RT_SIGTIMEDWAIT, []uintptr{at, 0, timespec(at+192, 0, 1000), 8}},
		{"sigaltstack, too small", enomem, syscall.SYS_SIGALTSTACK, []uintptr{small, 0}},
		{"sigaltstack, unknown flags", einval, syscall.SYS_SIGALTSTACK, []uintptr{flags, 0}},
		{"kill, no such process", esrch, syscall.SYS_KILL, []uintptr{0x3ffff0, usr1}},
		{"kill, signal 65", einval, syscall.SYS_KILL, []uintptr{self, 65}},
		{"kill, signal -1", einval, syscall.SYS_KILL, []uintptr{self, minusOne}},
		{"kill, nothing sent", 0, syscall.SYS_KILL, []uintptr{self, 0}},
		{"tgkill, thread 0", einval, syscall.SYS_TGKILL, []uintptr{self, 0, usr1}},
		{"tgkill, process 0", einval, syscall.SYS_TGKILL, []uintptr{0, self, usr1}},
		{"tgkill, no such thread", esrch, syscall.SYS_TGKILL, []uintptr{self, 0x3ffff0, usr1}},
		{"tgkill, thread of another", esrch, syscall.SYS_TGKILL, []uintptr{0x3ffff0, self, usr1}},
		{"tkill, thread -1", einval, syscall.SYS_TKILL, []uintptr{minusOne, usr1}},
		{"tkill, no such thread", esrch, syscall.SYS_TKILL, []uintptr{0x3ffff0, usr1}},
	}
}

func timeErrors(at uintptr) []errorCase {
	negative, much, fine := timespec(at, minusOne, 0), timespec(at+16, 0, 1_000_000_000), timespec(at+32, 0, 1)
	negativeNS := timespec(at+48, 0, minusOne)
	badTimer := at + 64 // it_value.tv_usec of a million
	*word(badTimer + 24) = 1_000_000
	return []errorCase{
		{"nanosleep, negative", einval, syscall.SYS_NANOSLEEP, []uintptr{negative, 0}},
		{"nanosleep, too many ns", einval, syscall.SYS_NANOSLEEP, []uintptr{much, 0}},
		{"nanosleep, negative ns", einval, syscall.SYS_NANOSLEEP, []uintptr{negativeNS, 0}},
		{"clock_nanosleep, bad clock", einval, syscall.SYS_CLOCK_NANOSLEEP, []uintptr{99, 0, fine, 0}},
		{"clock_nanosleep, negative", einval, syscall.SYS_CLOCK_NANOSLEEP, []uintptr{1, 0, negative, 0}},
		{"clock_nanosleep, in the past", 0, syscall.SYS_CLOCK_NANOSLEEP, []uintptr{1, 1, fine, 0}},
		{"clock_gettime, bad clock", einval, syscall.SYS_CLOCK_GETTIME, []uintptr{99, at}},
		{"clock_gettime, huge clock", einval, syscall.SYS_CLOCK_GETTIME, []uintptr{1 << 31, at}},
		{"clock_getres, bad clock", einval, syscall.SYS_CLOCK_GETRES, []uintptr{99, at}},
		{"setitimer, bad timer", einval, syscall.SYS_SETITIMER, []uintptr{9, at + 512, 0}},
		{"setitimer, bad time", einval, syscall.SYS_SETITIMER, []uintptr{0, badTimer, 0}},
		{"getitimer, bad timer", einval, syscall.SYS_GETITIMER, []uintptr{9, at}},
	}
}

func futexErrors(at uintptr) []errorCase {
	const wait, wake, requeue, cmpRequeue, waitBitset, wakeBitset, private = 0, 1, 3, 4, 9, 10, 128
	negative, soon := timespec(at+64, minusOne, 0), timespec(at+80, 0, 1000)
	futex := uintptr(syscall.SYS_FUTEX)
	*word(at) = 7
	return []errorCase{
		{"misaligned wait", einval, futex, []uintptr{at + 1, wait | private, 7, soon}},
		{"misaligned wake", einval, futex, []uintptr{at + 2, wake | private, 1}},
		{"misaligned shared wait", einval, futex, []uintptr{at + 2, wait, 7, soon}},
		{"wake in the kernel", efault, futex, []uintptr{directMap, wake | private, 1}},
		{"unknown operation", enosys, futex, []uintptr{at, 99, 0}},
		{"another value", syscall.EAGAIN, futex, []uintptr{at, wait | private, 8, 0}},
		{"time-out", syscall.ETIMEDOUT, futex, []uintptr{at, wait | private, 7, soon}},
		{"time-out of a shared one", syscall.ETIMEDOUT, futex, []uintptr{at, wait, 7, soon}},
		{"negative time", einval, futex, []uintptr{at, wait | private, 7, negative}},
		{"no bits to wait for", einval, futex, []uintptr{at, waitBitset | private, 7, soon, 0, 0}},
		{"no bits to wake", einval, futex, []uintptr{at, wakeBitset | private, 1, 0, 0, 0}},
		{"nobody to wake", 0, futex, []uintptr{at, wake | private, 1}},
		{"requeue, another value", syscall.EAGAIN, futex, []uintptr{at, cmpRequeue | private, 1, 1, at + 8, 8}},
		{"requeue, misaligned target", einval, futex, []uintptr{at, requeue | private, 1, 1, at + 9}},
		{"requeue, negative number", einval, futex, []uintptr{at, requeue | private, 1, minusOne, at + 8}},
	}
}

func threadErrors(at uintptr) []errorCase {
	const (
		vm, fs, files, sighand, thread, sysvsem, settls = 0x100, 0x200, 0x400, 0x800, 0x10000, 0x40000, 0x80000
		full                                            = vm | fs | files | sighand | thread | sysvsem
	)
	clone := uintptr(syscall.SYS_CLONE)
	return append(threadErrorsHere(at, full|settls), []errorCase{
		{"clone, thread without signals", einval, clone, []uintptr{vm | thread, at}},
		{"clone, signals without memory", einval, clone, []uintptr{sighand, at}},
		{"prctl, unknown", einval, syscall.SYS_PRCTL, []uintptr{0x7777, 0}},
		{"sched_getaffinity, odd size", einval, syscall.SYS_SCHED_GETAFFINITY, []uintptr{0, 7, at}},
		{"sched_getaffinity, no such thread", esrch, syscall.SYS_SCHED_GETAFFINITY, []uintptr{0x3ffff0, 8, at}},
		{"set_robust_list, odd size", einval, abi.SYS_SET_ROBUST_LIST, []uintptr{at, 7}},
		{"wait4, no children", syscall.ECHILD, syscall.SYS_WAIT4, []uintptr{minusOne, 0, 0, 0}},
		{"wait4, unknown option", einval, syscall.SYS_WAIT4, []uintptr{minusOne, 0, 0x10000, 0}},
		{"getrlimit, unknown", einval, syscall.SYS_GETRLIMIT, []uintptr{99, at}},
		{"prlimit64, no such process", esrch, syscall.SYS_PRLIMIT64, []uintptr{0x3ffff0, 3, 0, at}},
		{"getrusage, unknown", einval, syscall.SYS_GETRUSAGE, []uintptr{99, at}},
		{"getrandom, unknown flag", einval, abi.SYS_GETRANDOM, []uintptr{at, 8, 0x100}},
		{"getcwd, no room", syscall.ERANGE, syscall.SYS_GETCWD, []uintptr{at, 1}},
	}...)
}

var badDescriptors = []uintptr{999, minusOne, 1 << 31, 1 << 20}

func descriptorErrors(at uintptr) []errorCase {
	fds := [2]int{}
	if err := syscall.Pipe(fds[:]); err != nil {
		panic(err)
	}
	r, w := uintptr(fds[0]), uintptr(fds[1])
	out := descriptorErrorsHere(r, at)
	for _, fd := range badDescriptors {
		out = append(out,
			errorCase{"read", ebadf, syscall.SYS_READ, []uintptr{fd, at, 1}},
			errorCase{"write", ebadf, syscall.SYS_WRITE, []uintptr{fd, at, 1}},
			errorCase{"close", ebadf, syscall.SYS_CLOSE, []uintptr{fd}},
			errorCase{"fstat", ebadf, syscall.SYS_FSTAT, []uintptr{fd, at}},
			errorCase{"fcntl", ebadf, syscall.SYS_FCNTL, []uintptr{fd, 1, 0}},
			errorCase{"dup", ebadf, syscall.SYS_DUP, []uintptr{fd}},
			errorCase{"dup3 of it", ebadf, syscall.SYS_DUP3, []uintptr{fd, 20, 0}},
			errorCase{"lseek", ebadf, syscall.SYS_LSEEK, []uintptr{fd, 0, 0}},
			errorCase{"ioctl", ebadf, syscall.SYS_IOCTL, []uintptr{fd, 0x5401, at}},
			errorCase{"epoll_ctl", ebadf, syscall.SYS_EPOLL_CTL, []uintptr{fd, 1, r, at}},
		)
	}
	return append(out,
		errorCase{"read of the end to write", ebadf, syscall.SYS_READ, []uintptr{w, at, 1}},
		errorCase{"write to the end to read", ebadf, syscall.SYS_WRITE, []uintptr{r, at, 1}},
		errorCase{"lseek of a pipe", syscall.ESPIPE, syscall.SYS_LSEEK, []uintptr{r, 0, 0}},
		errorCase{"dup3 to -1", ebadf, syscall.SYS_DUP3, []uintptr{r, minusOne, 0}},
		errorCase{"dup3 to a huge one", ebadf, syscall.SYS_DUP3, []uintptr{r, 1 << 30, 0}},
		errorCase{"dup3 to itself", einval, syscall.SYS_DUP3, []uintptr{r, r, 0}},
		errorCase{"dup3, unknown flag", einval, syscall.SYS_DUP3, []uintptr{r, 20, 1}},
		errorCase{"fcntl, unknown", einval, syscall.SYS_FCNTL, []uintptr{r, 0x7777, 0}},
		errorCase{"fcntl, duplicate to a huge one", einval, syscall.SYS_FCNTL, []uintptr{r, 0, 1 << 30}},
		errorCase{"pipe2, unknown flag", einval, syscall.SYS_PIPE2, []uintptr{at, 1}},
		errorCase{"ppoll of very many", einval, syscall.SYS_PPOLL, []uintptr{at, 1 << 31, 0, 0, 8}},
		errorCase{"ioctl, not a terminal", syscall.ENOTTY, syscall.SYS_IOCTL, []uintptr{r, 0x5401, at}},
		errorCase{"close", 0, syscall.SYS_CLOSE, []uintptr{r}},
		errorCase{"close again", ebadf, syscall.SYS_CLOSE, []uintptr{r}},
		errorCase{"close", 0, syscall.SYS_CLOSE, []uintptr{w}},
	)
}

func vectorErrors(at uintptr) []errorCase {
	fds := [2]int{}
	if err := syscall.Pipe(fds[:]); err != nil {
		panic(err)
	}
	w := uintptr(fds[1])
	long, empty := at+64, at+96
	*word(long), *word(long + 8) = uint64(at), 1<<63
	return []errorCase{
		{"1025 pieces", einval, syscall.SYS_WRITEV, []uintptr{w, at, 1025}},
		{"-1 pieces", einval, syscall.SYS_WRITEV, []uintptr{w, at, minusOne}},
		{"a negative length", einval, syscall.SYS_WRITEV, []uintptr{w, long, 1}},
		{"no pieces", 0, syscall.SYS_WRITEV, []uintptr{w, at, 0}},
		{"an empty piece", 0, syscall.SYS_WRITEV, []uintptr{w, empty, 1}},
		{"no such descriptor", ebadf, syscall.SYS_READV, []uintptr{999, at, 1}},
	}
}

func epollErrors(at uintptr) []errorCase {
	fds := [2]int{}
	if err := syscall.Pipe(fds[:]); err != nil {
		panic(err)
	}
	r, w := uintptr(fds[0]), uintptr(fds[1])
	ep, event := must(syscall.SYS_EPOLL_CREATE1, 0), must(syscall.SYS_EVENTFD2, 0, 0x800)
	*word(at) = syscall.EPOLLIN
	*word(at + 64) = 1<<64 - 1
	ctl, wait := uintptr(syscall.SYS_EPOLL_CTL), uintptr(epollWait)
	return []errorCase{
		{"epoll_create1, unknown flag", einval, syscall.SYS_EPOLL_CREATE1, []uintptr{1}},
		{"add itself", einval, ctl, []uintptr{ep, 1, ep, at}},
		{"add to a pipe", einval, ctl, []uintptr{r, 1, w, at}},
		{"add", 0, ctl, []uintptr{ep, 1, r, at}},
		{"add again", syscall.EEXIST, ctl, []uintptr{ep, 1, r, at}},
		{"change what is not there", syscall.ENOENT, ctl, []uintptr{ep, 3, w, at}},
		{"remove what is not there", syscall.ENOENT, ctl, []uintptr{ep, 2, w, at}},
		{"unknown operation", einval, ctl, []uintptr{ep, 9, r, at}},
		{"add what is closed", ebadf, ctl, []uintptr{ep, 1, 999, at}},
		{"wait for 0 events", einval, wait, []uintptr{ep, at, 0, 0}},
		{"wait for -1 events", einval, wait, []uintptr{ep, at, minusOne, 0}},
		{"wait for 2^31-1 events", einval, wait, []uintptr{ep, at, 1<<31 - 1, 0}},
		{"wait on a pipe", einval, wait, []uintptr{r, at, 1, 0}},
		{"nothing happens", 0, wait, []uintptr{ep, at + 128, 1, 0}},
		{"eventfd, unknown flag", einval, syscall.SYS_EVENTFD2, []uintptr{0, 0x10}},
		{"eventfd, all bits", einval, syscall.SYS_WRITE, []uintptr{event, at + 64, 8}},
		{"eventfd, short write", einval, syscall.SYS_WRITE, []uintptr{event, at, 4}},
		{"eventfd, short read", einval, syscall.SYS_READ, []uintptr{event, at + 128, 4}},
		{"eventfd, nothing there", syscall.EAGAIN, syscall.SYS_READ, []uintptr{event, at + 128, 8}},
	}
}

func unknownCalls() []errorCase {
	var out []errorCase
	for _, nr := range []uintptr{600, 1023, 2000, 0xffe, 0x1777, 0x7fffffff, 1 << 31, 1 << 32, 1<<63 - 1, 1 << 63, minusOne, minusOne - 100} {
		if nr>>32 != 0 && nr != minusOne && nr != minusOne-100 && !onLoam {
			continue // Linux looks at the lower half only
		}
		out = append(out, errorCase{fmt.Sprintf("call %#x", nr), enosys, nr, nil})
	}
	return out
}

// absentCalls are Linux's, but not a process's without a personality.
func absentCalls(at uintptr) []errorCase {
	var out []errorCase
	for _, nr := range absent {
		out = append(out, errorCase{fmt.Sprintf("call %d", nr), enosys, nr, []uintptr{at, at, at}})
	}
	return out
}

func loamErrors(at uintptr) []errorCase {
	copy(mem(at, 16), "program\x00nothing")
	return []errorCase{
		{"no such file", syscall.ENOENT, abi.CallBootFile, []uintptr{at + 8, 7, at + 64}},
		{"empty name", syscall.ENOENT, abi.CallBootFile, []uintptr{at, 0, at + 64}},
		{"part of a name", syscall.ENOENT, abi.CallBootFile, []uintptr{at, 6, at + 64}},
		{"long name", syscall.ENAMETOOLONG, abi.CallBootFile, []uintptr{at, 4096, at + 64}},
		{"overflowing name", syscall.ENAMETOOLONG, abi.CallBootFile, []uintptr{at, minusOne, at + 64}},
		{"spawn, no such file", syscall.ENOENT, abi.CallSpawn, []uintptr{at + 8, 7, at, 0, 0, 0}},
		{"spawn, no program", syscall.ENOEXEC, abi.CallSpawn, []uintptr{argsName(at), 4, at, 0, 0, 0}},
		{"spawn, huge arguments", syscall.E2BIG, abi.CallSpawn, []uintptr{at, 7, at, minusOne, 0, 0}},
		{"spawn, misaligned sharing", einval, abi.CallSpawn, []uintptr{at, 7, at, 0, at + 8, page}},
		{"spawn, sharing overflow", einval, abi.CallSpawn, []uintptr{at, 7, at, 0, at, minusOne &^ (page - 1)}},
		{"unknown call", enosys, abi.CallBase + 0xfff, []uintptr{at, at, at}},
	}
}

func argsName(at uintptr) uintptr {
	copy(mem(at+256, 4), "args")
	return at + 256
}

func maskKill() error {
	const block, setmask = 0, 2
	var killAndStop = uint64(1<<(syscall.SIGKILL-1) | 1<<(syscall.SIGSTOP-1))
	at := pages(1, protRW)
	*word(at) = killAndStop | 1<<(syscall.SIGUSR2-1)
	must(syscall.SYS_RT_SIGPROCMASK, block, at, at+8, 8)
	must(syscall.SYS_RT_SIGPROCMASK, setmask, at+8, at+16, 8)
	if got := *word(at + 16); got&killAndStop != 0 || got&(1<<(syscall.SIGUSR2-1)) == 0 {
		return fmt.Errorf("mask is %#x", got)
	}
	free(at)
	return nil
}
