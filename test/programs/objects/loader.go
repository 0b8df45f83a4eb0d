// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"encoding/binary"
	"fmt"
	"syscall"

	"loam/abi"
	"loam/user/object"
)

// loaded makes an empty process, and a program of the waiter's code (which lies
// anywhere, and uses no stack) for it to run: one call, which signals a
// notification, and exit.
func loaded() error {
	n := must(object.NewNotification())
	defer n.Close()
	m := must(object.NewMemory(2 * page))
	defer m.Close()
	b := here(m, rw)
	defer away(b)
	copy(b, object.Bytes(codeOfWaiter(), 128))
	data := b[page:]
	const text, at = 0x40_0000, 0x50_0000
	binary.LittleEndian.PutUint64(data[0:], abi.CallNotificationSignal) // an order, see waiter
	binary.LittleEndian.PutUint64(data[8:], uint64(object.Given(0)))
	binary.LittleEndian.PutUint64(data[24:], at+100*8)

	c := must((&object.Program{Empty: true, Handles: []abi.HandOn{give(abi.Handle(n))}}).Start())
	must(c.Space.Map(m, text, 0, page, syscall.PROT_READ|syscall.PROT_EXEC))
	must(c.Space.Map(m, at, page, page, rw))
	if i := must(c.Process.Info()); i.State != abi.ProcessRunning || i.Threads != 1 || i.Handles != 4 {
		return fmt.Errorf("%+v", i)
	}
	if err := want(c.Thread.Resume(), 0); err != nil { // it isn't stopped: it hasn't begun
		return err
	}
	if _, err := n.Wait(1, object.Now); want(err, syscall.ETIMEDOUT) != nil {
		return fmt.Errorf("it runs: %v", err)
	}
	ok(c.Thread.Start(object.Registers{Entry: text, Args: [2]uint64{at}}))
	if bits, err := n.Wait(abi.NotificationBits, soon()); err != nil || bits != abi.NotificationBits {
		return fmt.Errorf("%#x %v", bits, err)
	}
	ok(finish(c))
	if data[40] != 1 || binary.LittleEndian.Uint64(data[16:]) != 0 {
		return fmt.Errorf("its order: % x", data[:48])
	}
	// One that never begins, and one that has nothing to run.
	for _, start := range []bool{false, true} {
		c := must((&object.Program{Empty: true}).Start())
		if start {
			ok(c.Thread.Start(object.Registers{Entry: text}))
			status, err := c.Process.Wait(soon())
			if err != nil || status != (abi.ExitStatus{Kind: abi.Signalled, Value: uint32(syscall.SIGSEGV)}) {
				return fmt.Errorf("%v %v", status, err)
			}
		}
		end(c)
	}
	return nil
}
