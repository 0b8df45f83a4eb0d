// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"syscall"

	"loam/abi"
	"loam/test/programs/cases"
	"loam/user/object"
)

func handleCases() []cases.Case {
	return []cases.Case{
		{Name: "first handles", Run: firstHandles},
		{Name: "rights only shrink", Run: rightsShrink},
		{Name: "stale handles", Run: staleHandles},
		{Name: "references are counted", Run: referencesCounted},
		{Name: "table without end", Run: tableWithoutEnd},
	}
}

func firstHandles() error {
	for h, kind := range map[abi.Handle]abi.Kind{
		abi.HandleProcess: abi.KindProcess, abi.HandleSpace: abi.KindSpace, abi.HandleThread: abi.KindThread,
		abi.HandleMachine: abi.KindMachine,
	} {
		info, err := object.Info(h)
		if err != nil || info.Kind != kind || info.Rights != abi.RightsOf(kind) || info.ID == 0 {
			return fmt.Errorf("%v: %+v %v", kind, info, err)
		}
	}
	i, err := object.Self.Info()
	if err != nil || i.State != abi.ProcessRunning || int(i.PID) != syscall.Getpid() || i.Threads < 1 || i.Handles != 4 {
		return fmt.Errorf("%+v %v", i, err)
	}
	return nil
}

// rightsShrink tries every set of rights of every set: what is refused, and what
// the new handle has.
func rightsShrink() error {
	n := must(object.NewNotification())
	defer n.Close()
	const every = 1<<7 - 1
	for have := abi.Rights(0); have <= every; have++ {
		h, err := object.Duplicate(abi.Handle(n), have)
		if have&^abi.RightsOf(abi.KindNotification) != 0 {
			if err := want(err, syscall.EACCES); err != nil {
				return fmt.Errorf("%#x: %w", have, err)
			}
			continue
		}
		ok(err)
		for ask := abi.Rights(0); ask <= every; ask++ {
			g, err := object.Duplicate(h, ask)
			if may := have.Has(ask | abi.RightDuplicate); may != (err == nil) {
				return fmt.Errorf("%#x of %#x: %v", ask, have, err)
			}
			if err != nil {
				continue
			}
			if got := must(object.Info(g)).Rights; got != ask {
				return fmt.Errorf("%#x, asked for %#x", got, ask)
			}
			ok(object.Close(g))
		}
		ok(object.Close(h))
	}
	return want(call(abi.CallHandleDuplicate, uint64(n), 1<<40), syscall.EACCES)
}

// staleHandles closes a handle, lets others have its place, and tries it.
func staleHandles() error {
	n := must(object.NewNotification())
	defer n.Close()
	var old []abi.Handle
	for range 300 {
		h := must(object.Duplicate(abi.Handle(n), abi.RightsOf(abi.KindNotification)))
		r := must(object.Replace(h, abi.RightWrite))
		ok(object.Close(r))
		old = append(old, h, r)
	}
	now := must(object.Duplicate(abi.Handle(n), abi.RightWrite))
	defer object.Close(now)
	for _, h := range old {
		if h == now {
			return fmt.Errorf("%#x was given twice", uint64(h))
		}
		if err := want(object.Notification(h).Signal(1), syscall.EBADF); err != nil {
			return err
		}
	}
	return nil
}

func referencesCounted() error {
	n := must(object.NewNotification())
	var all []abi.Handle
	for i := range uint32(10) {
		if got := references(abi.Handle(n)); got != i+1 {
			return fmt.Errorf("%d references, want %d", got, i+1)
		}
		all = append(all, must(object.Duplicate(abi.Handle(n), 0)))
	}
	id := must(object.Info(abi.Handle(n))).ID
	for _, h := range all {
		ok(object.Close(h))
	}
	if got := references(abi.Handle(n)); got != 1 {
		return fmt.Errorf("%d references in the end", got)
	}
	ok(n.Close())
	m := must(object.NewNotification())
	if other := must(object.Info(abi.Handle(m))).ID; other == id {
		return fmt.Errorf("two objects have the number %d", id)
	}
	return m.Close()
}

// fill makes handles until there is no room and gives what takes them back.
func fill() (empty func()) {
	n := must(object.NewNotification())
	all := []abi.Handle{abi.Handle(n)}
	for {
		h, err := object.Duplicate(abi.Handle(n), 0)
		if err != nil {
			ok(want(err, syscall.EMFILE))
			break
		}
		all = append(all, h)
	}
	return func() {
		for _, h := range all {
			ok(object.Close(h))
		}
	}
}

func tableWithoutEnd() error {
	for range 3 {
		empty := fill()
		n := must(object.Self.Info()).Handles
		empty()
		if n != abi.MaxHandles {
			return fmt.Errorf("%d handles", n)
		}
	}
	return nil
}
