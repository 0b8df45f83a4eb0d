// SPDX-License-Identifier: Apache-2.0

// Package futex keeps the queues of threads that wait on a word of memory,
// for the futex(2) runtime call.
//
// A word is named by a Key: for a private futex the address space and the user
// address, for a shared one the physical address behind it, so that two spaces
// that map the same frame meet. Keys hash to buckets; a bucket is a list of all
// waiters whose keys hash to it, oldest first. A thread waits on one word at a
// time, so there is one node for each thread, made once, and nothing is
// allocated after New. The hash is keyed with a secret, so that a program can't
// choose words that share a bucket with another program's.
//
// The package sees no memory. Reading the word and comparing it is the
// caller's; since one lock (the caller's) covers the comparison and Wait, and
// every Wake, no wake-up can fall between them.
//
// Waiters on a word are woken in the order they came, also after a requeue,
// which appends. Rejected: queues by priority as Linux has for real-time
// threads, since there are none, and priority inheritance (FUTEX_LOCK_PI),
// which no Go runtime uses.
//
// Source: futex(2); U. Drepper, "Futexes Are Tricky", 2011.
package futex

import (
	"math/bits"

	"loam/abi"
	"loam/kernel/pool"
	"loam/machine/tables"
)

// Key names a word of memory. Use Private or Shared to make one.
type Key struct {
	space uint64 // 0 for shared
	where uint64
}

// Private names the word at addr in the address space with number space, which
// isn't 0.
func Private(space uint64, addr abi.UserAddr) Key { return Key{space, uint64(addr)} }

// Shared names the word at a physical address, whoever maps it.
func Shared(physical uint64) Key { return Key{0, physical} }

// CheckAddr gives the error of futex(2) for a word at addr: EINVAL unless it is
// aligned to its 4 bytes.
func CheckAddr(addr abi.UserAddr) abi.Errno {
	if !addr.Aligned(4) {
		return abi.EINVAL
	}
	return 0
}

// Any is the bitset of a waiter that every wake-up concerns.
const Any = abi.FUTEX_BITSET_MATCH_ANY

// node is what a waiting thread waits for.
type node struct {
	key    Key
	bitset uint32
}

// Table holds the queues. Use New to make one.
type Table struct {
	nodes   []node
	links   []pool.Link
	buckets []pool.List
	secret  [2]uint64
}

// New makes a table for threads 0 to threads-1, whose parts come from a source (nil:
// the Go heap). The secret is random, or fixed where runs have to repeat.
func New(from *tables.Source, threads int, secret [2]uint64) *Table {
	buckets := 1 << bits.Len(uint(max(threads, 16)-1))
	return &Table{
		nodes:   tables.Make[node](from, threads),
		links:   tables.Make[pool.Link](from, threads),
		buckets: tables.Make[pool.List](from, buckets),
		secret:  secret,
	}
}

// bucket gives the list where key's waiters are. One wide multiplication mixes
// both halves (the step of wyhash).
func (b *Table) bucket(k Key) *pool.List {
	hi, lo := bits.Mul64(k.where^b.secret[0], k.space^b.secret[1]|1<<63)
	return &b.buckets[(hi^lo)&uint64(len(b.buckets)-1)]
}

// Wait queues thread t, which waits nowhere, behind the waiters on key. Only
// wake-ups that share a bit with bitset concern it; bitset isn't 0.
func (b *Table) Wait(t int32, key Key, bitset uint32) {
	b.nodes[t] = node{key, bitset}
	b.bucket(key).PushBack(b.links, t)
}

// Waiting gives the key that t waits on; ok is false when it waits on none.
func (b *Table) Waiting(t int32) (key Key, ok bool) {
	return b.nodes[t].key, b.links[t].Linked()
}

// Remove takes t out of its queue, because its time is up, a signal came, or it
// ended. It reports whether t was still waiting: false means that a wake-up
// was first, and counts.
func (b *Table) Remove(t int32) bool {
	if !b.links[t].Linked() {
		return false
	}
	b.bucket(b.nodes[t].key).Remove(b.links, t)
	return true
}

// WakeOne takes the oldest waiter on key out of the queue and gives its thread;
// ok is false when nobody waits: Wake for the usual case, of one and any bitset.
func (b *Table) WakeOne(key Key) (t int32, ok bool) {
	list := b.bucket(key)
	for t = list.First(); t != pool.Nil; t = list.Next(b.links, t) {
		if b.nodes[t].key == key {
			list.Remove(b.links, t)
			return t, true
		}
	}
	return 0, false
}

// Waker takes waiters from one word's queue, oldest first. Nothing else may
// change the table while a Waker is in use.
type Waker struct {
	table  *Table
	list   *pool.List
	key    Key
	bitset uint32
	at     int32
}

// Wake starts taking the waiters on key that bitset concerns.
func (b *Table) Wake(key Key, bitset uint32) Waker {
	list := b.bucket(key)
	return Waker{table: b, list: list, key: key, bitset: bitset, at: list.First()}
}

// Next takes the next waiter out of the queue and gives its thread; ok is false
// when there is none left.
func (w *Waker) Next() (t int32, ok bool) {
	for w.at != pool.Nil {
		t = w.at
		w.at = w.list.Next(w.table.links, t)
		if n := &w.table.nodes[t]; n.key == w.key && n.bitset&w.bitset != 0 {
			w.list.Remove(w.table.links, t)
			return t, true
		}
	}
	return 0, false
}

// Requeue moves up to n waiters on from, oldest first, behind those on to, and
// gives how many it moved. When both are the same word nothing moves and the
// waiters are counted, as in Linux.
func (b *Table) Requeue(from, to Key, n int) int {
	if from == to {
		return b.count(from, n)
	}
	moved := 0
	w := b.Wake(from, Any)
	for moved < n {
		t, ok := w.Next()
		if !ok {
			break
		}
		b.nodes[t].key = to
		b.bucket(to).PushBack(b.links, t)
		moved++
	}
	return moved
}

// count gives the number of waiters on key, at most n.
func (b *Table) count(key Key, n int) int {
	list, c := b.bucket(key), 0
	for t := list.First(); t != pool.Nil && c < n; t = list.Next(b.links, t) {
		if b.nodes[t].key == key {
			c++
		}
	}
	return c
}
