// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"loam/abi"
	"loam/user/object"
)

// play is what a child does. It ends with status 0 if all was as it should be.
func play(role []string) {
	var err error
	switch role[0] {
	case "exit":
		n, _ := strconv.Atoi(role[1])
		os.Exit(n)
	case "sleep": // until it is killed
		for {
			time.Sleep(time.Hour)
		}
	case "wait": // for a notification, after saying so on another
		_ = object.Notification(object.Given(1)).Signal(1)
		_, err = object.Notification(object.Given(0)).Wait(1, object.Forever)
	case "given":
		err = given(role[1:])
	case "memory":
		err = useMemory()
	case "clone":
		err = useClone()
	case "cloner":
		err = cloner(role[1])
	case "greedyclone":
		err = greedyClone()
	case "crowdedclone":
		err = crowdedClone()
	case "belowclone":
		err = belowClone()
	case "costs":
		err = costs()
	case "exhaust":
		err = exhaust(role[1])
	case "private":
		err = usePrivate()
	case "at":
		err = memoryAt(role[1])
	case "pages":
		err = touchPages(role[1])
	case "derive":
		err = derive(role[1])
	case "badged":
		err = signalBadged()
	case "revoke":
		err = object.Revoke(object.Given(0))
	case "pass":
		err = pass()
	case "passed":
		err = passed()
	case "hoard":
		err = hoard()
	case "leave":
		err = leave()
	case "outlive":
		err = outlive()
	case "killself":
		err = object.Self.Kill()
	case "garbage":
		err = garbage(role[1:])
	case "garbler":
		err = garbler(role[1])
	case "stress":
		err = stress(role[1:])
	case "greedy":
		err = greedy(role[1], role[2])
	case "crowded":
		err = crowded(role[1])
	case "below":
		_, err = take(role[1], 1<<20)
		err = want(err, syscall.ENOSPC)
	default:
		err = fmt.Errorf("no such role: %v", role)
	}
	for _, c := range taken {
		if e := c.Process.Kill(); err == nil {
			err = e
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, role, err)
		os.Exit(1)
	}
}

// given checks what the creator handed on, kinds and rights as words.
func given(words []string) error {
	for i := 0; i+1 < len(words); i += 2 {
		info, err := object.Info(object.Given(i / 2))
		if err != nil {
			return err
		}
		if got := []string{info.Kind.String(), strconv.Itoa(int(info.Rights))}; got[0] != words[i] || got[1] != words[i+1] {
			return fmt.Errorf("handle %d is %v, want %v", i/2, got, words[i:i+2])
		}
	}
	_, err := object.Info(object.Given(len(words) / 2))
	return want(err, syscall.EBADF)
}

// hoard fills the table with copies of what it was given, and ends with them.
func hoard() error {
	for n := 0; ; n++ {
		if _, err := object.Duplicate(object.Given(0), 0); err != nil {
			if n < abi.MaxHandles/2 {
				return fmt.Errorf("%d copies", n)
			}
			return want(err, syscall.EMFILE)
		}
	}
}

// leave makes a notification, gives it to a child of its own, and ends without
// waiting: the notification outlives the one that pays for it.
func leave() error {
	n, err := object.NewNotification()
	if err != nil {
		return err
	}
	_, err = child(object.Program{Handles: []abi.HandOn{
		give(object.Given(0)), give(object.Given(1)), give(abi.Handle(n))}}, "outlive")
	return err
}

// outlive uses a notification whose maker has ended, until it is told to end.
func outlive() error {
	n := object.Notification(object.Given(2))
	if err := n.Signal(6); err != nil {
		return err
	}
	bits, err := n.Wait(2, object.Now)
	if err != nil || bits != 2 {
		return fmt.Errorf("%d %v", bits, err)
	}
	if err := object.Notification(object.Given(1)).Signal(1); err != nil {
		return err
	}
	_, err = object.Notification(object.Given(0)).Wait(1, object.Forever)
	return err
}

// greedy takes as many of a kind as it can get, and compares with what it was
// told that this is; 0: not known before.
func greedy(kind, most string) error {
	n, err := take(kind, 1<<20)
	if e := want(err, syscall.EDQUOT); e != nil {
		return e
	}
	if m, _ := strconv.Atoi(most); m != 0 && n != m {
		return fmt.Errorf("%d, want %d", n, m)
	}
	return nil
}

// crowded takes some of a kind, and has a child, whose own limit is as high, run
// into this one's.
func crowded(kind string) error {
	if _, err := take(kind, 2); err != nil {
		return err
	}
	info, err := object.Self.Info()
	if err != nil {
		return err
	}
	c, err := child(object.Program{Limits: &info.Limits}, "below", kind)
	if err != nil {
		return err
	}
	return finish(c)
}

// taken are the processes that take made.
var taken []object.Child

// take makes up to n objects of a kind and gives how many it could.
func take(kind string, n int) (int, error) {
	for i := range n {
		var err error
		switch kind {
		case "notification":
			_, err = object.NewNotification()
		case "memory":
			_, err = object.NewMemory(page)
		case "thread":
			_, err = object.Self.NewThread()
		case "process":
			var c object.Child
			if c, err = child(object.Program{Held: true}, "sleep"); err == nil {
				taken = append(taken, c)
			}
		default:
			panic(kind)
		}
		if err != nil {
			return i, err
		}
	}
	return n, nil
}
