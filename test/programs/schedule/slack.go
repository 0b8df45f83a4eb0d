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

	"loam/abi"
	"loam/user/object"
)

// slack is that of lax's child.
const slack = 30 * time.Millisecond

// lax has a child that has not run yet be lax, and the child look.
func lax() error {
	c, err := (&object.Program{File: "program", Args: []string{"schedule", "role", "lax"}, Held: true}).Start()
	if err != nil {
		return err
	}
	err = errors.Join(c.Thread.ScheduleLax(0, 0, slack), c.Thread.Resume())
	status, waited := c.Process.Wait(object.Forever)
	if status != (abi.ExitStatus{}) {
		err = errors.Join(err, fmt.Errorf("the child: %v", status))
	}
	return errors.Join(err, waited, c.Close())
}

// isLax is the child: two of its threads sleep.
func isLax() error {
	runtime.LockOSThread()
	other := make(chan error)
	go func() { other <- sleepsLate() }()
	return errors.Join(sleepsLate(), <-other)
}

func sleepsLate() error {
	got, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil || time.Duration(got) != slack {
		return fmt.Errorf("the slack is %v, want %v: %v", time.Duration(got), slack, err)
	}
	const long, short = time.Millisecond, 3 * time.Microsecond
	took, err := sleepTook(long)
	if err == nil && took < long+slack {
		err = fmt.Errorf("a sleep of %v took %v", long, took)
	}
	least := slack
	for range 20 { // others have the CPU for most of one, perhaps
		took, wrong := sleepTook(short)
		least, err = min(least, took), errors.Join(err, wrong)
	}
	if err == nil && least == slack {
		err = fmt.Errorf("each sleep of %v took %v or more", short, slack)
	}
	return err
}

func sleepTook(d time.Duration) (time.Duration, error) {
	t, begin := syscall.NsecToTimespec(int64(d)), time.Now()
	err := syscall.Nanosleep(&t, nil)
	return time.Since(begin), err
}
