// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"loam/test/programs/smp/low"
)

// What a child does.
const (
	roleWork = "work" // works for some milliseconds and exits in the middle of it
	roleStay = "stay" // works until it is killed
)

const childStatus = 42

// childStep starts a child and ends it, or waits for its end.
func childStep(s *state) error {
	what := roleWork
	if s.IntN(3) == 0 {
		what = roleStay
	}
	pid, err := low.Spawn("-child", what, "-seed", strconv.FormatUint(s.Uint64(), 10))
	if err != nil {
		return fmt.Errorf("spawn: %w", err)
	}
	if what == roleStay {
		time.Sleep(time.Duration(s.IntN(30)) * time.Millisecond)
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			return fmt.Errorf("kill of child %d: %w", pid, err)
		}
	}
	status, err := low.Reap(pid)
	switch {
	case err != nil:
		return fmt.Errorf("wait4 for child %d: %w", pid, err)
	case what == roleStay && (!status.Signaled() || status.Signal() != syscall.SIGKILL):
		return fmt.Errorf("child %d was killed; its status is %#x", pid, uint32(status))
	case what == roleWork && (!status.Exited() || status.ExitStatus() != childStatus):
		return fmt.Errorf("child %d should have exited with %d; its status is %#x", pid, childStatus, uint32(status))
	}
	return nil
}

// child is a child's main.
func child(role string) {
	d := time.Duration(*seed%20) * time.Millisecond
	if role == roleStay {
		d = time.Hour
	}
	if err := work(d, []string{"child"}); err != nil {
		fmt.Println("stress: FAIL in a child:", err)
		os.Exit(3)
	}
	everywhereAndExit(childStatus, false)
}
