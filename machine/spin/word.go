// SPDX-License-Identifier: Apache-2.0

package spin

import "sync/atomic"

// Taken is what the word of a Word is while somebody has it. Every other number
// can be kept in it.
const Taken = 1<<32 - 1

// Word is a lock that is a number while it is free, as the length of the stack that
// it guards: taking it and reading the number is one instruction, and so is giving
// it back with a new one. Its zero value is free and 0; a Rank of 0 isn't checked.
type Word struct {
	word uint32
	Rank uint8 // as of a Lock
}

// Try takes the word if it is free and returns its number, else Taken. Interrupts
// are off in the caller, from before until after Give.
func (w *Word) Try() uint32 {
	n := atomic.SwapUint32(&w.word, Taken)
	if checked && n != Taken {
		taking(w.Rank)
	}
	return n
}

// Take waits until the word is free, takes it, and returns its number.
func (w *Word) Take() uint32 {
	n := w.Join()
	if checked {
		taking(w.Rank)
	}
	return n
}

// Give gives the word back with a number below Taken.
func (w *Word) Give(n uint32) {
	if checked {
		giving(w.Rank)
	}
	atomic.StoreUint32(&w.word, n)
}

// Join is Take for somebody who takes several words of one rank: nobody but the
// holder of one certain lock may do that. Part gives the word back.
func (w *Word) Join() uint32 {
	for n := 1; ; n = min(2*n, longest) {
		if atomic.LoadUint32(&w.word) != Taken {
			if v := atomic.SwapUint32(&w.word, Taken); v != Taken {
				return v
			}
		}
		for range n {
			Pause()
		}
	}
}

// Part gives back a word that was taken by Join.
func (w *Word) Part(n uint32) { atomic.StoreUint32(&w.word, n) }

// Peek returns the number without taking the word; Taken if somebody has it.
func (w *Word) Peek() uint32 { return atomic.LoadUint32(&w.word) }
