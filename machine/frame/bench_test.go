// SPDX-License-Identifier: Apache-2.0

package frame

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"loam/machine/phys"
)

func BenchmarkPair(b *testing.B) {
	a := newAllocator(b, 32*mib)
	for b.Loop() {
		pa, _ := a.Alloc(User)
		a.Free(pa, User)
	}
}

// BenchmarkPool is what BenchmarkPair is compared with.
func BenchmarkPool(b *testing.B) {
	p := sync.Pool{New: func() any { return new([64]byte) }}
	for b.Loop() {
		p.Put(p.Get())
	}
}

func BenchmarkRun512(b *testing.B) {
	a := newAllocator(b, 32*mib)
	for b.Loop() {
		pa, _ := a.AllocN(512, 0, 0, User)
		a.FreeN(pa, 512, User)
	}
}

// BenchmarkManySingles takes 4,096 frames and frees them in the same order.
func BenchmarkManySingles(b *testing.B) {
	a := newAllocator(b, 32*mib)
	var frames [4096]uint64
	for b.Loop() {
		for k := range frames {
			frames[k], _ = a.Alloc(User)
		}
		for _, pa := range frames {
			a.Free(pa, User)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/4096, "ns/frame")
}

func BenchmarkMix90(b *testing.B) {
	b.Run("1GiB", func(b *testing.B) { mix(b, 1<<30) })
	b.Run("64GiB", func(b *testing.B) { mix(b, 64<<30) })
}

// mix takes and frees 1 to 512 frames at random at 90% occupancy. Only the
// records are memory: they lie in front of the frames.
func mix(b *testing.B, size uint64) {
	const start = 8 << 30 // above the zone limits
	numbersOnly(b)
	mem := phys.Arena(int(size/256 + size>>14 + mib))
	largePages(mem)
	defer runtime.KeepAlive(mem)
	a := new(Allocator)
	a.Init(phys.At(phys.FromBytes(mem).Virtual(0) - start))
	if code := a.AddRegion(start, start+size); code != OK {
		b.Fatal(code)
	}
	type run struct{ pa, n uint64 }
	var runs []run
	rng := rand.New(rand.NewPCG(3, 4))
	want := a.Stats().Free / 10
	for a.Stats().Free > want {
		n := rng.Uint64N(512) + 1
		pa, code := a.AllocN(n, 0, 0, Heap)
		if code != OK {
			break
		}
		runs = append(runs, run{pa, n})
	}
	for b.Loop() {
		k := rng.IntN(len(runs))
		if runs[k].n != 0 {
			a.FreeN(runs[k].pa, runs[k].n, Heap)
		}
		n := rng.Uint64N(512) + 1
		pa, code := a.AllocN(n, 0, 0, Heap)
		if code != OK {
			n = 0
		}
		runs[k] = run{pa, n}
	}
}

func BenchmarkAddRegion(b *testing.B) {
	mem := arena(b, 16*mib)
	a := new(Allocator)
	for b.Loop() {
		a.Init(mem)
		a.AddRegion(0, 512*mib)
	}
}
