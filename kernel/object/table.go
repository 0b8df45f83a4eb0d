// SPDX-License-Identifier: Apache-2.0

package object

import (
	"loam/abi"
	"loam/kernel/pool"
)

// Entry is one place of a table.
type Entry struct {
	uses   uint64 // how often it was given out, the current time included
	object int32  // header, pool.Nil while it is free
	next   int32  // the next free place while it is free
	rights abi.Rights
}

// mostUses is the highest count that a handle can hold. One bit stays 0, so
// that no handle looks like an error.
const mostUses = 1<<(63-abi.HandleIndexBits) - 1

// Table is the handles of one process. Init makes one.
type Table struct {
	entries []Entry
	free    int32 // first of the free places that were used before
	fresh   int32 // first of the places at the end that nobody has touched yet
	used    int32
	lost    int32 // places that are used up
}

// Init makes t an empty table over entries, at most 1<<abi.HandleIndexBits. It
// doesn't touch them: a large table costs memory only as it fills.
func (t *Table) Init(entries []Entry) { *t = Table{entries: entries, free: pool.Nil} }

// Touch has memory behind all places of t, so that no handle needs more of it
// later: a process's table is paid for, so to speak, when the process is made.
func (t *Table) Touch() (sum uint64) {
	const step = abi.PageSize / 32 // less than a page of them
	for i := 0; i < len(t.entries); i += step {
		sum += t.entries[i].uses
	}
	if n := len(t.entries); n > 0 {
		sum += t.entries[n-1].uses
	}
	return sum
}

// Len gives how many handles there are.
func (t *Table) Len() int { return int(t.used) }

// Room gives how many more there can be.
func (t *Table) Room() int { return len(t.entries) - int(t.used) - int(t.lost) }

// Insert makes a handle to an object with these rights; the caller's reference
// becomes the table's. EMFILE: there is no room, and the reference is still the
// caller's.
func (t *Table) Insert(object int32, rights abi.Rights) (abi.Handle, abi.Errno) {
	i := t.free
	if i == pool.Nil {
		if int(t.fresh) == len(t.entries) {
			return 0, abi.EMFILE
		}
		i = t.fresh
		t.fresh++
		t.entries[i] = Entry{next: pool.Nil}
	}
	e := &t.entries[i]
	t.free = e.next
	t.used++
	e.uses++
	e.object, e.next, e.rights = object, pool.Nil, rights
	return e.handle(i), 0
}

func (e *Entry) handle(i int32) abi.Handle {
	return abi.Handle(e.uses<<abi.HandleIndexBits | uint64(i))
}

// placeOf gives the place that h alleges to have.
func placeOf(h abi.Handle) int32 { return int32(h & (1<<abi.HandleIndexBits - 1)) }

// entry gives the place that h names, nil when h is none of t's or was closed.
func (t *Table) entry(h abi.Handle) *Entry {
	i := placeOf(h)
	if i >= t.fresh {
		return nil
	}
	e := &t.entries[i]
	if e.object == pool.Nil || e.uses != uint64(h)>>abi.HandleIndexBits {
		return nil
	}
	return e
}

// remove empties the place of a handle that is there and gives its reference to
// the caller.
func (t *Table) remove(h abi.Handle, e *Entry) (object int32) {
	object = e.object
	e.object, e.rights = pool.Nil, 0
	t.used--
	if e.uses == mostUses {
		t.lost++ // an old handle could come true
		return object
	}
	e.next = t.free
	t.free = placeOf(h)
	return object
}

// Lookup gives the object of a handle, and the handle's rights. EBADF.
func (t *Table) Lookup(h abi.Handle) (object int32, rights abi.Rights, errno abi.Errno) {
	e := t.entry(h)
	if e == nil {
		return pool.Nil, 0, abi.EBADF
	}
	return e.object, e.rights, 0
}

// Remove takes a handle out and gives its reference to the caller. EBADF.
func (t *Table) Remove(h abi.Handle) (object int32, errno abi.Errno) {
	e := t.entry(h)
	if e == nil {
		return pool.Nil, abi.EBADF
	}
	return t.remove(h, e), 0
}

// Pop takes some handle out of a table that is being closed and gives its
// reference to the caller. false: there is none, and the table is as Init made
// it. Nothing may be inserted in between.
func (t *Table) Pop() (object int32, ok bool) {
	for t.fresh > 0 {
		t.fresh--
		if e := &t.entries[t.fresh]; e.object != pool.Nil {
			t.used--
			return e.object, true
		}
	}
	t.free, t.lost = pool.Nil, 0
	return pool.Nil, false
}
