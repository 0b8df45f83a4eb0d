// SPDX-License-Identifier: Apache-2.0

// Package pool keeps objects of the kernel in tables of fixed capacity, linked
// by index, so that the steady state allocates nothing and a user program that
// makes objects without end meets a full table instead of a full kernel heap.
//
// A Pool hands out slots. A slot is named by a Handle: its index and a
// generation that changes each time the slot is given and taken back, so that a
// handle kept too long is refused instead of naming the slot's next owner. A
// generation is odd while the slot is in use and even while it is free, which
// also makes the zero Handle name nothing. A slot whose generations are used up
// (after 2^31 uses) is never given out again.
//
// A List links elements by index through an array of Links that the caller
// owns: the queues of this kernel. Its zero value is empty.
//
// Get, Put, At and all list operations take constant time and allocate nothing.
// Nothing here locks: the lock of the structure that owns the table guards it.
//
// Rejected: sync.Pool and free lists of pointers, since the collector would
// have to scan them and a stale pointer can't be told from a good one; Go maps,
// since they allocate as they grow, at a moment that user programs choose.
package pool

import "loam/machine/tables"

// Nil is the index that names no slot and no element.
const Nil = int32(-1)

// maxCapacity bounds a pool so that every index plus one fits an int32.
const maxCapacity = 1<<31 - 2

// Handle names one use of one slot. The zero Handle names nothing.
type Handle struct {
	Index int32
	Gen   uint32
}

// Slot is the storage of one object of a pool.
type Slot[T any] struct {
	value T
	next  int32 // the next free slot while this one is free
	gen   uint32
}

// Pool is a table of objects of type T. Use New, In or Over to make one.
type Pool[T any] struct {
	slots []Slot[T]
	free  int32 // first slot of the free list
	fresh int32 // first of the slots at the end that nobody has touched yet
	used  int
	from  *tables.Source
}

// New makes a pool of n slots on the Go heap, its only allocation: for objects
// that have pointers. A slot is not touched before its first use, so that a large
// table costs memory only as it fills (or the collector looks at it).
func New[T any](n int) *Pool[T] {
	if n > maxCapacity {
		panic("pool: too many slots")
	}
	return &Pool[T]{slots: make([]Slot[T], n), free: Nil}
}

// In is New for objects without pointers, whose table comes from a source; nil is
// the Go heap. While the source is short, slots that were never used count as taken.
// It panics if T has pointers.
func In[T any](from *tables.Source, n int) *Pool[T] {
	if n > maxCapacity {
		panic("pool: too many slots")
	}
	return &Pool[T]{slots: tables.Make[Slot[T]](from, n), free: Nil, from: from}
}

// Over makes p a pool over slots that the caller provides, all of them free.
// Handles of an earlier use of the same slots stay invalid.
func (p *Pool[T]) Over(slots []Slot[T]) {
	if len(slots) > maxCapacity {
		panic("pool: too many slots")
	}
	p.slots, p.free, p.fresh, p.used = slots, Nil, int32(len(slots)), 0
	var zero T
	for i := len(slots) - 1; i >= 0; i-- {
		s := &slots[i]
		s.value = zero
		s.gen = (s.gen + 1) &^ 1
		s.next = p.free
		p.free = int32(i)
	}
}

// Get takes a free slot and gives its handle and its object, which is T's zero
// value; ok is false when the pool is full. Slots come back in the order last
// put, first got.
func (p *Pool[T]) Get() (h Handle, v *T, ok bool) {
	i := p.free
	if i < 0 {
		if i = p.fresh; int(i) >= len(p.slots) || p.from.Short() {
			return Handle{}, nil, false
		}
		p.fresh++
		p.slots[i].next = Nil
	}
	s := &p.slots[i]
	p.free = s.next
	s.next = Nil
	s.gen++
	p.used++
	return Handle{i, s.gen}, &s.value, true
}

// Put gives the slot back and zeroes its object. It reports false, and does
// nothing, when h is stale: put before, or never given.
func (p *Pool[T]) Put(h Handle) bool {
	if p.At(h) == nil {
		return false
	}
	s := &p.slots[h.Index]
	var zero T
	s.value = zero
	s.gen++
	p.used--
	if s.gen == 0 {
		return true // generations used up: a stale handle could become valid again
	}
	s.next = p.free
	p.free = h.Index
	return true
}

// At gives the object that h names, nil when h is stale. The pointer is valid
// until the slot is put back.
func (p *Pool[T]) At(h Handle) *T {
	if uint32(h.Index) >= uint32(p.fresh) || h.Gen&1 == 0 {
		return nil
	}
	s := &p.slots[h.Index]
	if s.gen != h.Gen {
		return nil
	}
	return &s.value
}

// Index gives the object in slot i, for an index that the kernel itself keeps
// only while the slot is in use. It panics when i is out of range.
func (p *Pool[T]) Index(i int32) *T { return &p.slots[i].value }

// HandleOf gives the handle of slot i; ok is false when the slot is free or doesn't
// exist. A slot that was never in use isn't touched, which alone would take memory:
// programs choose i, as a thread's id.
func (p *Pool[T]) HandleOf(i int32) (h Handle, ok bool) {
	if uint32(i) >= uint32(p.fresh) || p.slots[i].gen&1 == 0 {
		return Handle{}, false
	}
	return Handle{i, p.slots[i].gen}, true
}

// Next gives the first slot in use after slot i, Nil when there is none. A walk
// over all objects starts with Next(Nil); it may put slots back as it goes.
func (p *Pool[T]) Next(i int32) int32 {
	for i++; i < p.fresh; i++ {
		if p.slots[i].gen&1 != 0 {
			return i
		}
	}
	return Nil
}

// Len gives how many slots are in use.
func (p *Pool[T]) Len() int { return p.used }

// Cap gives how many slots there are.
func (p *Pool[T]) Cap() int { return len(p.slots) }
