// SPDX-License-Identifier: Apache-2.0

package heap

import (
	"math/rand/v2"
	"sync"
	"testing"

	"loam/machine/spin"
)

// TestCPUs: goroutines as processors, two of which share a front; objects are freed
// where they were not taken.
func TestCPUs(t *testing.T) {
	m := small(t, 32*mib)
	for cpu := range uint32(3) {
		m.h.AddCPU(cpu)
	}
	start := m.free()
	type object struct {
		k  Kind
		pa uint64
	}
	sizes := []uint64{32, 48, 100, 700, 4096, 4096, 9000, 100 << 10}
	rounds := 20_000
	if spin.Checked || testing.Short() { // the fronts are held for longer, and goroutines don't keep their processors
		rounds = 2_000
	}
	var wg sync.WaitGroup
	hand := make(chan object, 64)
	for cpu := range uint32(4) {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(cpu), 8))
			f := m.h.Front(cpu)
			free := func(o object) {
				if *m.mem.Word(o.pa) != o.pa {
					t.Errorf("object at %#x reads %#x", o.pa, *m.mem.Word(o.pa))
				}
				if code := f.Free(o.k, o.pa); code != OK {
					t.Errorf("Free: %v %+v", code, m.h.Last())
				}
			}
			for i := range rounds {
				k := kind(t, sizes[rng.IntN(len(sizes))], 0, Owner(cpu))
				pa, code := f.Alloc(k)
				if code != OK {
					t.Errorf("Alloc: %v", code)
					return
				}
				*m.mem.Word(pa) = pa
				select {
				case hand <- object{k, pa}:
				default:
					free(object{k, pa})
				}
				select {
				case o := <-hand:
					free(o)
				default:
				}
				switch {
				case i%1000 == 0:
					m.h.Trim()
				case i%2500 == 1:
					var s Stats
					m.h.Stats(&s)
				case i%5000 == 2:
					if code := m.h.Check(); code != OK {
						t.Errorf("Check: %+v", m.h.Last())
					}
				}
			}
		})
	}
	wg.Wait()
	close(hand)
	for o := range hand {
		if code := m.h.Front(0).Free(o.k, o.pa); code != OK {
			t.Error(code)
		}
	}
	m.check(t)
	m.h.Trim()
	if got := m.free(); got != start {
		t.Errorf("%d frames free at the end, %d at the start", got, start)
	}
}
