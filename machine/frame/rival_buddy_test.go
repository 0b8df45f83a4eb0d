// SPDX-License-Identifier: Apache-2.0

package frame

import "math/bits"

// buddy is the power-of-two buddy allocator of textbooks (Knuth, TAOCP vol. 1,
// 2.5, algorithms R and S): a request is rounded up to a power of two, free
// blocks of an order are on a doubly linked list, and a block that is freed
// merges with its buddy as long as that is free, too. Whether it is free is
// found out by searching the list of its order, as allocators that keep nothing
// but lists do, or, indexed, from a table of what each frame begins, as Knuth's
// tags in the blocks themselves.
type buddy struct {
	frames uint64
	free   uint64
	heads  [MaxOrder + 1]uint32
	next   []uint32 // by frame, plus one; 0: none
	prev   []uint32
	state  []uint8 // by frame: order of the free block that it begins, plus one
	index  bool
}

func newBuddy(frames uint64, index bool) *buddy {
	b := &buddy{frames: frames, next: make([]uint32, frames), prev: make([]uint32, frames),
		state: make([]uint8, frames), index: index}
	for i := uint64(0); i < frames; {
		order := min(bits.TrailingZeros64(i), bits.Len64(frames-i)-1, MaxOrder)
		b.push(i, order)
		i += 1 << order
	}
	b.free = frames
	return b
}

func (b *buddy) left() uint64 { return b.free }

// orderOf is the order of the block that n frames get.
func orderOf(n uint64) int { return bits.Len64(n - 1) }

func (b *buddy) push(i uint64, order int) {
	head := b.heads[order]
	b.next[i], b.prev[i] = head, 0
	if head != 0 {
		b.prev[head-1] = uint32(i) + 1
	}
	b.heads[order] = uint32(i) + 1
	b.state[i] = uint8(order) + 1
}

func (b *buddy) unlink(i uint64, order int) {
	next, prev := b.next[i], b.prev[i]
	if next != 0 {
		b.prev[next-1] = prev
	}
	if prev != 0 {
		b.next[prev-1] = next
	} else {
		b.heads[order] = next
	}
	b.state[i] = 0
}

// isFree says whether a free block of the order begins at frame i.
func (b *buddy) isFree(i uint64, order int) bool {
	if b.index {
		return b.state[i] == uint8(order)+1
	}
	for at := b.heads[order]; at != 0; at = b.next[at-1] {
		if uint64(at-1) == i {
			return true
		}
	}
	return false
}

func (b *buddy) take(n, align uint64, _ Owner) (uint64, bool) {
	want := orderOf(n)
	order := max(want, orderOf(align)) // blocks are aligned to their size
	for ; order <= MaxOrder && b.heads[order] == 0; order++ {
	}
	if order > MaxOrder {
		return 0, false
	}
	i := uint64(b.heads[order] - 1)
	b.unlink(i, order)
	for order > want {
		order--
		b.push(i+1<<order, order)
	}
	b.free -= 1 << want
	return i, true
}

func (b *buddy) give(i, n uint64, _ Owner) {
	order := orderOf(n)
	b.free += 1 << order
	for order < MaxOrder {
		other := i ^ 1<<order
		if other+1<<order > b.frames || !b.isFree(other, order) {
			break
		}
		b.unlink(other, order)
		i &^= 1 << order
		order++
	}
	b.push(i, order)
}
