// SPDX-License-Identifier: Apache-2.0

package poll

import (
	"loam/abi"
	"loam/user/linux/lx"
)

// Ring is bytes that came and weren't taken yet, in memory that grows as it is used.
type Ring struct {
	ring  []byte
	at, n int // the first byte that is there, and how many are
}

// Buffered is how many bytes are in it.
func (r *Ring) Buffered() int { return r.n }

// Fill takes from b what there is room for, if it may have as many bytes as most. What was taken before an error counts.
func (r *Ring) Fill(b lx.Buffer, most int) (done int, e abi.Errno) {
	for b.Len() > 0 && r.n < most && e == 0 {
		r.grow(b.Len(), most)
		end := r.at + r.n
		room := r.ring[min(end, len(r.ring)):]
		if end >= len(r.ring) {
			room = r.ring[end-len(r.ring) : r.at]
		}
		var k int
		k, e = b.Get(room[:min(len(room), most-r.n)])
		r.n += k
		done += k
	}
	return done, e
}

// Append takes p, whatever room there was.
func (r *Ring) Append(p []byte) {
	if len(p) == 0 {
		return
	}
	r.grow(len(p), r.n+len(p))
	end := (r.at + r.n) % len(r.ring)
	k := copy(r.ring[end:], p)
	copy(r.ring, p[k:])
	r.n += len(p)
}

// Drain moves what is there to b. What was moved before an error counts.
func (r *Ring) Drain(b lx.Buffer) (done int, e abi.Errno) {
	for r.n > 0 && b.Len() > 0 && e == 0 {
		var k int
		k, e = b.Put(r.first(b.Len()))
		done += k
		r.Discard(k)
	}
	return done, e
}

// Show copies what is there to b, and leaves it there.
func (r *Ring) Show(b lx.Buffer) (done int, e abi.Errno) {
	copied := *r
	return copied.Drain(b)
}

// first is up to n bytes of those that are there, in one piece.
func (r *Ring) first(n int) []byte { return r.ring[r.at:min(r.at+min(n, r.n), len(r.ring))] }

// Peek copies what is there to p, and leaves it there.
func (r *Ring) Peek(b []byte) int {
	n := min(len(b), r.n)
	k := copy(b[:n], r.ring[r.at:])
	copy(b[k:n], r.ring)
	return n
}

// Discard takes away n bytes that are there.
func (r *Ring) Discard(n int) {
	if r.n -= n; r.n == 0 {
		r.at = 0
	} else {
		r.at = (r.at + n) % len(r.ring)
	}
}

// grow makes room for more bytes, if there may be some.
func (r *Ring) grow(more, most int) {
	size := max(len(r.ring), 512)
	for size < most && size < r.n+more {
		size *= 2
	}
	r.resize(max(min(size, most), r.n))
}

// resize gives the ring another size, which has room for what is there.
func (r *Ring) resize(size int) {
	if size == len(r.ring) {
		return
	}
	ring := make([]byte, size)
	k := copy(ring, r.ring[r.at:min(r.at+r.n, len(r.ring))])
	copy(ring[k:], r.ring[:r.n-k])
	r.ring, r.at = ring, 0
}
