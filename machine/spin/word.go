// SPDX-License-Identifier: Apache-2.0

package spin

import "sync/atomic"

// Taken is what the word of a Word is while somebody has it. Every other number
// can be kept in it.
const Taken = 1<<64 - 1

// Word is a lock that is a number while it is free, as the length of the stack that
// it guards: taking it and reading the number is one instruction, and so is giving
// it back with a new one. Its zero value is free and 0; a Rank of 0 isn't checked.
type Word struct {
	// N is the number, or Taken; atomic. A caller to whom each instruction matters
	// may swap it for Taken itself and call Entered, and call Leaving and store the
	// new number. Both calls do nothing but in checked builds.
	N    uint64
	Rank uint8 // as of a Lock
}

// Try takes the word if it is free and returns its number, else Taken. Interrupts
// are off in the caller, from before until after Give.
func (w *Word) Try() uint64 {
	n := atomic.SwapUint64(&w.N, Taken)
	w.Entered(n)
	return n
}

// Entered has checked builds note that the caller took the word, whose number was
// n; nothing if that is Taken.
func (w *Word) Entered(n uint64) {
	if checked && n != Taken {
		taking(w.Rank)
	}
}

// Leaving has them note that the caller is about to give the word back by storing
// a number itself.
func (w *Word) Leaving() {
	if checked {
		giving(w.Rank)
	}
}

// Take waits until the word is free, takes it, and returns its number.
func (w *Word) Take() uint64 {
	n := w.Join()
	if checked {
		taking(w.Rank)
	}
	return n
}

// Give gives the word back with a number below Taken.
func (w *Word) Give(n uint64) {
	if checked {
		giving(w.Rank)
	}
	atomic.StoreUint64(&w.N, n)
}

// Join is Take for somebody who takes several words of one rank: nobody but the
// holder of one certain lock may do that. Part gives the word back.
func (w *Word) Join() uint64 {
	for n := 1; ; n = min(2*n, longest) {
		if atomic.LoadUint64(&w.N) != Taken {
			if v := atomic.SwapUint64(&w.N, Taken); v != Taken {
				return v
			}
		}
		for range n {
			Pause()
		}
	}
}

// Part gives back a word that was taken by Join.
func (w *Word) Part(n uint64) { atomic.StoreUint64(&w.N, n) }

// Peek returns the number without taking the word; Taken if somebody has it.
func (w *Word) Peek() uint64 { return atomic.LoadUint64(&w.N) }
