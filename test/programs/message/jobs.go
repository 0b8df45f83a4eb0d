// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"loam/abi"
	"loam/test/programs/cases"
	"loam/test/programs/smp/low"
	"loam/user/sys"
)

// Crossings: a child that calls and serves, and gets signals from its parent meanwhile.
func jobCases() []cases.Case {
	return []cases.Case{
		{Name: "stopped and continued by signals", Run: jobControl},
		{Name: "killed by a signal", Run: jobsKilled},
	}
}

// job is what the child does: its threads call each other, an actor calls one of them, and one of them calls
// actors, each so often; 0: without actors, for ever.
func job(least uint64) error {
	within, front := endpoint(), endpoint()
	var counts [3]atomic.Uint64
	for _, e := range []abi.Handle{within, within, front} {
		go func() {
			runtime.LockOSThread()
			m := sys.Message{To: uint64(e)}
			for nr := uint64(abi.CallEndpointReceive); sys.MessageWait(nr, &m) == abi.ReceivedCall; nr = abi.CallEndpointReplyReceive {
				m.To = uint64(e)
			}
		}()
	}
	failed := make(chan error, len(counts)+1)
	caller := func(n int, e abi.Handle) {
		runtime.LockOSThread()
		setAffinity(n % runtime.NumCPU())
		for i := counts[n].Load(); ; i = counts[n].Add(1) {
			m := sys.Message{To: uint64(e), Words: [8]uint64{i, ^i}}
			if r := sys.MessageWait(abi.CallEndpointCall, &m); r != 0 || m.Words[0] != i {
				failed <- fmt.Errorf("call %d: %d, %d", i, int64(r), m.Words[0])
				return
			}
		}
	}
	go caller(0, within)
	go caller(1, within)
	if least == 0 {
		return <-failed
	}
	l := newLine(2)
	go caller(2, l.ends[0])
	actor := begin([]abi.HandOn{to(front, callRights)}, do{nr: abi.CallEndpointCall, to: given(0), loop: true})
	for {
		select {
		case err := <-failed:
			return err
		case <-time.After(time.Millisecond):
		}
		if min(counts[0].Load(), counts[1].Load(), counts[2].Load(), actor.steps[0].finished()) >= least {
			actor.over()
			for _, s := range l.servers {
				s.over()
			}
			return nil
		}
	}
}

// jobControl stops the child and has it go on, again and again.
func jobControl() error {
	pid, err := low.Spawn("role", "stopped")
	if err != nil {
		return err
	}
	r := rand.New(rand.NewPCG(8, 8))
	var status syscall.WaitStatus
	for n, end := 0, time.Now().Add(60*time.Second); ; n++ {
		if time.Now().After(end) {
			return fmt.Errorf("after %d signals it isn't ready", n)
		}
		got, err := syscall.Wait4(pid, &status, syscall.WNOHANG, nil)
		if err != nil || got == pid && status != 0 {
			return fmt.Errorf("after %d signals: %v, status %#x", n, err, status)
		}
		if got == pid {
			return nil
		}
		ok(syscall.Kill(pid, syscall.SIGSTOP))
		time.Sleep(time.Duration(r.IntN(200)) * time.Microsecond)
		ok(syscall.Kill(pid, syscall.SIGCONT))
		time.Sleep(time.Duration(r.IntN(2000)) * time.Microsecond)
	}
}

// jobsKilled kills such children.
func jobsKilled() error {
	r := rand.New(rand.NewPCG(9, 9))
	for range 25 {
		pid, err := low.Spawn("role", "killed")
		if err != nil {
			return err
		}
		time.Sleep(time.Duration(r.IntN(20000)) * time.Microsecond)
		if r.IntN(3) == 0 {
			ok(syscall.Kill(pid, syscall.SIGSTOP))
		}
		ok(syscall.Kill(pid, syscall.SIGKILL))
		var status syscall.WaitStatus
		if _, err := syscall.Wait4(pid, &status, 0, nil); err != nil || status.Signal() != syscall.SIGKILL {
			return fmt.Errorf("%v, status %#x", err, status)
		}
	}
	return nil
}

// runAs is main of a child.
func runAs(role string) error {
	if role == "forwarded" {
		return forwardedRole()
	}
	highest = 0 // as its own
	least := uint64(400)
	if role == "killed" {
		least = 0
	}
	return job(least)
}
