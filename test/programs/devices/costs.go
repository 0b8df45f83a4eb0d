// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"slices"

	"loam/abi"
	"loam/user/object"
	"loam/user/sys"
)

// costs measures what the way from an event to a waiting thread takes. On a
// deterministic machine a nanosecond is an instruction. The calls are raw: Go's
// runtime has no part in it.
func costs() {
	n, err := object.NewNotification()
	if err != nil {
		fail(err)
	}
	report("clock", repeat(func() int64 { return -sys.Monotonic() + sys.Monotonic() }))
	t, err := object.NewTimer()
	if err != nil {
		fail(err)
	}
	report("timer to waiting thread", repeat(func() int64 {
		at := sys.Monotonic() + 100_000
		if err := t.Set(n, 1, at, 0); err != nil {
			fail(err)
		}
		await(n, 1)
		return sys.Monotonic() - at
	}))
	r, err := machine.NewRegisters(configSpace, 4)
	if err != nil {
		fail(err)
	}
	report("register read by a call", repeat(func() int64 {
		begin := sys.Monotonic()
		if _, err := sys.ObjectCall(abi.CallRegistersRead, uint64(r), 0, 4); err != nil {
			fail(err)
		}
		return sys.Monotonic() - begin
	}))
	report("interrupt to waiting thread", repeat(interruptCost(n)))
	other, err := object.NewNotification()
	if err != nil {
		fail(err)
	}
	c, err := (&object.Program{File: "program", Args: []string{"devices", "echo"}, Handles: []abi.HandOn{
		{Handle: abi.Handle(n), Rights: abi.RightWait}, {Handle: abi.Handle(other), Rights: abi.RightWrite},
	}}).Start()
	if err != nil {
		fail(err)
	}
	report("notification there and back between two processes", repeat(func() int64 {
		begin := sys.Monotonic()
		if err := n.Signal(1); err != nil {
			fail(err)
		}
		await(other, 1)
		return sys.Monotonic() - begin
	}))
	if err := c.Process.Kill(); err != nil {
		fail(err)
	}
}

// echo signals its second notification for each time that its first one is.
func echo() {
	n, other := object.Notification(object.Given(0)), object.Notification(object.Given(1))
	for {
		await(n, 1)
		if err := other.Signal(1); err != nil {
			fail(err)
		}
	}
}

// await waits without Go's runtime.
func await(n object.Notification, bits uint64) {
	if _, err := sys.ObjectCall(abi.CallNotificationWait, uint64(n), bits, abi.WaitForever); err != nil {
		fail(err)
	}
}

// repeat measures 200 times, when it has been done a few times: a device may have an
// interrupt waiting from before.
func repeat(f func() int64) []int64 {
	const before = 5
	var all []int64
	for range before + 200 {
		all = append(all, f())
	}
	return all[before:]
}

func report(name string, all []int64) {
	slices.Sort(all)
	fmt.Printf("%s: least %d, median %d, most %d ns\n", name, all[0], all[len(all)/2], all[len(all)-1])
}
