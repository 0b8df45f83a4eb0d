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
	for k := range l {
		_, all := bits.Add64(l[k], 1, 0)
		full = full>>1 | all<<7
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

// largest returns one more than the order of the largest free block, 0 if there is none.
func (l *line) largest() uint8 { return l.largestOf(l.words(), 0, 8) }

// largestOf is largest for a line with full words, of the blocks that have a place in
// words from up to end (exclusive), and of those of 64 places and more.
func (l *line) largestOf(full, from, end uint64) uint8 {
	if full != 0 {
		return largestFull(full)
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
	case w3&starts[3] == 0:
		switch {
		case w2&starts[2] != 0:
			return 3
		case w1&starts[1] != 0:
			return 2
		case w0 != 0:
			return 1
		}
		return 0
	case w5&starts[5] != 0:
		return 6
	case w4&starts[4] != 0:
		return 5
	}
	return 4
}

// largestFull returns what largest does by which words are full, some at least. It
// has a digit for each way in which four neighbours can be.
func largestFull(full uint64) uint8 {
	const digits uint64 = 0x9888877787778770
	if full == 0xff {
		return lineOrder + 1
	}
	return uint8(max(digits>>((full&15)*4)&15, digits>>((full>>4&15)*4)&15))
}

// set makes places lo up to hi (exclusive), one at least, free, and returns what
// largest does of the blocks that they are in.
func (l *line) set(lo, hi uint64) uint8 {
	from, last := lo/64, (hi-1)/64
	head, tail := edges(lo, hi)
	if from == last {
		l[from&7] |= head & tail
		return l.largestOf(l.words(), from, from+1)
	}
	l[from&7] |= head
	for k := from + 1; k < last; k++ {
		l[k&7] = 1<<64 - 1
	}
	l[last&7] |= tail
	return l.largestOf(l.words(), from, last+1)
}

// clear makes places lo up to hi (exclusive), one at least, taken, and returns what
// largest does.
func (l *line) clear(lo, hi uint64) uint8 {
	from, last := lo/64, (hi-1)/64
	head, tail := edges(lo, hi)
	if from == last {
		l[from&7] &^= head & tail
		return l.largest()
	}
	l[from&7] &^= head
	for k := from + 1; k < last; k++ {
		l[k&7] = 0
	}
	l[last&7] &^= tail
	return l.largest()
}

// edges are the bits of places from lo on in its word, and those of places below hi
// in the word of the place before.
func edges(lo, hi uint64) (head, tail uint64) {
	return (1<<64 - 1) << (lo & 63), (1<<64 - 1) >> (-hi & 63)
}

// all says whether places lo up to hi (exclusive), one at least, are free.
func (l *line) all(lo, hi uint64) bool {
	from, last := lo/64, (hi-1)/64
	head, tail := edges(lo, hi)
	if from == last {
		return head&tail&^l[from&7] == 0
	}
	for k := from + 1; k < last; k++ {
		if l[k&7] != 1<<64-1 {
			return false
		}
	}
	return head&^l[from&7] == 0 && tail&^l[last&7] == 0
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
