// SPDX-License-Identifier: Apache-2.0

package frame

import "math/bits"

// bitmap is an allocator with a bit for each frame, set while it is taken, that
// searches 64 frames at a time.
type bitmap struct {
	words []uint64
	n     uint64 // frames
	free  uint64
	fit   int
	hint  uint64 // first fit: no frame below is free; next fit: where to go on
}

// How a bitmap chooses among the free runs that are long enough.
const (
	firstFit = iota // the lowest
	nextFit         // the next one after the last run taken, then from the start
	bestFit         // the shortest, the lowest of those
)

func newBitmap(frames uint64, fit int) *bitmap {
	b := &bitmap{words: make([]uint64, (frames+63)/64), n: frames, free: frames, fit: fit}
	if rest := frames % 64; rest != 0 {
		b.words[len(b.words)-1] = ^uint64(0) << rest
	}
	return b
}

func (b *bitmap) left() uint64 { return b.free }

// zero returns the first free frame from i on, one returns the first taken one;
// both the number of frames when there is none.
func (b *bitmap) zero(i uint64) uint64 { return b.scan(i, ^uint64(0)) }
func (b *bitmap) one(i uint64) uint64  { return b.scan(i, 0) }

func (b *bitmap) scan(i, flip uint64) uint64 {
	if i >= b.n {
		return b.n
	}
	w := i / 64
	m := (b.words[w] ^ flip) >> (i % 64) << (i % 64)
	for m == 0 {
		if w++; w == uint64(len(b.words)) {
			return b.n
		}
		m = b.words[w] ^ flip
	}
	return min(w*64+uint64(bits.TrailingZeros64(m)), b.n)
}

// find returns the start of a free run of n frames between lo and hi, aligned.
func (b *bitmap) find(lo, hi, n, align uint64) (uint64, bool) {
	best, length := uint64(0), ^uint64(0)
	for i := b.zero(lo); i < hi; {
		end := b.one(i)
		if at := (i + align - 1) &^ (align - 1); at+n <= end {
			if b.fit != bestFit {
				return at, at < hi
			}
			if end-i < length {
				best, length = at, end-i
			}
		}
		i = b.zero(end)
	}
	return best, length != ^uint64(0)
}

func (b *bitmap) take(n, align uint64, _ Owner) (uint64, bool) {
	lo := uint64(0)
	if b.fit != bestFit {
		lo = b.hint
	}
	i, ok := b.find(lo, b.n, n, align)
	if !ok && b.fit == nextFit {
		i, ok = b.find(0, lo, n, align)
	}
	if !ok {
		return 0, false
	}
	b.flip(i, n)
	b.free -= n
	switch b.fit {
	case firstFit:
		if i == b.hint {
			b.hint = i + n
		}
	case nextFit:
		b.hint = i + n
	}
	return i, true
}

func (b *bitmap) give(i, n uint64, _ Owner) {
	b.flip(i, n)
	b.free += n
	if b.fit == firstFit {
		b.hint = min(b.hint, i)
	}
}

// flip turns the bits of n frames from i on around.
func (b *bitmap) flip(i, n uint64) {
	for n > 0 {
		k := min(64-i%64, n)
		b.words[i/64] ^= (^uint64(0) >> (64 - k)) << (i % 64)
		i += k
		n -= k
	}
}
