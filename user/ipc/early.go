// SPDX-License-Identifier: Apache-2.0

package ipc

import "slices"

// Early has the last tokens of calls that were cancelled when nobody waited for them, 64 at most: most of
// these have been answered meanwhile, some may still come to be received, or to wait, and soon.
// The zero value has none.
type Early struct {
	tokens [64]uint64 // 0: none, which no token is
	next   int
	used   int

	// marks are how many of them have each mark. Most calls that ask have a mark that none has, and are told without
	// a search, although a token or two may be left here for good.
	marks [1 << earlyBits]uint8
}

const earlyBits = 10

// mark gives the mark of a token: tokens of a thread differ in high bits, those of threads in low ones.
func (e *Early) mark(token uint64) *uint8 {
	const golden = 0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio
	return &e.marks[token*golden>>(64-earlyBits)]
}

// Add adds a token, in the place of the oldest.
func (e *Early) Add(token uint64) {
	place := &e.tokens[e.next%len(e.tokens)]
	if *place == 0 {
		e.used++
	} else {
		*e.mark(*place)--
	}
	*place = token
	*e.mark(token)++
	e.next++
}

// Take reports whether a token is there, and removes it.
func (e *Early) Take(token uint64) bool {
	if e.used == 0 || *e.mark(token) == 0 {
		return false
	}
	i := slices.Index(e.tokens[:], token)
	if i >= 0 {
		e.tokens[i] = 0
		e.used--
		*e.mark(token)--
	}
	return i >= 0
}

// Empty reports whether there are none.
func (e *Early) Empty() bool { return e.used == 0 }
