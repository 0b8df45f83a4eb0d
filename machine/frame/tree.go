// SPDX-License-Identifier: Apache-2.0

package frame

import "math/bits"

// tree has a byte for each of a number of lines: one more than the order of the
// largest free block in it, 0 for a line that the tree has not. Over eight of them is
// a byte with the largest, and so on up to one word. So the lowest line that has a
// block of an order or a larger one is found by a look at one word a level.
type tree struct {
	top    uint64              // the level of the last word
	levels [treeLevels]uintptr // virtual addresses, of the bytes of lines first
}

const treeLevels = 8 // 8^8 lines of 2 MiB are more than can be managed

var _ [1<<(3*treeLevels) - (MaxAddress+1)>>(12+lineOrder)]struct{}

// bytes has the same in each byte of a word.
const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// plant puts a tree for n lines at a virtual address, and returns its end. All of it
// must be zero to begin with.
func (t *tree) plant(at uintptr, n uint64) uintptr {
	for t.top = 0; ; t.top++ {
		t.levels[t.top%treeLevels] = at
		n = (n + 7) / 8
		at += uintptr(n) * 8
		if n == 1 {
			return at
		}
	}
}

// first returns the lowest line whose byte is want, from 1 on, or more.
func (t *tree) first(want uint8) (j uint64, ok bool) {
	for k := t.top; ; k-- {
		m := (*t.word(k, j*8) | highs) - ones*uint64(want)
		if m &= highs; m == 0 {
			return 0, false
		}
		j = j*8 + uint64(bits.TrailingZeros64(m))/8
		if k == 0 {
			return j, true
		}
	}
}

// last is first for the highest line.
func (t *tree) last(want uint8) (j uint64, ok bool) {
	for k := t.top; ; k-- {
		m := (*t.word(k, j*8) | highs) - ones*uint64(want)
		if m &= highs; m == 0 {
			return 0, false
		}
		j = j*8 + uint64(bits.Len64(m)-1)/8
		if k == 0 {
			return j, true
		}
	}
}

// get returns the byte of line j.
func (t *tree) get(j uint64) uint8 { return uint8(*t.word(0, j) >> (j % 8 * 8)) }

// word is the word of level k that has byte j. A processor that reads a word just
// after a byte of it was written waits for the byte to get to its cache: so bytes are
// read and written as parts of words.
func (t *tree) word(k, j uint64) *uint64 { return wordAt(t.levels[k%treeLevels] + uintptr(j&^7)) }

// set makes v the byte of line j.
func (t *tree) set(j uint64, v uint8) {
	for k := uint64(0); ; k++ {
		p, at := t.word(k, j), j%8*8
		w := *p
		old := uint8(w >> at)
		if old == v {
			return
		}
		w = w&^(0xff<<at) | uint64(v)<<at
		*p = w
		if k == t.top {
			return
		}
		j /= 8
		if over := uint8(*t.word(k+1, j) >> (j % 8 * 8)); v < over {
			if old < over {
				return // another line has the largest
			}
			v = largestByte(w)
		}
	}
}

// most returns the largest byte.
func (t *tree) most() uint8 { return largestByte(*t.word(t.top, 0)) }

// largestByte returns the largest byte of a word; they are below 128.
func largestByte(w uint64) uint8 {
	for s := 32; s >= 8; s /= 2 {
		o := w >> s
		m := ((w | highs) - o&^highs) & highs >> 7 * 0xff // where w's byte isn't the smaller one
		w = w&m | o&^m
	}
	return uint8(w)
}
