// SPDX-License-Identifier: Apache-2.0

package riscv64

import (
	"strings"
	"testing"
)

// Values that Linux has for the same fields (arch/riscv, asm/csr.h).
func TestStatus(t *testing.T) {
	for _, c := range []struct{ got, want uint64 }{
		{StatusSIE, 0x2}, {StatusSPIE, 0x20}, {StatusSPP, 0x100}, {StatusSUM, 0x40000}, {StatusMXR, 0x80000},
		{StatusFS, 0x6000}, {StatusVS, 0x600}, {StatusXS, 0x18000}, {StatusSD, 0x8000000000000000}, {StatusUXL64, 0x200000000},
		{Initial.FS(), 0x2000}, {Clean.FS(), 0x4000}, {Dirty.FS(), 0x6000}, {Off.FS(), 0},
		{Initial.VS(), 0x200}, {Clean.VS(), 0x400}, {Dirty.VS(), 0x600}, {ExtState(4).VS(), 0},
		{SoftInterrupt, 0x2}, {TimerInterrupt, 0x20}, {ExternalInterrupt, 0x200},
	} {
		if c.got != c.want {
			t.Errorf("%#x, want %#x", c.got, c.want)
		}
	}
	for s := Off; s <= Dirty; s++ {
		if FS(s.FS()) != s || VS(s.VS()) != s || FS(^uint64(StatusFS)|s.FS()) != s || VS(^uint64(StatusVS)|s.VS()) != s {
			t.Errorf("state %d doesn't come back", s)
		}
	}
	if UserStatus&(StatusSPP|StatusSIE|StatusSUM|StatusMXR|StatusFS|StatusVS) != 0 || UserStatus&StatusSPIE == 0 {
		t.Errorf("%#x lets a program do more than it may, or has no interrupts", uint64(UserStatus))
	}
}

func TestSatp(t *testing.T) {
	for _, c := range []struct {
		root uint64
		asid uint16
		want uint64
	}{
		{0x8020_3000, 0, 0x8000_0000_0008_0203},
		{0x8020_3000, MaxASID, 0x8fff_f000_0008_0203},
		{1<<56 - 4096, 1, 0x8000_1fff_ffff_ffff},
	} {
		got := Satp(c.root, c.asid)
		if got != c.want || SatpRoot(got) != c.root || SatpASID(got) != c.asid {
			t.Errorf("%#x, want %#x; back: root %#x, identifier %#x", got, c.want, SatpRoot(got), SatpASID(got))
		}
	}
}

// Every cause that the specification names has a name, all names differ, and what
// is reserved is said to be unknown.
func TestCauseName(t *testing.T) {
	const reserved = 1<<10 | 1<<11 | 1<<14 | 1<<16 | 1<<17 // 11 is a call from machine mode
	seen := map[string]bool{}
	for c := range uint64(64) {
		name := CauseName(c)
		if known := c < 20 && reserved>>c&1 == 0; known == strings.HasPrefix(name, "unknown") || known && seen[name] {
			t.Errorf("exception %d: %q", c, name)
		}
		seen[name] = true
		name = CauseName(CauseInterrupt | c)
		if known := c == 1 || c == 5 || c == 9; known == strings.HasPrefix(name, "unknown") || known && seen[name] {
			t.Errorf("interrupt %d: %q", c, name)
		}
		seen[name] = true
		if IsPageFault(c) != (c == 12 || c == 13 || c == 15) || IsPageFault(c|CauseInterrupt) {
			t.Errorf("cause %d: page fault is %v", c, IsPageFault(c))
		}
	}
	if CauseName(^uint64(0)) != "unknown interrupt" || CauseName(1<<63-1) != "unknown exception" {
		t.Error("names of what can't be")
	}
}

// As GNU as encodes them.
func TestInstructions(t *testing.T) {
	for _, c := range []struct{ got, want uint32 }{
		{FenceVMA(0, 0), 0x12000073},   // sfence.vma
		{FenceVMA(10, 0), 0x12050073},  // sfence.vma a0
		{FenceVMA(0, 11), 0x12b00073},  // sfence.vma zero, a1
		{FenceVMA(10, 11), 0x12b50073}, // sfence.vma a0, a1
		{FenceVMA(42, 43), 0x12b50073}, // numbers have five bits
	} {
		if c.got != c.want {
			t.Errorf("%#x, want %#x", c.got, c.want)
		}
	}
	for first, want := range map[uint16]int{EBreakLow: 4, EBreakCompressed: 2, 0x0001: 2, FenceI & 0xffff: 4} {
		if got := InstructionLen(first); got != want {
			t.Errorf("%#x: %d bytes, want %d", first, got, want)
		}
	}
}
