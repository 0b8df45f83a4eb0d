// SPDX-License-Identifier: Apache-2.0

package frame

import "math/bits"

// line has a bit for each of 512 neighbouring places, 1 where it is free: 64 bytes,
// as long as a line of a processor's cache. A block of 2^k places is free when its
// bits are all set. So blocks split and merge without anything being done about it.
type line [lineBits / 64]uint64

const (
	lineBits  = 1 << lineOrder
	lineOrder = largeOrder
)

// starts are the bits of a word at which a block of order k, below 6, may start.
var starts = [...]uint64{1<<64 - 1, 0x5555555555555555, 0x1111111111111111, 0x0101010101010101,
	0x0001000100010001, 0x0000000100000001, 1, 1}

// fold leaves the bits of w that begin 2^k free places.
func fold(w uint64, k uint8) uint64 {
	for s := uint8(1); s < 1<<k; s <<= 1 {
		w &= w >> s
	}
	return w
}

// words returns a bit for each of the line's words that is free as a whole.
func (l *line) words() (full uint64) {
	for k, w := range l {
		if w == 1<<64-1 {
			full |= 1 << (k & 7)
		}
	}
	return full
}

// lowest returns the first place of the lowest free block of an order below
// lineOrder, or of all of the line, which must have one.
func (l *line) lowest(order uint8) uint64 {
	if order >= 6 {
		full := fold(l.words(), order-6) & starts[(order-6)&7]
		return uint64(bits.TrailingZeros64(full) * 64 % lineBits)
	}
	for k, w := range l {
		if w = fold(w, order) & starts[order&7]; w != 0 {
			return uint64(k*64 + bits.TrailingZeros64(w))
		}
	}
	return 0
}

// highest is lowest for the first place of the highest such block.
func (l *line) highest(order uint8) uint64 {
	if order >= 6 {
		full := fold(l.words(), order-6) & starts[(order-6)&7]
		return uint64(bits.Len64(full)-1) * 64 % lineBits
	}
	for k := len(l) - 1; k >= 0; k-- {
		if w := fold(l[k], order) & starts[order&7]; w != 0 {
			return uint64(k*64 + bits.Len64(w) - 1)
		}
	}
	return 0
}

// largest returns one more than the order of the largest free block that has a place
// in words from up to end (exclusive), 0 if there is none.
func (l *line) largest(from, end uint64) uint8 {
	if full := l.words(); full != 0 {
		switch {
		case full == 0xff:
			return lineOrder + 1
		case fold(full, 2)&starts[2] != 0:
			return 9
		case fold(full, 1)&starts[1] != 0:
			return 8
		}
		return 7
	}
	var w0, w1, w2, w3, w4, w5 uint64
	for k := from; k < end; k++ {
		w := l[k&7]
		w0 |= w
		w &= w >> 1
		w1 |= w
		w &= w >> 2
		w2 |= w
		w &= w >> 4
		w3 |= w
		w &= w >> 8
		w4 |= w
		w &= w >> 16
		w5 |= w
	}
	switch {
	case w5&starts[5] != 0:
		return 6
	case w4&starts[4] != 0:
		return 5
	case w3&starts[3] != 0:
		return 4
	case w2&starts[2] != 0:
		return 3
	case w1&starts[1] != 0:
		return 2
	case w0 != 0:
		return 1
	}
	return 0
}

// set makes places lo up to hi (exclusive) free.
func (l *line) set(lo, hi uint64) {
	for k := lo / 64; k*64 < hi; k++ {
		l[k&7] |= mask(lo, hi, k)
	}
}

// clear makes places lo up to hi (exclusive) taken.
func (l *line) clear(lo, hi uint64) {
	for k := lo / 64; k*64 < hi; k++ {
		l[k&7] &^= mask(lo, hi, k)
	}
}

// all says whether places lo up to hi (exclusive) are free.
func (l *line) all(lo, hi uint64) bool {
	for k := lo / 64; k*64 < hi; k++ {
		if mask(lo, hi, k)&^l[k&7] != 0 {
			return false
		}
	}
	return true
}

// mask has the bits of places lo up to hi (exclusive) that are in word k.
func mask(lo, hi, k uint64) uint64 {
	m := uint64(1<<64 - 1)
	if lo > k*64 {
		m <<= lo & 63
	}
	if hi < k*64+64 {
		m &^= m >> (hi & 63) << (hi & 63)
	}
	return m
}

// block returns the order of the free block that place p is in: it is free.
func (l *line) block(p uint64) (order uint8) {
	for order < lineOrder {
		first := p >> (order + 1) << (order + 1)
		if !l.all(first, first+2<<order) {
			break
		}
		order++
	}
	return order
}
