// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// signals has a signal in the middle of each call that waits: with SA_RESTART it goes on or is EINTR, as signal(7) has it for
// each; without, all are EINTR. Calls that don't wait are never ended by a signal.
func signals() error {
	came := make(chan os.Signal, 1)
	signal.Notify(came, unix.SIGUSR1)
	go func() {
		for range came {
			handled.Add(1)
		}
	}()
	for _, restart := range []bool{true, false} {
		if err := setRestart(unix.SIGUSR1, restart); err != nil {
			return err
		}
		for _, w := range waits() {
			if err := interrupted(w, restart); err != nil {
				return fmt.Errorf("%s: %w", w.name, err)
			}
		}
		if err := stormed(restart); err != nil {
			return err
		}
	}
	return nil
}

// handled counts signals whose handler has run, or more of them: some that come at once are one.
var handled atomic.Int64

type (
	call func() (int, error)
	act  func() error
)

// wait is a call that waits, until it is let go on.
type wait struct {
	name string
	// prepare gives the call, and what makes that happen which it waits for; nil: it ends by itself, or by signals alone.
	prepare func(*maker) (call, act)
}

const (
	enough   = 5                // as many signals as a call that is made again must have had
	patience = 20 * time.Second // a call that hangs
)

// interrupted makes a call and sends signals to its thread until it ends, or until there have been enough.
func interrupted(w wait, restart bool) error {
	m := &maker{}
	defer m.close()
	made, letGo := w.prepare(m)
	type end struct {
		n   int
		err error
	}
	thread, ended := make(chan int), make(chan end, 1)
	go func() {
		runtime.LockOSThread() // it ends with the goroutine
		thread <- unix.Gettid()
		n, err := made()
		ended <- end{n, err}
	}()
	tid, from := <-thread, handled.Load()
	time.Sleep(2 * time.Millisecond) // most of the time it waits by then
	let, limit := false, time.After(patience)
	for {
		select {
		case e := <-ended:
			if errors.Is(e.err, unix.EINTR) {
				fmt.Println(w.name, restart, e.err)
				return nil
			}
			fmt.Println(w.name, restart, "goes on", e.n, e.err)
			return nil
		case <-limit:
			return errors.New("hangs")
		case <-time.After(2 * time.Millisecond):
		}
		if handled.Load()-from < enough {
			if err := unix.Tgkill(unix.Getpid(), tid, unix.SIGUSR1); err != nil && !errors.Is(err, unix.ESRCH) {
				return err
			}
			continue
		}
		if !let && letGo != nil {
			if err := letGo(); err != nil {
				return err
			}
		}
		let = true
	}
}

// stormed makes calls that don't wait, again and again, while signals come: each ends as it does without.
func stormed(restart bool) error {
	dir, err := os.MkdirTemp("", "storm")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	thread, stop, stopped := make(chan int), make(chan bool), make(chan bool)
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		thread <- unix.Gettid()
		var err error
		for range 150 {
			if err = errors.Join(err, rounds(dir)); err != nil {
				break
			}
		}
		close(stop)
		<-stopped
		done <- err
	}()
	tid, from := <-thread, handled.Load()
	sent := 0
	for going := true; going; sent++ {
		if err := unix.Tgkill(unix.Getpid(), tid, unix.SIGUSR1); err != nil {
			return err
		}
		select {
		case <-stop:
			going = false
		case <-time.After(50 * time.Microsecond):
		}
	}
	close(stopped)
	err = <-done
	fmt.Println("storm", restart, sent > 5, handled.Load() > from, err)
	return err
}
