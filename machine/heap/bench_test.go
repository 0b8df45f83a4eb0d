// SPDX-License-Identifier: Apache-2.0

package heap

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"loam/machine/frame"
	"loam/machine/phys"
)

func BenchmarkPair(b *testing.B) {
	for _, size := range []uint64{32, 256, 4096} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			m := small(b, 8*mib)
			f, k := m.h.Front(0), kind(b, size, 0, Context)
			for b.Loop() {
				pa, _ := f.Alloc(k)
				f.Free(k, pa)
			}
		})
	}
}

// BenchmarkPool is what BenchmarkPair is compared with.
func BenchmarkPool(b *testing.B) {
	p := sync.Pool{New: func() any { return new([256]byte) }}
	for b.Loop() {
		p.Put(p.Get())
	}
}

// BenchmarkMany takes 4,096 objects and frees them in the same order: magazines are
// filled from slabs and emptied into them.
func BenchmarkMany(b *testing.B) {
	m := small(b, 32*mib)
	f, k := m.h.Front(0), kind(b, 256, 0, Context)
	var all [4096]uint64
	for b.Loop() {
		for i := range all {
			all[i], _ = f.Alloc(k)
		}
		for _, pa := range all {
			f.Free(k, pa)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/4096, "ns/pair")
}

func BenchmarkLarge(b *testing.B) {
	for _, size := range []uint64{16 << 10, 1 << 20, 5 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			m := small(b, 40*mib)
			f, k := m.h.Front(0), kind(b, size, 0, Context)
			for b.Loop() {
				pa, _ := f.Alloc(k)
				f.Free(k, pa)
			}
		})
	}
}

// sizes draws sizes from least to most, as many in each doubling.
func sizes(rng *rand.Rand, least, most uint64) uint64 {
	for {
		size := least << rng.Uint64N(18)
		if size += rng.Uint64N(size); size <= most {
			return size
		}
	}
}

// TestInside: how much of the memory of objects nobody has asked for.
func TestInside(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 3))
	for _, most := range []uint64{4 << 10, 4 << 20} {
		m := small(t, 64*mib)
		var asked, classes uint64
		for asked < 24*mib {
			size := sizes(rng, Smallest, most)
			k := kind(t, size, 0, Kernel)
			if _, code := m.h.Front(0).Alloc(k); code != OK {
				break
			}
			asked += size
			classes += k.Size()
		}
		var s Stats
		m.h.Stats(&s)
		total := s.Frames << phys.PageShift
		t.Logf("up to %4d KiB: objects %.1f%% more than was asked for, frames %.1f%% more",
			most>>10, percent(classes-asked, asked), percent(total-asked, asked))
		if total-asked > asked*3/10 {
			t.Errorf("%d bytes of frames for %d", total, asked)
		}
	}
}

func percent(a, b uint64) float64 { return float64(a) * 100 / float64(b) }

// TestOutside: memory that small objects had serves large ones, and the other way,
// and after a peak what is left does not keep much more than it needs.
func TestOutside(t *testing.T) {
	for _, way := range [][2]uint64{{64, 1 << 20}, {1 << 20, 64}, {4096, 32 << 10}, {48, 4096}} {
		m := small(t, 40*mib)
		f := m.h.Front(0)
		start := m.free()
		first, second := kind(t, way[0], 0, Kernel), kind(t, way[1], 0, Kernel)
		fill := func(k Kind) (all []uint64) {
			for {
				pa, code := f.Alloc(k)
				if code != OK {
					return all
				}
				all = append(all, pa)
			}
		}
		alone := uint64(len(fill(second))) // on a machine that has seen nothing else
		m = small(t, 40*mib)
		f = m.h.Front(0)
		for _, pa := range fill(first) {
			f.Free(first, pa)
		}
		all := fill(second)
		if got := uint64(len(all)); got < alone*9/10 {
			t.Errorf("%d objects of %d bytes after those of %d bytes, %d without", got, way[1], way[0], alone)
		}
		for _, pa := range all {
			f.Free(second, pa)
		}
		m.h.Trim()
		if m.free() != start {
			t.Errorf("%d frames free, %d at the start", m.free(), start)
		}
	}
}

// TestAfterPeak: a tenth of a peak's objects stay, chosen at random, while others
// come and go; then what the heap has is compared with what is in use.
func TestAfterPeak(t *testing.T) {
	for _, size := range []uint64{64, 512, 4096} {
		m := small(t, 40*mib)
		f, k := m.h.Front(0), kind(t, size, 0, Kernel)
		rng := rand.New(rand.NewPCG(4, size))
		var all []uint64
		for range 24 * mib / size {
			pa, code := f.Alloc(k)
			if code != OK {
				t.Fatal(code)
			}
			all = append(all, pa)
		}
		peak := m.h.total()
		leave := func(n int) {
			for len(all) > n {
				i := rng.IntN(len(all))
				f.Free(k, all[i])
				all[i] = all[len(all)-1]
				all = all[:len(all)-1]
			}
		}
		n := len(all) / 10
		leave(n)
		now := m.h.total()
		for range 200 { // a day
			for range n / 10 {
				pa, _ := f.Alloc(k)
				all = append(all, pa)
			}
			leave(n)
		}
		m.h.Trim()
		m.check(t)
		after := m.h.total()
		t.Logf("%4d bytes: %d frames at the peak, %d when a tenth is left, %d a day later; %d needed",
			size, peak, now, after, uint64(n)*size>>phys.PageShift)
		if now > peak || after > peak/4 {
			t.Errorf("%d bytes: little comes back", size)
		}
		for _, pa := range all {
			f.Free(k, pa)
		}
		if m.h.Trim(); m.h.classes[k.class()].slabs != 0 || m.a.Stats().Owned[frame.Slab] != m.h.total() {
			t.Error("not all comes back")
		}
	}
}
