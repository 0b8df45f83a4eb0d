// SPDX-License-Identifier: Apache-2.0

package frame

import (
	"math/rand/v2"
	"runtime"
	"testing"

	"loam/machine/phys"
)

// Rivals of the allocator, for benchmarks: what a kernel would have in its
// place. They know nothing but frame numbers and keep their state in Go slices;
// none has owners, counts, zones, checks or a lock, so each is at an advantage.

// A contestant hands out runs of frames out of a range that starts at frame 0.
type contestant interface {
	// take returns the first of n neighbouring frames, a multiple of align (a
	// power of two), for the owner.
	take(n, align uint64, o Owner) (first uint64, ok bool)
	// give gives a run back whole.
	give(first, n uint64, o Owner)
	// left returns the number of frames that are free.
	left() uint64
}

// contestants make one for each kind, over a number of frames.
var contestants = []struct {
	name string
	make func(t testing.TB, frames uint64) contestant
}{
	{"loam", func(t testing.TB, n uint64) contestant { return newLoam(t, n) }},
	{"buddy", func(_ testing.TB, n uint64) contestant { return newBuddy(n, false) }},
	{"buddy, indexed", func(_ testing.TB, n uint64) contestant { return newBuddy(n, true) }},
	{"buddy, ordered", func(_ testing.TB, n uint64) contestant { return newOrdered(n) }},
	{"first fit", func(_ testing.TB, n uint64) contestant { return newBitmap(n, firstFit) }},
	{"next fit", func(_ testing.TB, n uint64) contestant { return newBitmap(n, nextFit) }},
	{"best fit", func(_ testing.TB, n uint64) contestant { return newBitmap(n, bestFit) }},
}

// loam is the allocator itself. Only its records are memory: its frames are
// numbers behind them. It starts above the zone limits, as one region.
type loam struct {
	a    *Allocator
	kept []byte
}

const loamStart = 8 << 30 >> phys.PageShift // the frame that counts as 0

func newLoam(t testing.TB, frames uint64) *loam {
	numbersOnly(t)
	size := frames << phys.PageShift
	l := &loam{new(Allocator), phys.Arena(int(size/256 + size>>14 + mib))}
	t.Cleanup(func() { runtime.KeepAlive(l.kept) })
	l.a.Init(phys.At(phys.FromBytes(l.kept).Virtual(0) - loamStart<<phys.PageShift))
	if code := l.a.AddRegion(loamStart<<phys.PageShift, (loamStart+frames)<<phys.PageShift); code != OK {
		t.Fatal(code)
	}
	return l
}

func (l *loam) take(n, align uint64, o Owner) (uint64, bool) {
	var pa uint64
	var code Code
	if n == 1 && align <= 1 {
		pa, code = l.a.Alloc(o)
	} else {
		pa, code = l.a.AllocN(n, align<<phys.PageShift, 0, o)
	}
	return pa>>phys.PageShift - loamStart, code == OK
}

func (l *loam) give(first, n uint64, o Owner) {
	l.a.FreeN((first+loamStart)<<phys.PageShift, n, o)
}

func (l *loam) left() uint64 { return l.a.Stats().Free }

// TestRivals holds each contestant against a map of frames.
func TestRivals(t *testing.T) {
	for _, c := range contestants {
		t.Run(c.name, func(t *testing.T) {
			for seed := range uint64(4) {
				const frames = 5000 // no power of two, nor a multiple of 64
				rivalry(t, c.make(t, frames), frames, rand.New(rand.NewPCG(seed, 1)))
			}
		})
	}
}

func rivalry(t *testing.T, c contestant, frames uint64, rng *rand.Rand) {
	type run struct{ first, n uint64 }
	var runs []run
	taken := make([]bool, frames)
	free := c.left()
	for range 20_000 {
		if rng.IntN(100) < 45 && len(runs) > 0 {
			k := rng.IntN(len(runs))
			r := runs[k]
			c.give(r.first, r.n, Heap)
			for i := range r.n {
				taken[r.first+i] = false
			}
			runs[k] = runs[len(runs)-1]
			runs = runs[:len(runs)-1]
			continue
		}
		n := 1 + rng.Uint64N(1<<rng.IntN(9))
		align := uint64(1) << rng.IntN(10)
		first, ok := c.take(n, align, Heap)
		if !ok {
			continue
		}
		if first%align != 0 || first+n > frames {
			t.Fatalf("%d frames aligned to %d: %d", n, align, first)
		}
		for i := range n {
			if taken[first+i] {
				t.Fatalf("frame %d given twice", first+i)
			}
			taken[first+i] = true
		}
		runs = append(runs, run{first, n})
	}
	if len(runs) == 0 || c.left() >= free {
		t.Fatalf("%d runs taken, %d frames left of %d", len(runs), c.left(), free)
	}
	for _, r := range runs {
		c.give(r.first, r.n, Heap)
	}
	if got := c.left(); got != free {
		t.Fatalf("%d frames left of %d when all is free", got, free)
	}
	if _, ok := c.take(2048, 2048, Heap); !ok {
		t.Fatal("what is free did not become one block again")
	}
}
