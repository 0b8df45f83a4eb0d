// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"errors"
	"fmt"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// timerSlack: prctl(2) has a thread's waits end later. If that is set to 0 it is what it was when the thread began.
func timerSlack() error {
	const usual = 50 * time.Microsecond
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := slackIs(usual); err != nil {
		return err
	}
	const more = 3 * time.Millisecond
	if err := setSlack(more); err != nil {
		return err
	}
	if err := errors.Join(slackIs(more), sleeps(20*time.Microsecond)); err != nil {
		return err
	}
	if err := setSlack(0); err != nil {
		return err
	}
	return slackIs(usual)
}

// sleeps sleeps by nanosleep(2), which may take longer than asked for and not less.
func sleeps(d time.Duration) error {
	t, begin := syscall.NsecToTimespec(int64(d)), time.Now()
	err := error(syscall.EINTR)
	for err == syscall.EINTR { // by Go's monitor, which preempts on a busy machine
		err = syscall.Nanosleep(&t, &t)
	}
	if err != nil {
		return err
	}
	if took := time.Since(begin); took < d {
		return fmt.Errorf("a sleep of %v took %v", d, took)
	}
	return nil
}

func setSlack(d time.Duration) error {
	return unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(d), 0, 0, 0)
}

func slackIs(want time.Duration) error {
	got, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err == nil && time.Duration(got) != want {
		err = fmt.Errorf("the slack is %v, want %v", time.Duration(got), want)
	}
	return err
}
