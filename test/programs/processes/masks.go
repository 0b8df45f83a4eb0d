// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Signals that only the mask of a call that waits lets through.

// maskedCall waits for events of fd, or of the epoll, with the tests' signal not blocked.
type maskedCall struct {
	name string
	wait func(fd, epoll int, limit *unix.Timespec) (int, syscall.Errno)
}

// testMasks has signals come before such calls and while they wait, with events and without.
func testMasks() error {
	runtime.LockOSThread() // and ends with the thread
	taken := make(chan os.Signal, 8)
	signal.Notify(taken, unix.SIGUSR1)
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, sigset(unix.SIGUSR1, unix.SIGURG), nil); err != nil {
		return err
	}
	silent, err := unix.Eventfd(0, unix.EFD_NONBLOCK)
	if err != nil {
		return err
	}
	ready, err := unix.Eventfd(1, unix.EFD_NONBLOCK)
	if err != nil {
		return err
	}
	short := &unix.Timespec{Nsec: 5_000_000}
	for _, c := range maskedCalls {
		for _, how := range []struct {
			what  string
			fd    int
			limit *unix.Timespec
		}{
			{"events, no time", ready, &unix.Timespec{}}, {"events, some time", ready, short}, {"events", ready, nil},
			{"no time", silent, &unix.Timespec{}}, {"some time", silent, short}, {"for ever", silent, nil},
		} {
			err := signalBefore(c, how.fd, how.limit, taken)
			if err != nil {
				return err
			}
			fmt.Println(" ", how.what)
		}
		if err := signalDuring(c, silent, taken); err != nil {
			return err
		}
		if err := signalNone(c, silent, short); err != nil {
			return err
		}
	}
	return nil
}

// watching gives an epoll of fd.
func watching(fd int) (int, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return -1, err
	}
	return epoll, unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN})
}

// signalBefore makes a call with a signal that is pending already.
func signalBefore(c maskedCall, fd int, limit *unix.Timespec, taken chan os.Signal) error {
	epoll, err := watching(fd)
	if err != nil {
		return err
	}
	defer unix.Close(epoll)
	_ = unix.Tgkill(os.Getpid(), unix.Gettid(), unix.SIGUSR1)
	n, e := c.wait(fd, epoll, limit)
	pending := isPending()
	fmt.Print(c.name, " ", n, " ", e, " pending ", pending)
	if pending { // the next one takes it
		silent, _ := unix.Eventfd(0, 0)
		defer unix.Close(silent)
		n, e := maskedCalls[0].wait(silent, epoll, nil)
		fmt.Print(" then ", n, " ", e, " ", isPending())
	}
	<-taken
	return nil
}

// signalDuring has a signal come while a call waits.
func signalDuring(c maskedCall, fd int, taken chan os.Signal) error {
	epoll, err := watching(fd)
	if err != nil {
		return err
	}
	defer unix.Close(epoll)
	tid := unix.Gettid()
	time.AfterFunc(10*time.Millisecond, func() { _ = unix.Tgkill(os.Getpid(), tid, unix.SIGUSR1) })
	n, e := c.wait(fd, epoll, nil)
	<-taken
	fmt.Println(c.name, n, e, isPending(), "meanwhile")
	return nil
}

// signalNone has a call's time pass.
func signalNone(c maskedCall, fd int, limit *unix.Timespec) error {
	epoll, err := watching(fd)
	if err != nil {
		return err
	}
	defer unix.Close(epoll)
	n, e := c.wait(fd, epoll, limit)
	fmt.Println(c.name, n, e, "in time")
	return nil
}
