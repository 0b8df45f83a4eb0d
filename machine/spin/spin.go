// SPDX-License-Identifier: Apache-2.0

package spin

import "sync/atomic"

// Lock is a spin lock. Its zero value is free; a Rank of 0 isn't checked.
type Lock struct {
	word uint32
	Rank uint8 // 1 to 31: locks are taken in rising order
}

// Lock waits until the lock is free and takes it. Interrupts are off in the
// caller, from before until after Unlock.
func (l *Lock) Lock() {
	if checked {
		taking(l.Rank)
	}
	if !atomic.CompareAndSwapUint32(&l.word, 0, 1) {
		l.wait()
	}
}

// TryLock takes the lock if it is free and reports whether it was.
func (l *Lock) TryLock() bool {
	if !atomic.CompareAndSwapUint32(&l.word, 0, 1) {
		return false
	}
	if checked {
		taking(l.Rank)
	}
	return true
}

// Unlock gives the lock back.
func (l *Lock) Unlock() {
	if checked {
		giving(l.Rank)
	}
	atomic.StoreUint32(&l.word, 0)
}

// longest is the longest pause between two looks, in PAUSE instructions.
const longest = 64

// wait takes the lock when it gets free. It looks without writing, so that the
// waiters don't take the lock's cache line from each other, and ever less often.
//
//go:noinline
func (l *Lock) wait() {
	for n := 1; ; n = min(2*n, longest) {
		for range n {
			Pause()
		}
		if atomic.LoadUint32(&l.word) == 0 && atomic.CompareAndSwapUint32(&l.word, 0, 1) {
			return
		}
	}
}
