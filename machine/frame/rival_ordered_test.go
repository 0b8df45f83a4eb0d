// SPDX-License-Identifier: Apache-2.0

package frame

import "math/bits"

// ordered is a buddy allocator that gives exactly what is asked for, as Loam's,
// and of all free blocks that are large enough takes the one with the lowest
// address. Its free blocks are bits, a set for each order.
type ordered struct {
	frames uint64
	free   uint64
	sets   [MaxOrder + 1]bitset
}

func newOrdered(frames uint64) *ordered {
	o := &ordered{frames: frames}
	for k := range o.sets {
		o.sets[k] = newBitset(frames>>k + 1)
	}
	o.give(0, frames, Nobody)
	return o
}

func (o *ordered) left() uint64 { return o.free }

func (o *ordered) take(n, align uint64, _ Owner) (uint64, bool) {
	first, order := ^uint64(0), 0
	for k := orderOf(max(n, align)); k <= MaxOrder; k++ {
		if i, ok := o.sets[k].lowest(); ok && i<<k < first {
			first, order = i<<k, k
		}
	}
	if first == ^uint64(0) {
		return 0, false
	}
	o.sets[order].remove(first >> order)
	o.free -= 1 << order
	o.give(first+n, 1<<order-n, Nobody)
	return first, true
}

func (o *ordered) give(i, n uint64, _ Owner) {
	o.free += n
	for end := i + n; i < end; {
		k := min(bits.TrailingZeros64(i), bits.Len64(end-i)-1, MaxOrder)
		o.merge(i, k)
		i += 1 << k
	}
}

// merge frees the block of order k at frame i.
func (o *ordered) merge(i uint64, k int) {
	for ; k < MaxOrder; k++ {
		other := i ^ 1<<k
		if other+1<<k > o.frames || !o.sets[k].has(other>>k) {
			break
		}
		o.sets[k].remove(other >> k)
		i &^= 1 << k
	}
	o.sets[k].add(i >> k)
}

func (o *ordered) blocks(yield func(first, n uint64)) {
	for k := range o.sets {
		for w, word := range o.sets[k][0] {
			for ; word != 0; word &= word - 1 {
				yield(uint64(w*64+bits.TrailingZeros64(word))<<k, 1<<k)
			}
		}
	}
}

// bitset is a set of small numbers with its lowest at hand: a bit of a level
// says whether a word of the level below has any.
type bitset [][]uint64

func newBitset(n uint64) (s bitset) {
	for n > 1 || len(s) == 0 {
		n = (n + 63) / 64
		s = append(s, make([]uint64, n))
	}
	return s
}

func (s bitset) has(i uint64) bool { return s[0][i/64]>>(i%64)&1 != 0 }

func (s bitset) add(i uint64) {
	for _, level := range s {
		level[i/64] |= 1 << (i % 64)
		i /= 64
	}
}

func (s bitset) remove(i uint64) {
	for _, level := range s {
		if level[i/64] &^= 1 << (i % 64); level[i/64] != 0 {
			return
		}
		i /= 64
	}
}

func (s bitset) lowest() (i uint64, ok bool) {
	for k := len(s) - 1; k >= 0; k-- {
		if s[k][i] == 0 {
			return 0, false
		}
		i = i*64 + uint64(bits.TrailingZeros64(s[k][i]))
	}
	return i, true
}
