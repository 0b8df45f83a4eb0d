// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/signal"
	"runtime/pprof"
	"syscall"
	"time"
)

// arrived waits for a signal.
func arrived(c chan os.Signal, want os.Signal) error {
	select {
	case s := <-c:
		if s != want {
			return fmt.Errorf("%v came, want %v", s, want)
		}
		return nil
	case <-time.After(late):
		return fmt.Errorf("%v did not come", want)
	}
}

func signalToOneself() error {
	c := make(chan os.Signal, 10)
	all := []syscall.Signal{syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGCHLD, syscall.SIGWINCH}
	for _, s := range all {
		signal.Notify(c, s)
	}
	defer signal.Reset()
	for range 10 {
		for _, s := range all {
			if err := syscall.Kill(syscall.Getpid(), s); err != nil {
				return err
			}
			if err := arrived(c, s); err != nil {
				return err
			}
		}
	}
	return nil
}

func signalBurst() error {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGUSR1)
	defer signal.Reset()
	for range 500 {
		if err := syscall.Kill(syscall.Getpid(), syscall.SIGUSR1); err != nil {
			return err
		}
	}
	return arrived(c, syscall.SIGUSR1)
}

func signalIgnored() error {
	signal.Ignore(syscall.SIGTERM)
	defer signal.Reset(syscall.SIGTERM)
	for range 10 {
		if err := syscall.Kill(syscall.Getpid(), syscall.SIGTERM); err != nil {
			return err
		}
	}
	return nil
}

// profileTimer takes a CPU profile, for which the runtime asks for a timer and
// its signals.
func profileTimer() error {
	var b bytes.Buffer
	if err := pprof.StartCPUProfile(&b); err != nil {
		return err
	}
	start := time.Now()
	for time.Since(start) < 100*time.Millisecond {
		sink += int(series(float64(sink)))
	}
	pprof.StopCPUProfile()
	if b.Len() == 0 {
		return fmt.Errorf("an empty profile")
	}
	return nil
}
