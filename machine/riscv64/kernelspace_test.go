// SPDX-License-Identifier: Apache-2.0

package riscv64

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
	spare        uint64 // entries that it may touch beyond those that can hold it
}

func parts(s KernelSpace, end uint64) []part {
	return []part{
		{"direct map", s.Direct, end, 256, 192, 1 << 30, 0},
		{"tables", s.Tables, KernelTables, 448, 32, 2 << 20, 1},
		{"stacks", s.Stacks, KernelStacks, 480, 28, 2 << 20, 0},
		{"heap", s.Heap, KernelHeap, 192, 64, 64 << 20, 1},
	}
}

// Whatever the numbers, each part lies within its entries, aligned, and touches few.
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
		end := min(r.Uint64()>>27>>r.IntN(17)+1<<20, MaxMemory)
		s := PlaceKernel(&random, end)
		for _, p := range parts(s, end) {
			last := p.at + p.size - 1
			low, high := p.at>>30&511, last>>30&511
			if !Sv39.Canonical(p.at) || !Sv39.Canonical(last) || p.at < UserEnd || last < p.at || p.at%p.unit != 0 ||
				low < p.first || high >= p.first+p.count {
				t.Fatalf("%s of %#x bytes at %#x", p.name, p.size, p.at)
			}
			if high-low > (p.size-1)>>30+p.spare {
				t.Fatalf("%s of %#x bytes at %#x touches %d entries", p.name, p.size, p.at, high-low+1)
			}
		}
		if again := PlaceKernel(&random, end); again != s {
			t.Fatal("the same numbers give another place")
		}
	}
}

// What is fixed lies in entries that no part is given.
func TestFixed(t *testing.T) {
	const image = 0xffff_ffff_8000_0000 // where the image is linked
	if e := uint64(KernelDevices) >> 30 & 511; e != 508 || uint64(KernelRegisters+tableUnit-1)>>30&511 != 508 {
		t.Errorf("devices: entry %d", e)
	}
	if e := uint64(image) >> 30 & 511; e != 510 {
		t.Errorf("image: entry %d", e)
	}
	if uint64(UserEnd) != heapFirst*rootSpan {
		t.Error("the heap doesn't begin where user addresses end")
	}
}

// The choice has as many outcomes as CAVEATS.md says, about equally often.
func TestPlaceKernelSpread(t *testing.T) {
	const end = 3 << 30
	r := rand.New(rand.NewPCG(3, 4))
	for i, outcomes := range []float64{190, 30*512 + 1, 28 * 481, 57*16 + 1} {
		const draws, buckets = 1 << 16, 10
		seen, count := map[uint64]bool{}, [buckets]int{}
		for range draws {
			var random [4]uint64
			random[i] = r.Uint64()
			p := parts(PlaceKernel(&random, end), end)[i]
			seen[p.at] = true
			last := (p.first+p.count)<<30 - p.size // of the addresses at which it can begin
			count[(p.at&(1<<39-1)-p.first<<30)*buckets/(last-p.first<<30+p.unit)]++
		}
		want := outcomes * (1 - math.Exp(-draws/outcomes))
		if math.Abs(float64(len(seen))/want-1) > 0.03 {
			t.Errorf("part %d: %d places in %d draws, want %.0f", i, len(seen), draws, want)
		}
		for b, n := range count {
			if n < draws/buckets*3/4 || n > draws/buckets*5/4 {
				t.Errorf("part %d: %d of %d draws in tenth %d", i, n, draws, b)
			}
		}
	}
}

// Devices get addresses of their own, however large they are, until the room is
// full; what does not fit changes nothing.
func TestDevices(t *testing.T) {
	var d Devices
	if va, ok := d.Place(0x1000_0000, 0x100); !ok || va != KernelDevices {
		t.Errorf("the first: %#x, %v", va, ok)
	}
	if va, ok := d.Place(0x0c00_0ff8, 16); !ok || va != KernelDevices+0x2ff8 {
		t.Errorf("the second, on two pages: %#x, %v", va, ok)
	}
	if va, ok := d.Place(0x30_0000_0000, 1<<20); !ok || va != KernelDevices+0x5000 {
		t.Errorf("the third: %#x, %v", va, ok)
	}
	before := d
	for _, c := range []struct{ pa, size uint64 }{{0x1000, 0}, {^uint64(0), 2}, {0, 1 << 30}, {0, ^uint64(0)}, {0x1000, rootSpan}} {
		if va, ok := d.Place(c.pa, c.size); ok || d != before {
			t.Errorf("%#x bytes at %#x: %#x, %v", c.size, c.pa, va, ok)
		}
	}
	r := rand.New(rand.NewPCG(5, 6))
	end := uint64(KernelDevices + 0x5000 + 1<<20)
	for range 10000 {
		pa, size := r.Uint64()>>r.IntN(40), r.Uint64()>>(36+r.IntN(28))+1
		before := d
		va, ok := d.Place(pa, size)
		if !ok {
			if d != before || size+4*4096 < KernelDevicesEnd-end && pa+size > pa {
				t.Fatalf("%#x bytes at %#x refused with %#x left", size, pa, KernelDevicesEnd-end)
			}
			continue
		}
		if va%4096 != pa%4096 || va&^4095 < (end+4095)&^4095+4096 || va+size > KernelDevicesEnd || va+size < va {
			t.Fatalf("%#x bytes at %#x: %#x, behind %#x", size, pa, va, end)
		}
		end = va + size
	}
	if end < KernelDevicesEnd-1<<20 {
		t.Errorf("only %#x bytes were given", end-KernelDevices)
	}
}
