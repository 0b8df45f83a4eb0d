// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// child is a child's main. Its arguments are a plan's.
func child(role string) {
	steps, _ := strconv.Atoi(flag.Arg(0))
	slot, _ := strconv.Atoi(flag.Arg(2))
	var err error
	switch role {
	case roleArena:
		err = both(steps, newArena(0).step, newArena(1).step)
	case roleShare:
		var s *sharer
		if s, err = newSharer(slot); err == nil {
			err = both(steps, s.step, newArena(1).step)
		}
	case roleClone:
		err = both(steps, new(cloner).step, newArena(1).step)
	case roleGreedy:
		err = greedy(steps)
	default:
		err = errors.New("no such role")
	}
	if err != nil && !shortage(err) {
		fmt.Println("torture: FAIL", role, err)
		os.Exit(exitWrong)
	}
	switch flag.Arg(1) {
	case endCrash:
		_ = syscall.Close(2) // nobody wants to read it
		panic("as planned")
	case endKill:
		time.Sleep(time.Hour)
	}
	os.Exit(exitDone)
}

// step is something to be done once.
type step func(*rand.Rand) error

// both repeats two things at once, by a thread each. When the first is done, the
// other is in the middle of something.
func both(steps int, first, second step) error {
	r := rand.New(rand.NewPCG(*seed, 2))
	var once sync.Once
	result := make(chan error)
	finish := func(err error) { once.Do(func() { result <- err }) }
	go func() {
		runtime.LockOSThread()
		for {
			if err := second(r); err != nil {
				finish(err)
				return
			}
		}
	}()
	go func() {
		runtime.LockOSThread()
		r := rand.New(rand.NewPCG(*seed, 1))
		for range steps {
			if err := first(r); err != nil {
				finish(err)
				return
			}
		}
		finish(nil)
	}()
	return <-result
}

// shortage says that an error is no more than lack of memory or of places.
func shortage(err error) bool {
	for _, e := range []syscall.Errno{syscall.ENOMEM, syscall.EAGAIN, syscall.EDQUOT, syscall.ENOSPC} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
