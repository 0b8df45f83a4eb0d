// SPDX-License-Identifier: Apache-2.0

package object

import (
	"sync/atomic"

	"loam/abi"
)

// EntrySize is the size of an Entry in bytes.
const EntrySize = 40

// Entry is one place of a table. Its zero value is free.
type Entry struct {
	uses   uint64 // how often it was given out, the current time included
	badge  uint64 // 0: none
	object int32  // index+1 of the header, 0 while it is free
	rights abi.Rights
	links  links // while it is free, next is index+1 in the table of the next free place
}

// header gives the index of the object's header; the place isn't free.
func (e *Entry) header() int32 { return e.object - 1 }

// mostUses is the highest count that a handle can hold. One bit stays 0, so
// that no handle looks like an error.
const mostUses = 1<<(63-abi.HandleIndexBits) - 1

// Table is the handles of one process. Objects.Init makes all there can be.
type Table struct {
	entries []Entry
	base    int32 // index of the first one in Objects.entries
	free    int32 // index+1 of the first of the free places that were used before
	fresh   int32 // first of the places at the end that this process hasn't touched yet
	used    int32
	lost    int32 // places that are used up
	closing bool  // Pop has begun: the free places mean nothing any more
}

// Touch has memory behind all places of t, so that no handle needs more of it
// later: a process's table is paid for, so to speak, when the process is made.
func (t *Table) Touch() (sum uint64) {
	const step = abi.PageSize / EntrySize // a page of them, or less
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

// Look gives the object of a handle, the handle's rights and its badge, 0 when it
// has none; ok is false when t has no such handle (any more).
//
// It may be called without the lock, while another CPU changes t: then the answer
// is what was true at some moment of the call. What is behind the answer stays
// only if whoever takes handles out of t waits for the caller.
//
// The entry is as it belongs to h between two reads of uses that find h's count:
// uses never goes back while the process lives. object is set last when an entry
// is given out, and only object and links change when it is given back.
func Look(t *Table, h abi.Handle) (object int32, rights abi.Rights, badge uint64, ok bool) {
	i := uint64(h) % (1 << abi.HandleIndexBits)
	if i >= uint64(len(t.entries)) {
		return 0, 0, 0, false
	}
	e := &t.entries[i]
	uses := e.uses
	object = atomic.LoadInt32(&e.object) - 1
	rights, badge = e.rights, e.badge
	return object, rights, badge, object >= 0 && uses == uint64(h)>>abi.HandleIndexBits && atomic.LoadUint64(&e.uses) == uses
}

func (e *Entry) handle(i int32) abi.Handle {
	return abi.Handle(e.uses<<abi.HandleIndexBits | uint64(i))
}

// placeOf gives the place that h alleges to have.
func placeOf(h abi.Handle) int32 { return int32(h & (1<<abi.HandleIndexBits - 1)) }

// entry gives the place that h names, nil when h is none of t's or was closed.
func (t *Table) entry(h abi.Handle) *Entry {
	i := placeOf(h)
	if int(i) >= len(t.entries) {
		return nil
	}
	e := &t.entries[i]
	if e.object == 0 || e.uses != uint64(h)>>abi.HandleIndexBits {
		return nil
	}
	return e
}

// index gives h's place among all entries.
func (t *Table) index(h abi.Handle) int32 { return t.base + placeOf(h) }

// put makes a handle to an object, in no list of derived ones. EMFILE.
func (t *Table) put(object int32, rights abi.Rights, badge uint64) (abi.Handle, abi.Errno) {
	i := t.free - 1
	if i < 0 {
		if int(t.fresh) == len(t.entries) {
			return 0, abi.EMFILE
		}
		i = t.fresh
		t.fresh++
		t.entries[i] = Entry{}
	}
	e := &t.entries[i]
	t.free = e.links.next
	t.used++
	e.links = links{}
	atomic.StoreUint64(&e.uses, e.uses+1)
	e.rights, e.badge = rights, badge
	atomic.StoreInt32(&e.object, object+1)
	return e.handle(i), 0
}

// drop empties place i, whose links are in no list any more, and gives the object.
func (t *Table) drop(i int32) (object int32) {
	e := &t.entries[i]
	object = e.header()
	atomic.StoreInt32(&e.object, 0)
	e.links = links{}
	t.used--
	if e.uses == mostUses {
		t.lost++ // an old handle could come true
		return object
	}
	e.links.next = t.free
	t.free = i + 1
	return object
}
