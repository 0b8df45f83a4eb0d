// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"strconv"
	"syscall"
	"time"

	"loam/abi"
	"loam/test/programs/cases"
	"loam/user/object"
)

func deriveCases() []cases.Case {
	return []cases.Case{
		{Name: "badges", Run: badges},
		{Name: "bits that may be signalled", Run: badgeMask},
		{Name: "what is derived from what", Run: lineage},
		{Name: "revoked in all processes", Run: revokedEverywhere},
		{Name: "revoked after who handed it on has ended", Run: revokedBehind},
		{Name: "revoked from where it was moved", Run: revokedMoved},
		{Name: "what has begun goes on after it is revoked", Run: begunGoesOn},
	}
}

// every is all that a notification's handle can do.
var every = abi.RightsOf(abi.KindNotification)

// badges: what is made of a handle with a badge has the same.
func badges() error {
	n := must(object.NewNotification())
	defer n.Close()
	m := must(object.Mint(abi.Handle(n), every, 0x30))
	for _, f := range []func() (abi.Handle, error){
		func() (abi.Handle, error) { return object.Mint(m, every, 0x30) },
		func() (abi.Handle, error) { return object.Mint(m, every, 0x10) },
		func() (abi.Handle, error) { return object.Mint(abi.Handle(n), every|abi.RightManage, 1) },
	} {
		if _, err := f(); want(err, syscall.EACCES) != nil {
			return fmt.Errorf("minted: %v", err)
		}
	}
	d := must(object.Duplicate(m, every))
	r := must(object.Replace(d, abi.RightWrite))
	for h, badge := range map[abi.Handle]uint64{abi.Handle(n): 0, m: 0x30, r: 0x30, abi.HandleProcess: 0} {
		if got := must(object.Info(h)).Badge; got != badge {
			return fmt.Errorf("badge %#x, want %#x", got, badge)
		}
	}
	ok(object.Close(r))
	return object.Close(m)
}

// badgeMask: the badge of a notification's handle says what may be signalled by it,
// whoever has it.
func badgeMask() error {
	n := must(object.NewNotification())
	defer n.Close()
	m := object.Notification(must(object.Mint(abi.Handle(n), every, 5)))
	defer m.Close()
	for _, bits := range []uint64{2, 3, 7, abi.NotificationBits} {
		if err := want(m.Signal(bits), syscall.EACCES); err != nil {
			return fmt.Errorf("bits %#x: %w", bits, err)
		}
	}
	if _, err := n.Wait(abi.NotificationBits, object.Now); want(err, syscall.ETIMEDOUT) != nil {
		return fmt.Errorf("refused, and signalled: %v", err)
	}
	ok(m.Signal(4))
	ok(finish(must(child(object.Program{Handles: []abi.HandOn{give(abi.HandleProcess), give(abi.Handle(m))}}, "badged"))))
	if got := must(n.Wait(abi.NotificationBits, object.Now)); got != 5 {
		return fmt.Errorf("bits %#x, want 5", got)
	}
	return nil
}

// signalBadged is the child's part.
func signalBadged() error {
	m := object.Notification(object.Given(1))
	if got := must(object.Info(abi.Handle(m))).Badge; got != 5 {
		return fmt.Errorf("badge %#x", got)
	}
	if err := want(m.Signal(2), syscall.EACCES); err != nil {
		return err
	}
	return m.Signal(1)
}

// lineage: what a closed or replaced handle leaves behind, within one process.
func lineage() error {
	n := must(object.NewNotification())
	defer n.Close()
	dup := func(h abi.Handle) abi.Handle { return must(object.Duplicate(h, every)) }
	gone := func(h abi.Handle) bool {
		_, err := object.Info(h)
		return err == syscall.EBADF
	}
	a, b := dup(abi.Handle(n)), dup(abi.Handle(n))
	a1, b1 := dup(a), dup(b)
	a2 := dup(a1)
	ok(object.Close(a1)) // a2 is a's
	a = must(object.Replace(a, abi.RightWait))
	ok(object.Revoke(a))
	if gone(a) || !gone(a2) || gone(b) || gone(b1) {
		return fmt.Errorf("after the first was revoked: %v %v %v %v", gone(a), gone(a2), gone(b), gone(b1))
	}
	ok(object.Close(b)) // b1 is n's
	ok(object.Revoke(b1))
	ok(object.Revoke(abi.Handle(n)))
	if !gone(a) || !gone(b1) || gone(abi.Handle(n)) {
		return fmt.Errorf("after all were revoked: %v %v %v", gone(a), gone(b1), gone(abi.Handle(n)))
	}
	a = dup(abi.Handle(n))
	b = dup(a)
	ok(n.Close()) // a is derived from nothing
	ok(object.Revoke(a))
	if !gone(b) || gone(a) {
		return fmt.Errorf("after the first was closed: %v %v", gone(b), gone(a))
	}
	return object.Close(a)
}

// Each of the processes that derive makes so many handles, and there are so many
// below one another.
const (
	derivedEach  = 100
	derivedDepth = 3
)

// revokedEverywhere: a child, and children of its, make handles of handles without
// end, until all are gone.
func revokedEverywhere() error {
	n, up := must(object.NewNotification()), must(object.NewNotification())
	defer n.Close()
	defer up.Close()
	c := must(child(object.Program{Handles: []abi.HandOn{give(abi.Handle(n)), give(abi.Handle(up))}}, "derive", strconv.Itoa(derivedDepth)))
	for i := range derivedDepth + 1 {
		must(up.Wait(1<<i, soon()))
	}
	if got := references(abi.Handle(n)); got < derivedEach*(derivedDepth+1) {
		return fmt.Errorf("%d references", got)
	}
	ok(object.Revoke(abi.Handle(n)))
	if got := references(abi.Handle(n)); got != 1 {
		return fmt.Errorf("%d references after all were revoked", got)
	}
	return finish(c)
}

// derive is the part of a child: it ends well when each handle that it has made is
// gone, and those of its own child.
func derive(word string) error {
	depth, err := strconv.Atoi(word)
	ok(err)
	up := object.Notification(object.Given(1))
	all := []abi.Handle{object.Given(0)}
	for i := 1; i < derivedEach; i++ {
		all = append(all, must(object.Duplicate(all[i*7%len(all)], every)))
	}
	last := all[len(all)-1]
	var below object.Child
	if depth > 0 {
		below = must(child(object.Program{Handles: []abi.HandOn{give(last), give(abi.Handle(up))}}, "derive", strconv.Itoa(depth-1)))
	}
	ok(up.Signal(1 << depth))
	for err == nil {
		var h abi.Handle
		if h, err = object.Duplicate(all[len(all)/2], every); err == nil {
			err = object.Close(h)
		}
	}
	if err := want(err, syscall.EBADF); err != nil {
		return err
	}
	for _, h := range all {
		eventually("it is revoked", func() bool {
			_, err := object.Info(h)
			return err == syscall.EBADF
		})
	}
	if depth > 0 {
		ok(finish(below))
	}
	if got := must(object.Self.Info()).Handles; got != 4 { // the first ones and up
		return fmt.Errorf("%d handles", got)
	}
	return nil
}

// revokedBehind: what a child handed on goes too, although the child has ended.
func revokedBehind() error {
	before := used()
	n, up := must(object.NewNotification()), must(object.NewNotification())
	ok(finish(must(child(object.Program{Handles: []abi.HandOn{give(abi.Handle(n)), give(abi.Handle(up))}}, "pass"))))
	must(up.Wait(1, soon()))
	if got := references(abi.Handle(n)); got != 2 {
		return fmt.Errorf("%d references, want this one and the grandchild's", got)
	}
	ok(object.Revoke(abi.Handle(n)))
	if got := references(abi.Handle(n)); got != 1 {
		return fmt.Errorf("%d references", got)
	}
	must(up.Wait(2, soon())) // it has lost it
	eventually("the grandchild has ended", func() bool {
		now := used()
		return now.Of(abi.KindProcess) == before.Of(abi.KindProcess)
	})
	ok(up.Close())
	return n.Close()
}

// pass is the child's part, passed the grandchild's.
func pass() error {
	_, err := child(object.Program{Handles: []abi.HandOn{give(object.Given(0)), give(object.Given(1))}}, "passed")
	return err
}

func passed() error {
	up := object.Notification(object.Given(1))
	ok(up.Signal(1))
	eventually("it is revoked", func() bool {
		_, err := object.Info(object.Given(0))
		return err == syscall.EBADF
	})
	return up.Signal(2)
}

// revokedMoved: a handle that was moved to a child is still derived from what it was
// made of, and what was made of it, here, from the child's.
func revokedMoved() error {
	n := must(object.NewNotification())
	defer n.Close()
	d := must(object.Duplicate(abi.Handle(n), every))
	e := must(object.Duplicate(d, every))
	hand := give(d)
	hand.Flags = abi.HandOnMove
	ok(finish(must(child(object.Program{Handles: []abi.HandOn{hand}}, "revoke"))))
	if err := want(object.Close(e), syscall.EBADF); err != nil {
		return fmt.Errorf("revoked by a child: %w", err)
	}
	d = must(object.Duplicate(abi.Handle(n), every))
	e = must(object.Duplicate(d, every))
	hand.Handle = d
	c := must(child(object.Program{Handles: []abi.HandOn{hand}, Held: true}, "sleep"))
	defer end(c)
	ok(object.Revoke(abi.Handle(n)))
	if got := references(abi.Handle(n)); got != 1 {
		return fmt.Errorf("%d references", got)
	}
	return want(object.Close(e), syscall.EBADF)
}

// begunGoesOn: a wait that has begun ends as if its handle were still there, and
// memory stays mapped.
func begunGoesOn() error {
	c, n := waitingChild()
	ok(object.Revoke(abi.Handle(n)))
	if got := references(abi.Handle(n)); got != 1 {
		return fmt.Errorf("%d references", got)
	}
	if _, err := c.Process.Wait(object.After(10 * time.Millisecond)); want(err, syscall.ETIMEDOUT) != nil {
		return fmt.Errorf("it doesn't wait any more: %v", err)
	}
	ok(n.Signal(1))
	ok(finish(c))
	ok(n.Close())

	m := must(object.NewMemory(page))
	defer m.Close()
	b := here(object.Memory(must(object.Duplicate(abi.Handle(m), abi.RightsOf(abi.KindMemory)))), rw)
	defer away(b)
	ok(object.Revoke(abi.Handle(m)))
	if got := references(abi.Handle(m)); got != 1 {
		return fmt.Errorf("%d references", got)
	}
	b[0] = 1
	return nil
}
