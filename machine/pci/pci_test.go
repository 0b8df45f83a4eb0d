// SPDX-License-Identifier: Apache-2.0

package pci

import (
	"math/bits"
	"math/rand/v2"
	"testing"
)

func TestAt(t *testing.T) {
	for _, c := range []struct {
		bus, device, function uint8
		register              uint16
		want                  uint64
	}{
		{0, 0, 0, 0, 0}, {0, 1, 0, Command, 0x8004}, {0, 31, 7, 0xffc, 0xffffc}, {1, 0, 0, Base, 0x100010},
		{255, 31, 7, 0xffc, 0xffffffc}, {0, 0, 1, Interrupt, 0x103c}, {0, 32, 8, 0x1002, 0},
	} {
		if got := At(c.bus, c.device, c.function, c.register); got != c.want {
			t.Errorf("%+v: %#x", c, got)
		}
	}
}

// The words of QEMU's pci-serial, as its monitor shows them.
func TestWords(t *testing.T) {
	const id, class, header, interrupt = 0x00021b36, 0x07000201, 0x00000000, 0x00000100
	if Vendor(id) != RedHat || Device(id) != QEMUSerial || ClassOf(class) != ClassSerial || Pin(interrupt) != 1 {
		t.Error("a serial port isn't found to be one")
	}
	if kind, many := HeaderType(header); kind != 0 || many {
		t.Error(kind, many)
	}
	if kind, many := HeaderType(0x12813456); kind != 1 || !many {
		t.Error(kind, many)
	}
}

// probed is a base address register as hardware has it, written with all ones: the
// address bits that it decodes, and its low bits.
func probed(kind Kind, prefetch bool, size uint64, decodes uint) (word, next uint32) {
	v := -size & (1<<decodes - 1)
	switch kind {
	case Ports:
		return uint32(v) | 1, 0
	case Memory64:
		v |= 4
	}
	if prefetch {
		v |= 8
	}
	return uint32(v), uint32(v >> 32)
}

func TestDecode(t *testing.T) {
	for shift := uint(2); shift < 63; shift++ {
		for _, kind := range []Kind{Ports, Memory32, Memory64} {
			for _, decodes := range []uint{16, 32, 64} {
				if shift < 4 && kind != Ports || decodes == 16 && kind != Ports || decodes == 64 && kind != Memory64 ||
					shift >= decodes || decodes == 32 && kind == Memory64 || kind == Ports && shift > 15 {
					continue
				}
				for _, prefetch := range []bool{false, kind != Ports} {
					want := Need{kind, prefetch, 1 << shift}
					word, next := probed(kind, prefetch, want.Size, decodes)
					if got, ok := Decode(word, next); !ok || got != want {
						t.Errorf("%#x, %#x: %+v, %v, want %+v", word, next, got, ok, want)
					}
				}
			}
		}
	}
	if got, ok := Decode(0, 0x1234); !ok || got != (Need{}) {
		t.Errorf("no register: %+v, %v", got, ok)
	}
	for _, w := range [][2]uint32{{2, 0}, {6, 0}, {0xfffffff2, 0}, {0xfffffff6, 0}, {0xffff00f0, 0}, {0xf0f0fff1, 0}, {4, 0}, {1, 0}, {0x0ffffff0, 0},
		{0xfffffff4, 0}, {0xfffffff4, 0xf0f0f0f0}} {
		if got, ok := Decode(w[0], w[1]); ok && (got.Size == 0 || bits.OnesCount64(got.Size) != 1 || w[0] != 1) {
			t.Errorf("%#x: %+v", w, got)
		}
	}
}

// What is placed is aligned, never at 0, within the space, and disjoint.
func TestPlace(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		s := Space{Next: r.Uint64() >> r.IntN(64), End: r.Uint64() >> r.IntN(64)}
		first := s.Next
		for range 20 {
			size := uint64(1) << r.IntN(64)
			before := s
			at, ok := s.Place(size)
			if !ok {
				// The oracle: no multiple of size but 0 lies between, that still fits.
				for k := uint64(1); k < 1000 && k*size <= s.End-min(size, s.End) && bits.Len64(k)+bits.Len64(size) < 64; k++ {
					if k*size >= s.Next && s.End >= size {
						t.Fatalf("%+v: no room for %#x, but at %#x", before, size, k*size)
					}
				}
				if s != before {
					t.Fatal("a refusal has changed something")
				}
				continue
			}
			if at == 0 || at%size != 0 || at < before.Next || at < first || at+size > s.End || s.Next != at+size {
				t.Fatalf("%+v: %#x for %#x", before, at, size)
			}
		}
	}
	s := Space{End: 0x10000}
	for _, bad := range []uint64{0, 3, 24, 0x10000, 1 << 63} {
		if at, ok := s.Place(bad); ok {
			t.Errorf("%#x: %#x", bad, at)
		}
	}
	if at, ok := s.Place(8); !ok || at != 8 || s.Next != 16 {
		t.Errorf("%#x", at)
	}
}
