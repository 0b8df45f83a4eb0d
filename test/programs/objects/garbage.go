// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"loam/abi"
	"loam/user/object"
	"loam/user/sys"
)

// Garbage: children that make the calls with whatever is in their registers, on
// their own handles and on memory and notifications of this process. They may
// stop, kill or unmap themselves. The kernel and this process go on.

// garbage runs such children for some seconds, two at a time.
func garbage(words []string) error {
	seconds, _ := strconv.ParseFloat(words[0], 64)
	seed, _ := strconv.ParseUint(words[1], 0, 64)
	handles := must(object.Self.Info()).Handles
	n, m := must(object.NewNotification()), must(object.NewMemory(16*page))
	started := 0
	for end := time.Now().Add(time.Duration(seconds * float64(time.Second))); time.Now().Before(end); {
		var all []object.Child
		for range 2 {
			seed++
			c, err := child(object.Program{Handles: []abi.HandOn{give(abi.Handle(n)), give(abi.Handle(m))}},
				"garbler", strconv.FormatUint(seed, 10))
			if err != nil {
				return fmt.Errorf("after %d: %w", started, err)
			}
			started++
			all = append(all, c)
		}
		for _, c := range all {
			_, _ = c.Process.Wait(object.After(150 * time.Millisecond))
			end := c.Process.Kill()
			if end != nil && end != syscall.ESRCH {
				return end
			}
			must(c.Process.Wait(soon()))
			ok(c.Close())
		}
	}
	ok(n.Close())
	ok(m.Close())
	fmt.Println("garbage:", started, "children")
	// Processes that they made have no parent that would end them.
	eventually("memory is given back", func() bool { return used().Of(abi.KindMemory) == 0 })
	if h := must(object.Self.Info()).Handles; h != handles {
		return fmt.Errorf("%d handles are left, not %d", h, handles)
	}
	return nil
}

// garbler is the child's part, until it dies of it.
func garbler(word string) error {
	seed, _ := strconv.ParseUint(word, 0, 64)
	runtime.LockOSThread()
	r := rand.New(rand.NewPCG(seed, 5))
	known := []abi.Handle{abi.HandleProcess, abi.HandleSpace, abi.HandleThread, object.Given(0), object.Given(1)}
	request := (&object.Program{File: "program", Args: []string{"objects", "role", "exit", "0"}}).Request()
	for {
		nr := uint64(abi.CallHandleDuplicate) + uint64(r.IntN(int(abi.CallHandleMint)+2-abi.CallHandleDuplicate))
		var args [6]uint64
		for i := range args {
			args[i] = someWord(r, known)
		}
		switch nr {
		case abi.CallProcessKill, abi.CallThreadEnd, abi.CallThreadStop: // seldom, or nothing else happens
			if r.IntN(100) != 0 {
				continue
			}
		case abi.CallNotificationWait, abi.CallThreadWait, abi.CallProcessWait:
			if r.IntN(4) != 0 {
				args[1], args[2] = args[1]&7, uint64(sys.Monotonic())
			}
		case abi.CallProcessCreate:
			if r.IntN(4) == 0 {
				args = [6]uint64{addressOf(&request[0]), uint64(len(request)), infoAddr}
			}
		}
		v, err := sys.ObjectCall(nr, args[:]...)
		var e syscall.Errno
		switch {
		case errors.As(err, &e) && abi.Errno(e).Name() == "":
			return fmt.Errorf("call %#x %#x: error %d", nr, args, e)
		case err == nil && v > abi.MaxHandles:
			known[r.IntN(len(known))] = abi.Handle(v)
		}
	}
}

// someWord is a word that some call may like.
func someWord(r *rand.Rand, known []abi.Handle) uint64 {
	switch r.IntN(10) {
	case 0, 1, 2, 3:
		return uint64(known[r.IntN(len(known))])
	case 4:
		return uint64(r.IntN(8))
	case 5:
		return uint64(r.IntN(20)) * page
	case 6:
		return 1 << r.IntN(64)
	case 7:
		return 1<<r.IntN(64) - 1
	case 8:
		return infoAddr + uint64(r.IntN(64))
	}
	return r.Uint64()
}
