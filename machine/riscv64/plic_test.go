// SPDX-License-Identifier: Apache-2.0

package riscv64

import "testing"

// Offsets as in the specification's table of the memory map.
func TestPLIC(t *testing.T) {
	for _, c := range []struct{ got, want uint64 }{
		{PLICPriority(1), 0x4}, {PLICPriority(1023), 0xffc},
		{PLICThreshold(0), 0x200000}, {PLICClaim(0), 0x200004}, {PLICThreshold(1), 0x201000}, {PLICClaim(1), 0x201004},
		{PLICThreshold(15871), 0x3fff000}, {PLICClaim(15871), 0x3fff004},
	} {
		if c.got != c.want {
			t.Errorf("%#x, want %#x", c.got, c.want)
		}
	}
	for _, c := range []struct {
		context, source uint32
		pending, enable uint64
		bit             uint32
	}{
		{0, 0, 0x1000, 0x2000, 1 << 0}, {0, 31, 0x1000, 0x2000, 1 << 31}, {0, 32, 0x1004, 0x2004, 1},
		{1, 10, 0x1000, 0x2080, 1 << 10}, {15871, 1023, 0x107c, 0x1f1ffc, 1 << 31},
	} {
		pending, bit := PLICPending(c.source)
		enable, same := PLICEnable(c.context, c.source)
		if pending != c.pending || enable != c.enable || bit != c.bit || same != c.bit {
			t.Errorf("%+v: pending %#x, enable %#x, bits %#x and %#x", c, pending, enable, bit, same)
		}
	}
}

// No register lies beyond what PLICHas asks for, nor in another's place.
func TestPLICBounds(t *testing.T) {
	seen := map[uint64]string{}
	put := func(at uint64, what string) {
		if old, ok := seen[at]; ok && old != what {
			t.Fatalf("%#x is %s and %s", at, old, what)
		}
		seen[at] = what
	}
	for source := range uint32(PLICSources) {
		put(PLICPriority(source), "priority")
		at, _ := PLICPending(source)
		put(at, "pending")
		for _, context := range []uint32{0, 1, 15870, 15871} {
			at, _ := PLICEnable(context, source)
			put(at, "enable")
			put(PLICThreshold(context), "threshold")
			put(PLICClaim(context), "claim")
		}
	}
	for at := range seen {
		if at%4 != 0 || at >= 0x400_0000 || !PLICHas(0x400_0000, 15871, 1023) {
			t.Errorf("%#x", at)
		}
	}
	for _, c := range []struct {
		size             uint64
		context, sources uint32
		want             bool
	}{
		{0x600000, 17, 96, true}, // QEMU's virt, 9 harts
		{0x201008, 1, 96, true}, {0x201007, 1, 96, false}, {0x200fff, 1, 96, false}, {0, 0, 0, false},
		{1 << 30, PLICContexts, 96, false}, {1 << 30, 0, PLICSources, false}, {1 << 30, ^uint32(0), 1, false},
	} {
		if got := PLICHas(c.size, c.context, c.sources); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

func TestFinish(t *testing.T) {
	for status, want := range map[uint16]uint32{0: 0x5555, 1: 0x13333, 33: 0x213333, 35: 0x233333, 65535: 0xffff3333} {
		if got := Finish(status); got != want {
			t.Errorf("%d: %#x, want %#x", status, got, want)
		}
	}
	if !GoldfishHas(0x1000) || GoldfishHas(0x20) {
		t.Error("a clock with too few registers, or a good one refused")
	}
}
