// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"errors"
	"fmt"
	"slices"
	"syscall"

	"loam/abi"
	"loam/test/programs/cases"
)

// pointerCase is a call that gets a bad address, p, for one of its pointers.
type pointerCase struct {
	name string
	nr   uintptr
	args func(p uintptr) []uintptr
	// small: an address whose first 4 bytes are good is good, or is good for a
	// part of the work.
	small bool
	also  syscall.Errno // an answer that is as good as EFAULT
	loam  bool          // Loam has it, Linux has not
}

// world is what the calls below need: descriptors and good memory.
type world struct {
	pipeR, pipeW, epoll, event uintptr
	good                       uintptr // for results
	zeros                      uintptr // a page that can't be written
	text                       uintptr // "x"
	soon                       uintptr // a timespec of 1 ns
	iovec                      uintptr // one iovec whose base is what setBase says
}

func newWorld() *world {
	var w world
	fds := [2]int{}
	if err := syscall.Pipe(fds[:]); err != nil {
		panic(err)
	}
	w.pipeR, w.pipeW = uintptr(fds[0]), uintptr(fds[1])
	w.good, w.zeros = pages(1, protRW), pages(1, protR)
	w.text, w.soon, w.iovec = w.good+1024, w.good+2048, w.good+3072
	*word(w.text) = 'x'
	*word(w.soon + 8) = 1
	must(syscall.SYS_WRITE, w.pipeW, w.good, 16)
	w.epoll = must(syscall.SYS_EPOLL_CREATE1, 0)
	w.event = must(syscall.SYS_EVENTFD2, 1, 0)
	*word(scratch) = syscall.EPOLLIN
	must(syscall.SYS_EPOLL_CTL, w.epoll, syscall.EPOLL_CTL_ADD, w.event, scratch)
	return &w
}

// withBase gives an iovec at w.iovec that starts at p.
func (w *world) withBase(p uintptr) uintptr {
	*word(w.iovec), *word(w.iovec + 8) = uint64(p), 8
	return w.iovec
}

func pointerCases() []cases.Case {
	w := newWorld()
	var out []cases.Case
	for _, c := range w.pointers() {
		if c.loam && !onLoam {
			continue
		}
		out = append(out, cases.Case{Name: "bad pointer: " + c.name, Run: c.run})
	}
	return out
}

func (c *pointerCase) run() error {
	edge := pages(1, protRW)
	bad := []uintptr{16, hole, neverMapped, neverMapped - 3, nonCanonical, directMap, kernelHeap, kernelText, veryLast, minusOne, minusOne - 7}
	if !c.small {
		bad = append(bad, edge+page-4)
	}
	var errs []error
	for _, p := range bad {
		_, e := call(c.nr, c.args(p)...)
		if e != syscall.EFAULT && (c.also == 0 || e != c.also) {
			errs = append(errs, fmt.Errorf("%#x: %d (%v), want EFAULT", p, e, e))
		}
	}
	free(edge)
	return errors.Join(errs...)
}

// pointers lists every pointer of every call that takes one.
func (w *world) pointers() []pointerCase {
	return slices.Concat(w.timePointers(), w.signalPointers(), w.threadPointers(), w.systemPointers(), w.filePointers(), w.pointersHere(), w.loamPointers())
}

func (w *world) timePointers() []pointerCase {
	const monotonic = 1
	return []pointerCase{
		{name: "nanosleep, time", nr: syscall.SYS_NANOSLEEP, args: func(p uintptr) []uintptr { return []uintptr{p, 0} }},
		{name: "clock_nanosleep, time", nr: syscall.SYS_CLOCK_NANOSLEEP, args: func(p uintptr) []uintptr { return []uintptr{monotonic, 0, p, 0} }},
		{name: "clock_gettime", nr: syscall.SYS_CLOCK_GETTIME, args: func(p uintptr) []uintptr { return []uintptr{monotonic, p} }},
		{name: "clock_gettime, other clock", nr: syscall.SYS_CLOCK_GETTIME, args: func(p uintptr) []uintptr { return []uintptr{2, p} }},
		{name: "clock_getres", nr: syscall.SYS_CLOCK_GETRES, args: func(p uintptr) []uintptr { return []uintptr{monotonic, p} }},
		{name: "gettimeofday", nr: syscall.SYS_GETTIMEOFDAY, args: func(p uintptr) []uintptr { return []uintptr{p, 0} }},
		{name: "gettimeofday, zone", nr: syscall.SYS_GETTIMEOFDAY, args: func(p uintptr) []uintptr { return []uintptr{w.good, p} }},
		{name: "times", nr: syscall.SYS_TIMES, args: func(p uintptr) []uintptr { return []uintptr{p} }},
		{name: "setitimer, new", nr: syscall.SYS_SETITIMER, args: func(p uintptr) []uintptr { return []uintptr{0, p, 0} }},
		{name: "setitimer, old", nr: syscall.SYS_SETITIMER, args: func(p uintptr) []uintptr { return []uintptr{0, w.zeros, p} }},
		{name: "getitimer", nr: syscall.SYS_GETITIMER, args: func(p uintptr) []uintptr { return []uintptr{0, p} }},
	}
}

func (w *world) signalPointers() []pointerCase {
	const usr1 = uintptr(syscall.SIGUSR1)
	return []pointerCase{
		{name: "rt_sigaction, new", nr: syscall.SYS_RT_SIGACTION, args: func(p uintptr) []uintptr { return []uintptr{usr1, p, 0, 8} }},
		{name: "rt_sigaction, old", nr: syscall.SYS_RT_SIGACTION, args: func(p uintptr) []uintptr { return []uintptr{usr1, 0, p, 8} }},
		{name: "rt_sigprocmask, new", nr: syscall.SYS_RT_SIGPROCMASK, args: func(p uintptr) []uintptr { return []uintptr{0, p, 0, 8} }},
		{name: "rt_sigprocmask, old", nr: syscall.SYS_RT_SIGPROCMASK, args: func(p uintptr) []uintptr { return []uintptr{0, w.zeros, p, 8} }},
		{name: "rt_sigpending", nr: syscall.SYS_RT_SIGPENDING, args: func(p uintptr) []uintptr { return []uintptr{p, 8} }},
		{name: "rt_sigtimedwait, set", nr: syscall.SYS_RT_SIGTIMEDWAIT, args: func(p uintptr) []uintptr { return []uintptr{p, 0, w.soon, 8} }},
		{name: "rt_sigtimedwait, time", nr: syscall.SYS_RT_SIGTIMEDWAIT, args: func(p uintptr) []uintptr { return []uintptr{w.zeros, 0, p, 8} }},
		{name: "rt_sigsuspend", nr: syscall.SYS_RT_SIGSUSPEND, args: func(p uintptr) []uintptr { return []uintptr{p, 8} }},
		{name: "sigaltstack, new", nr: syscall.SYS_SIGALTSTACK, args: func(p uintptr) []uintptr { return []uintptr{p, 0} }},
		{name: "sigaltstack, old", nr: syscall.SYS_SIGALTSTACK, args: func(p uintptr) []uintptr { return []uintptr{0, p} }},
	}
}

func (w *world) threadPointers() []pointerCase {
	const wait, private = 0, 128
	return []pointerCase{
		{name: "futex, word", nr: syscall.SYS_FUTEX, args: func(p uintptr) []uintptr { return []uintptr{p &^ 3, wait | private, 0, w.soon} }, small: true},
		{name: "futex, shared word", nr: syscall.SYS_FUTEX, args: func(p uintptr) []uintptr { return []uintptr{p &^ 3, wait, 0, w.soon} }, small: true},
		{name: "futex, time", nr: syscall.SYS_FUTEX, args: func(p uintptr) []uintptr { return []uintptr{w.zeros, wait | private, 0, p} }},
		{name: "futex, requeue", nr: syscall.SYS_FUTEX, args: func(p uintptr) []uintptr { return []uintptr{p &^ 3, 4, 1, 1, w.good, 0} }, small: true},
		{name: "prctl, set name", nr: syscall.SYS_PRCTL, args: func(p uintptr) []uintptr { return []uintptr{15, p} }, small: true},
		{name: "prctl, get name", nr: syscall.SYS_PRCTL, args: func(p uintptr) []uintptr { return []uintptr{16, p} }},
		{name: "sched_getaffinity", nr: syscall.SYS_SCHED_GETAFFINITY, args: func(p uintptr) []uintptr { return []uintptr{0, 8, p} }},
		{name: "sched_getparam", nr: syscall.SYS_SCHED_GETPARAM, args: func(p uintptr) []uintptr { return []uintptr{0, p} }, small: true},
		{name: "getcpu", nr: abi.SYS_GETCPU, args: func(p uintptr) []uintptr { return []uintptr{p, 0} }, small: true},
		{name: "getcpu, node", nr: abi.SYS_GETCPU, args: func(p uintptr) []uintptr { return []uintptr{0, p} }, small: true},
	}
}

func (w *world) systemPointers() []pointerCase {
	return []pointerCase{
		{name: "uname", nr: syscall.SYS_UNAME, args: func(p uintptr) []uintptr { return []uintptr{p} }},
		{name: "sysinfo", nr: syscall.SYS_SYSINFO, args: func(p uintptr) []uintptr { return []uintptr{p} }},
		{name: "getrusage", nr: syscall.SYS_GETRUSAGE, args: func(p uintptr) []uintptr { return []uintptr{0, p} }},
		{name: "getrlimit", nr: syscall.SYS_GETRLIMIT, args: func(p uintptr) []uintptr { return []uintptr{3, p} }},
		{name: "prlimit64, new", nr: syscall.SYS_PRLIMIT64, args: func(p uintptr) []uintptr { return []uintptr{0, 3, p, 0} }},
		{name: "prlimit64, old", nr: syscall.SYS_PRLIMIT64, args: func(p uintptr) []uintptr { return []uintptr{0, 3, 0, p} }},
		{name: "getrandom", nr: abi.SYS_GETRANDOM, args: func(p uintptr) []uintptr { return []uintptr{p, 16, 0} }, small: true},
		{name: "getcwd", nr: syscall.SYS_GETCWD, args: func(p uintptr) []uintptr { return []uintptr{p, 4096} }, small: true},
		{name: "mincore", nr: syscall.SYS_MINCORE, args: func(p uintptr) []uintptr { return []uintptr{w.good, page, p} }, small: true},
	}
}

func (w *world) filePointers() []pointerCase {
	const here, atEmptyPath = ^uintptr(99), 0x1000 // AT_FDCWD
	return []pointerCase{
		{name: "read", nr: syscall.SYS_READ, args: func(p uintptr) []uintptr { return []uintptr{w.pipeR, p, 8} }, small: true},
		{name: "write", nr: syscall.SYS_WRITE, args: func(p uintptr) []uintptr { return []uintptr{w.pipeW, p, 8} }, small: true},
		{name: "write to stdout", nr: syscall.SYS_WRITE, args: func(p uintptr) []uintptr { return []uintptr{1, p, 8} }, small: true},
		{name: "write of much to stdout", nr: syscall.SYS_WRITE, args: func(p uintptr) []uintptr { return []uintptr{1, p, minusOne} }, small: true},
		{name: "readv, vector", nr: syscall.SYS_READV, args: func(p uintptr) []uintptr { return []uintptr{w.pipeR, p, 1} }},
		{name: "readv, base", nr: syscall.SYS_READV, args: func(p uintptr) []uintptr { return []uintptr{w.pipeR, w.withBase(p), 1} }, small: true},
		{name: "writev, vector", nr: syscall.SYS_WRITEV, args: func(p uintptr) []uintptr { return []uintptr{w.pipeW, p, 1} }},
		{name: "writev, base", nr: syscall.SYS_WRITEV, args: func(p uintptr) []uintptr { return []uintptr{w.pipeW, w.withBase(p), 1} }, small: true},
		{name: "fstat", nr: syscall.SYS_FSTAT, args: func(p uintptr) []uintptr { return []uintptr{w.pipeR, p} }},
		{name: "newfstatat", nr: abi.SYS_NEWFSTATAT, args: func(p uintptr) []uintptr { return []uintptr{w.pipeR, w.zeros, p, atEmptyPath} }},
		{name: "newfstatat, path", nr: abi.SYS_NEWFSTATAT, args: func(p uintptr) []uintptr { return []uintptr{here, p, w.good, 0} }, also: syscall.ENOENT, small: true},
		{name: "openat, path", nr: syscall.SYS_OPENAT, args: func(p uintptr) []uintptr { return []uintptr{here, p, 0, 0} }, also: syscall.ENOENT, small: true},
		{name: "readlinkat, path", nr: syscall.SYS_READLINKAT, args: func(p uintptr) []uintptr { return []uintptr{here, p, w.good, 8} }, also: syscall.ENOENT, small: true},
		{name: "pipe2", nr: syscall.SYS_PIPE2, args: func(p uintptr) []uintptr { return []uintptr{p, 0} }},
		{name: "ppoll", nr: syscall.SYS_PPOLL, args: func(p uintptr) []uintptr { return []uintptr{p, 1, w.soon, 0, 8} }},
		{name: "ppoll, time", nr: syscall.SYS_PPOLL, args: func(p uintptr) []uintptr { return []uintptr{w.good, 0, p, 0, 8} }},
		{name: "ppoll, mask", nr: syscall.SYS_PPOLL, args: func(p uintptr) []uintptr { return []uintptr{w.good, 0, w.soon, p, 8} }},
		{name: "epoll_ctl", nr: syscall.SYS_EPOLL_CTL, args: func(p uintptr) []uintptr { return []uintptr{w.epoll, syscall.EPOLL_CTL_MOD, w.event, p} }},
		{name: "epoll_pwait", nr: syscall.SYS_EPOLL_PWAIT, args: func(p uintptr) []uintptr { return []uintptr{w.epoll, p, 1, 0, 0, 8} }},
		{name: "epoll_pwait, mask", nr: syscall.SYS_EPOLL_PWAIT, args: func(p uintptr) []uintptr { return []uintptr{w.epoll, w.good, 1, 0, p, 8} }},
		{name: "ioctl", nr: syscall.SYS_IOCTL, args: func(p uintptr) []uintptr { return []uintptr{w.pipeR, 0x5421, p} }, small: true},
	}
}

// loamPointers are those of Loam's own calls.
func (w *world) loamPointers() []pointerCase {
	name := func(p uintptr) []uintptr { return []uintptr{p, 7, w.good} }
	result := func(p uintptr) []uintptr { return []uintptr{w.programName(), 7, p} }
	arguments := func(p uintptr) []uintptr { return []uintptr{w.programName(), 7, p, 8, 0, 0} }
	return []pointerCase{
		{name: "boot file, name", nr: abi.CallBootFile, args: name, loam: true},
		{name: "boot file, result", nr: abi.CallBootFile, args: result, loam: true},
		{name: "spawn, name", nr: abi.CallSpawn, args: name, loam: true},
		{name: "spawn, arguments", nr: abi.CallSpawn, args: arguments, loam: true},
	}
}

func (w *world) programName() uintptr {
	copy(mem(w.text+64, 8), "program")
	return w.text + 64
}
