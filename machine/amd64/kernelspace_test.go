// SPDX-License-Identifier: Apache-2.0

package amd64

import (
	"math"
	"math/rand/v2"
	"testing"
)

// part is where a part may lie: entries of the root, and a multiple.
type part struct {
	name         string
	at, size     uint64
	first, count uint64
	unit         uint64
}

func parts(s KernelSpace, end uint64) []part {
	return []part{
		{"direct map", s.Direct, end, 256, 128, 1 << 30},
		{"tables", s.Tables, KernelTables, 384, 32, 2 << 20},
		{"stacks", s.Stacks, KernelStacks, 416, 32, 2 << 20},
		{"heap", s.Heap, KernelHeap, 480, 30, 64 << 20},
	}
}

// Whatever the numbers, each part lies within its entries, aligned, and touches as
// few entries as can hold it.
func TestPlaceKernel(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		random := [4]uint64{r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64()}
		for i := range random {
			switch r.IntN(8) {
			case 0:
				random[i] = 0
			case 1:
				random[i] = ^uint64(0)
			}
		}
		end := r.Uint64()>>20>>r.IntN(24) + 1<<20
		s := PlaceKernel(&random, end)
		for _, p := range parts(s, end) {
			last := p.at + p.size - 1
			low, high := p.at>>39&511, last>>39&511
			if p.at>>47 != 1<<17-1 || last < p.at || p.at%p.unit != 0 || low < p.first || high >= p.first+p.count {
				t.Fatalf("%s of %#x bytes at %#x", p.name, p.size, p.at)
			}
			if high-low > (p.size-1)>>39 {
				t.Fatalf("%s of %#x bytes at %#x touches %d entries", p.name, p.size, p.at, high-low+1)
			}
		}
		if again := PlaceKernel(&random, end); again != s {
			t.Fatal("the same numbers give another place")
		}
	}
}

// What is fixed lies in an entry that no part is given.
func TestFixed(t *testing.T) {
	for _, at := range []uint64{KernelDevices, KernelRegisters, KernelRegisters + tableUnit - 1} {
		if e := at >> 39 & 511; e != 510 {
			t.Errorf("devices at %#x: entry %d", at, e)
		}
	}
}

// The choice has as many outcomes as CAVEATS.md says, about equally often.
func TestPlaceKernelSpread(t *testing.T) {
	const end = 4 << 30
	r := rand.New(rand.NewPCG(3, 4))
	for i, bits := range []float64{16.0, 22.0, 23.0, 17.7} {
		const draws, buckets = 1 << 16, 16
		seen, count := map[uint64]bool{}, [buckets]int{}
		for range draws {
			var random [4]uint64
			random[i] = r.Uint64()
			p := parts(PlaceKernel(&random, end), end)[i]
			seen[p.at] = true
			count[(p.at-kernelStart-(p.first-256)<<39)*buckets/(p.count<<39)]++
		}
		outcomes := math.Exp2(bits)
		want := outcomes * (1 - math.Exp(-draws/outcomes))
		if math.Abs(float64(len(seen))/want-1) > 0.03 {
			t.Errorf("part %d: %d places in %d draws, want %.0f", i, len(seen), draws, want)
		}
		for b, n := range count {
			if n < draws/buckets*3/4 || n > draws/buckets*5/4 {
				t.Errorf("part %d: %d of %d draws in sixteenth %d", i, n, draws, b)
			}
		}
	}
}
