//go:build linux && (amd64 || riscv64)

// SPDX-License-Identifier: Apache-2.0

// Command serial drives a virtio console device of several ports: at one of them it sends back
// what comes, until the other end is closed, and then says how much that was. It is given
// the device's interrupt, its registers, and memory for it.
package main

import (
	"fmt"
	"os"
	"time"

	"loam/user/object"
	"loam/user/virtio"
	"loam/user/virtio/console"
	"loam/user/virtio/driver"
)

// echo is the driver.
type echo struct {
	*console.Console
	port    int // at which somebody is; -1: none yet
	buffer  [4096]byte
	pending []byte // of buffer: it has come and could not be sent yet
	bytes   int
	closed  bool
}

func main() {
	parts, err := driver.Take(object.Given(1), object.Given(0), object.Given(2))
	check(err)
	e := &echo{port: -1}
	e.Console, err = console.Open(parts.Transport, parts.Arena, console.Options{Ports: 2, Buffers: 8, BufferSize: 4096})
	check(err)
	note, err := object.NewNotification()
	check(err)
	loop, err := parts.Listen(note, time.Minute, e.Device(), e.arrived)
	check(err)
	for check(e.arrived(0)); !e.closed; {
		bits, err := note.Wait(driver.BitInterrupt, object.Forever)
		check(err)
		check(loop.Handle(bits))
	}
	fmt.Println(e.bytes)
}

// arrived does all that can be done: until there is no more, or none of it can be.
func (e *echo) arrived(virtio.Cause) error {
	for idle := 0; idle < 2; {
		idle++
		did, err := e.round()
		if err != nil {
			return err
		}
		if did {
			idle = 0
		}
		if more, err := e.Arm(); err != nil || !more {
			return err
		}
	}
	return nil
}

// round reports whether it has done anything.
func (e *echo) round() (did bool, err error) {
	for {
		event, ok, err := e.Event()
		if err != nil {
			return did, err
		}
		if !ok {
			break
		}
		did = true
		switch event.Change {
		case console.Opened:
			e.port = event.Port
			if err := e.SetOpen(e.port, true); err != nil {
				return did, err
			}
		case console.Closed:
			e.closed = true
		}
	}
	for e.port >= 0 {
		if len(e.pending) == 0 {
			n, err := e.Read(e.port, e.buffer[:])
			if err != nil || n == 0 {
				return did, err
			}
			e.pending, e.bytes = e.buffer[:n], e.bytes+n
		}
		n, err := e.Write(e.port, e.pending)
		if err != nil || n == 0 {
			return did, err
		}
		e.pending, did = e.pending[n:], true
	}
	return did, nil
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "serial:", err)
		os.Exit(1)
	}
}
