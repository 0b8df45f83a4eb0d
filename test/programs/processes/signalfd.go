// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Signals that are read as from a file.

const (
	realtime = unix.Signal(40)
	wrong    = uintptr(16) // no address
)

// sigset gives a set of signals.
func sigset(signals ...syscall.Signal) *unix.Sigset_t {
	var s unix.Sigset_t
	for _, n := range signals {
		s.Val[0] |= 1 << (n - 1)
	}
	return &s
}

// testSignalfd has a child do it, all of whose threads block the signals: it begins with this thread's mask.
func testSignalfd() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var old unix.Sigset_t
	blocked := sigset(syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH, syscall.SIGALRM, realtime)
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, blocked, &old); err != nil {
		return err
	}
	defer func() { _ = unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil) }()
	c := me("signalfd")
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	return c.Run()
}

// signalfdChild is what the child does.
func signalfdChild() {
	runtime.LockOSThread()
	signalfdErrors()
	fd, err := unix.Signalfd(-1, sigset(syscall.SIGUSR1, syscall.SIGWINCH, realtime, syscall.SIGKILL), unix.SFD_NONBLOCK|unix.SFD_CLOEXEC)
	if err != nil {
		fmt.Println(err)
		return
	}
	signalfdReads(fd)
	signalfdPolls(fd)
	signalfdThreads(fd)
	signalfdMask(fd)
	signalfdWaits()
	signalfdForks()
}

// signalfdErrors are the errors, one by one.
func signalfdErrors() {
	null, _ := os.Open(os.DevNull)
	defer null.Close()
	_, err := unix.Signalfd(-1, sigset(), 1)
	fmt.Println("a flag", err)
	_, err = unix.Signalfd(int(null.Fd()), sigset(), 0)
	fmt.Println("another file", err)
	_, err = unix.Signalfd(-2, sigset(), 0)
	fmt.Println("no file", err)
	_, err = unix.Signalfd(999, sigset(), unix.SFD_CLOEXEC)
	fmt.Println("no file", err)
	none := ^uintptr(0)
	_, _, e := unix.Syscall6(unix.SYS_SIGNALFD4, none, wrong, 8, 0, 0, 0)
	fmt.Println("no memory", e)
	_, _, e = unix.Syscall6(unix.SYS_SIGNALFD4, none, wrong, 4, 1, 0, 0)
	fmt.Println("a size", e)
	_, _, e = unix.Syscall6(unix.SYS_SIGNALFD4, none, wrong, 8, 1, 0, 0)
	fmt.Println("no memory and a flag", e)
}

// take reads signals, and prints what came of it.
func take(what string, fd, size int) {
	b := make([]byte, size)
	n, err := unix.Read(fd, b)
	for errors.Is(err, unix.EINTR) {
		n, err = unix.Read(fd, b)
	}
	fmt.Println(what, n, err)
	for ; n >= 128; n -= 128 {
		i := infoOf(b)
		b = b[128:]
		me, uid := i.Pid == uint32(os.Getpid()), i.Uid == uint32(os.Getuid())
		fmt.Println(" ", unix.Signal(i.Signo), i.Errno, i.Code, me, uid, i.Fd, i.Tid, i.Band, i.Overrun, i.Trapno, i.Status, i.Int, i.Ptr, i.Addr)
	}
}

func signalfdReads(fd int) {
	var st unix.Stat_t
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	fmt.Printf("flags %o %v\n", flags, err)
	flags, err = unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	fmt.Println("flag", flags, err)
	err = unix.Fstat(fd, &st)
	fmt.Printf("%o %d %d %v\n", st.Mode, st.Nlink, st.Size, err)
	link, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
	fmt.Println(link, err)
	_, rest, _ := strings.Cut(read(fmt.Sprintf("/proc/self/fdinfo/%d", fd)), "sigmask")
	fmt.Printf("info %q\n", rest)
	_, err = unix.Write(fd, make([]byte, 128))
	fmt.Println("write", err)
	_, err = unix.Pread(fd, make([]byte, 128), 0)
	fmt.Println("pread", err)
	take("nothing", fd, 128)
	take("too little", fd, 127)
	_ = unix.Kill(os.Getpid(), unix.SIGUSR1)
	_ = unix.Kill(os.Getpid(), unix.SIGUSR1)
	_ = unix.Kill(os.Getpid(), unix.SIGWINCH) // nothing is done about it, but it is blocked
	_ = unix.Kill(os.Getpid(), unix.SIGUSR2)  // isn't the file's
	_ = unix.Tgkill(os.Getpid(), unix.Gettid(), unix.SIGUSR1)
	queue(realtime, 77)
	procSignals("pending")
	take("all", fd, 1000)
	take("nothing left", fd, 128)
	procSignals("left")
	_ = unix.Kill(os.Getpid(), unix.SIGUSR1)
	_, _, e := unix.Syscall(unix.SYS_READ, uintptr(fd), wrong, 128)
	fmt.Println("no memory", e)
	take("it is lost", fd, 128)
	_ = unix.Kill(os.Getpid(), unix.SIGUSR1)
	_ = unix.Kill(os.Getpid(), unix.SIGWINCH)
	one, two, three := make([]byte, 100), make([]byte, 100), make([]byte, 100)
	n, err := unix.Readv(fd, [][]byte{one, two, three})
	fmt.Println("in pieces", n, err, one[0], two[28])
}

// procSignals prints the lines about signals of this thread.
func procSignals(what string) {
	fmt.Println(what)
	for line := range strings.Lines(read("/proc/thread-self/status")) {
		if name, _, _ := strings.Cut(line, ":"); name == "SigPnd" || name == "ShdPnd" || name == "SigIgn" || name == "SigBlk" {
			fmt.Print(" ", line)
		}
	}
}

// ready polls a file, and prints what holds.
func ready(what string, fd int, ms int) {
	p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN | unix.POLLOUT}}
	n, err := unix.Poll(p, ms)
	for errors.Is(err, unix.EINTR) {
		n, err = unix.Poll(p, ms)
	}
	fmt.Printf("%s %d %x %v\n", what, n, p[0].Revents, err)
}

func signalfdPolls(fd int) {
	ready("nothing", fd, 0)
	_ = unix.Kill(os.Getpid(), unix.SIGUSR1)
	ready("one", fd, 0)
	take("", fd, 128)
	later := func() {
		time.AfterFunc(20*time.Millisecond, func() { _ = unix.Kill(os.Getpid(), unix.SIGUSR1) })
	}
	later()
	ready("waited for", fd, -1)
	take("", fd, 128)
	ep, err := unix.EpollCreate1(0)
	fmt.Println(err)
	defer unix.Close(ep)
	fmt.Println("add", unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: 5}))
	wait := func(what string, ms int) {
		var events [4]unix.EpollEvent
		n, err := unix.EpollWait(ep, events[:], ms)
		for errors.Is(err, unix.EINTR) {
			n, err = unix.EpollWait(ep, events[:], ms)
		}
		fmt.Println(what, n, err, events[0].Events, events[0].Fd)
	}
	wait("nothing", 0)
	later()
	wait("waited for", -1)
	wait("still", 0)
	take("", fd, 128)
	wait("nothing", 0)
}

// signalfdThreads has signals for one thread, which another one doesn't see.
func signalfdThreads(fd int) {
	tid := unix.Gettid()
	done := make(chan bool)
	go func() {
		runtime.LockOSThread()
		_ = unix.Tgkill(os.Getpid(), tid, unix.SIGUSR1)
		ready("another thread", fd, 0)
		take("another thread", fd, 128)
		done <- true
	}()
	<-done
	take("the thread itself", fd, 128)
}

// signalfdMask changes what a file is for.
func signalfdMask(fd int) {
	_ = unix.Kill(os.Getpid(), unix.SIGUSR2)
	ready("not the file's", fd, 0)
	same, err := unix.Signalfd(fd, sigset(syscall.SIGUSR2), 0)
	fmt.Println("changed", same == fd, err)
	ready("now it is", fd, 0)
	_ = unix.Kill(os.Getpid(), unix.SIGUSR1)
	take("one", fd, 512)
	_, err = unix.Signalfd(fd, sigset(syscall.SIGUSR1), unix.SFD_NONBLOCK)
	fmt.Println("changed", err)
	take("the other", fd, 512)
}

// signalfdWaits has reads wait: for a signal, and for what somebody else makes of the file.
func signalfdWaits() {
	fd, err := unix.Signalfd(-1, sigset(syscall.SIGUSR1, syscall.SIGALRM), 0)
	fmt.Println(err)
	defer unix.Close(fd)
	time.AfterFunc(20*time.Millisecond, func() { _ = unix.Kill(os.Getpid(), unix.SIGUSR1) })
	take("waited", fd, 256)
	_, err = unix.Setitimer(unix.ITIMER_REAL, unix.Itimerval{Value: unix.Timeval{Usec: 20_000}})
	fmt.Println("timer", err)
	take("alarm", fd, 256)
	_ = unix.Kill(os.Getpid(), unix.SIGUSR2)
	time.AfterFunc(20*time.Millisecond, func() { _, _ = unix.Signalfd(fd, sigset(syscall.SIGUSR2), 0) })
	take("another mask", fd, 256)
}

// signalfdForks has a child end, and one that has the file.
func signalfdForks() {
	// The signal of a child's end is another one than SIGCHLD, which Go's runtime blocks nowhere.
	fd, err := unix.Signalfd(-1, sigset(syscall.SIGUSR2), 0)
	fmt.Println(err)
	defer unix.Close(fd)
	var pidfd int32
	pid, err := clonePidfd(&pidfd, syscall.SIGUSR2)
	fmt.Println(err)
	b := make([]byte, 128)
	n, err := unix.Read(fd, b)
	for errors.Is(err, unix.EINTR) {
		n, err = unix.Read(fd, b)
	}
	i := infoOf(b)
	fmt.Println("child", n, err, unix.Signal(i.Signo), i.Code, i.Pid, i.Band == uint32(pid), i.Fd, i.Status, i.Int, i.Ptr)
	fmt.Println("of its user", i.Uid == somebody || os.Getuid() != 0, waitUser(pid) == i.Uid)
	var status unix.WaitStatus
	got, err := unix.Wait4(pid, &status, unix.WALL, nil)
	fmt.Println(got == pid, status.ExitStatus(), err)
	_ = unix.Close(int(pidfd))
	c := me("signalfd-user")
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	fmt.Println(c.Run())
	mine, _ := unix.Signalfd(-1, sigset(syscall.SIGUSR1), unix.SFD_NONBLOCK)
	_ = unix.Kill(os.Getpid(), unix.SIGUSR1)
	c = me("signalfd-other")
	c.Stdout, c.Stderr, c.ExtraFiles = os.Stdout, os.Stderr, []*os.File{os.NewFile(uintptr(mine), "signals")}
	fmt.Println(c.Run())
	take("mine", mine, 128)
}

// somebody is a user without privileges.
const somebody = 41234

// signalfdUser is somebody else, who sends itself a signal.
func signalfdUser() {
	runtime.LockOSThread()
	if os.Getuid() == 0 {
		fmt.Println(syscall.Setuid(somebody))
	} else {
		fmt.Println(nil)
	}
	fd, err := unix.Signalfd(-1, sigset(syscall.SIGUSR1, syscall.SIGUSR2), 0)
	fmt.Println(err)
	_ = unix.Kill(os.Getpid(), unix.SIGUSR1)
	take("of oneself", fd, 128)
	_ = unix.Tgkill(os.Getpid(), unix.Gettid(), unix.SIGUSR2)
	take("of oneself", fd, 128)
	os.Exit(7)
}

// signalfdOther is a child with its parent's file: it has its own signals by it.
func signalfdOther() {
	runtime.LockOSThread()
	take("a child's", 3, 128)
	_ = unix.Kill(os.Getpid(), unix.SIGUSR1)
	take("a child's", 3, 128)
}
