// SPDX-License-Identifier: Apache-2.0

package spin

import (
	"runtime"
	"sync"
	"testing"
)

// TestExclusion: what a lock guards is never seen half-done.
func TestExclusion(t *testing.T) {
	const each = 20000
	var l Lock
	var a, b int
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range each {
				l.Lock()
				if a != b {
					t.Error("seen half-done")
				}
				a++
				b++
				l.Unlock()
				if i%64 == 0 {
					runtime.Gosched() // a host may have fewer CPUs than spinners
				}
			}
		})
	}
	wg.Wait()
	if a != 4*each || b != a {
		t.Errorf("%d and %d, want %d", a, b, 4*each)
	}
}

func TestTryLock(t *testing.T) {
	var l Lock
	if !l.TryLock() || l.TryLock() {
		t.Fatal("a free lock was refused, or a taken one given")
	}
	l.Unlock()
	if !l.TryLock() {
		t.Fatal("a lock that was given back was refused")
	}
}

// TestWord: the number is what the last holder gave, whoever that was.
func TestWord(t *testing.T) {
	const each = 20000
	var w Word
	var sum uint64
	var wg sync.WaitGroup
	for k := range 4 {
		wg.Go(func() {
			for i := range each {
				n := w.Try()
				switch {
				case n != Taken:
				case k%2 == 0:
					n = w.Take()
				default:
					if n = w.Join(); n != sum {
						t.Errorf("%d, not %d", n, sum)
					}
					sum++
					w.Part(n + 1)
					continue
				}
				if n != sum {
					t.Errorf("%d, not %d", n, sum)
				}
				sum++
				w.Give(n + 1)
				if i%64 == 0 {
					runtime.Gosched()
				}
			}
		})
	}
	wg.Wait()
	if w.Peek() != 4*each || w.Take() != 4*each || w.Try() != Taken || w.Peek() != Taken {
		t.Errorf("at the end %d", w.Peek())
	}
}
