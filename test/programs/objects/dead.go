// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"encoding/binary"
	"fmt"

	"loam/abi"
	"loam/user/object"
)

// deadWaiters kills a process with many threads that wait for a notification.
// They go in pieces; a signal meanwhile is not for them.
func deadWaiters() error {
	n := must(object.NewNotification())
	defer n.Close()
	m := must(object.NewMemory(page))
	defer m.Close()
	b := here(m, rw)
	defer away(b)
	c := must(child(object.Program{Held: true, Handles: []abi.HandOn{give(abi.Handle(n))}}, "sleep"))
	defer end(c)
	at := must(c.Space.Map(m, 0, 0, page, rw))
	binary.LittleEndian.PutUint64(b[0:], abi.CallNotificationWait) // an order, see waiter
	binary.LittleEndian.PutUint64(b[8:], uint64(object.Given(0)))
	for i := range abi.MaxWaiters {
		t := must(c.Process.NewThread())
		ok(t.Start(object.Registers{Entry: codeOfWaiter(), Args: [2]uint64{at}}))
		ok(t.Close())
		waiting(abi.Handle(n), i+1)
	}
	ok(c.Process.Kill())
	ok(n.Signal(1))
	if bits, err := n.Wait(1, object.Now); err != nil || bits != 1 {
		return fmt.Errorf("%d %v", bits, err)
	}
	return nil
}
