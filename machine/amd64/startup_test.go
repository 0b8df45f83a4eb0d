// SPDX-License-Identifier: Apache-2.0

package amd64

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"golang.org/x/arch/x86/x86asm"
)

var startupSample = Startup{Page: 0x9f000, Root: 0x7654_3000,
	Entry: 0xffff_ffff_8021_2345, CPU: 0xffff_8000_1234_5678, APIC: 0x107}

// The page's bytes, disassembled in the three modes, must be the program that
// startup.go's comments describe, each jump going where its label is.
func TestStartupCode(t *testing.T) {
	var page [4096]byte
	if !startupSample.Put(&page) {
		t.Fatal("refused")
	}
	for _, part := range []struct {
		mode, at int
		want     []string
	}{
		{16, 0, []string{
			"cli", "cld", "mov ax, cs", "mov ds, ax", "lgdt ptr [0x120]",
			"mov eax, cr0", "and eax, -0x60000001", "or eax, 0x1", "mov cr0, eax",
			"jmp far 0x9f040, 0x18",
		}},
		{32, startup32, []string{
			"mov eax, 0x10", "mov ds, ax",
			"mov eax, 0x1", "cpuid", "shr ebx, 0x18", "or ebx, 0x100", "mov eax, ebx",
			"xor ecx, ecx", "lock cmpxchg dword ptr [0x9f0e0], ecx", "jz 0x9f068",
			"hlt", "jmp 0x9f065",
			"mov eax, 0x20", "mov cr4, eax", "mov eax, dword ptr [0x9f0e4]", "mov cr3, eax",
			"mov ecx, 0xc0000080", "rdmsr", "or eax, 0x901", "wrmsr",
			"mov eax, cr0", "or eax, 0x80010000", "mov cr0, eax",
			"jmp far 0x9f0a0, 0x8",
		}},
		{64, startup64, []string{
			"mov eax, 0x10", "mov ds, ax", "mov es, ax", "mov ss, ax", "mov fs, ax", "mov gs, ax",
			"mov rdi, qword ptr [0x9f0f0]", "jmp qword ptr [0x9f0e8]",
		}},
	} {
		got, end := disassembleStartup(t, page[:], part.mode, part.at, len(part.want))
		if !slices.Equal(got, part.want) {
			t.Errorf("%d-bit part:\n%q, want\n%q", part.mode, got, part.want)
		}
		for _, b := range page[end:startupEnd(part.mode)] {
			if b != 0 {
				t.Fatalf("%d-bit part goes on after its jump", part.mode)
			}
		}
	}
	// Without its prefix the 16-bit LGDT takes 24 bits of the base.
	if inst, err := x86asm.Decode(page[6:], 16); err != nil || inst.Op != x86asm.LGDT || inst.DataSize != 32 {
		t.Errorf("LGDT: %v, %v, operand size %d", inst, err, inst.DataSize)
	}
	for _, label := range []struct {
		at   int
		want string
	}{{0x65, "hlt"}, {0x68, "mov eax, 0x20"}} {
		if got, _ := disassembleStartup(t, page[:], 32, label.at, 1); got[0] != label.want {
			t.Errorf("at %#x is %s, want %s", label.at, got[0], label.want)
		}
	}
}

// startupEnd is where the space of a part of the code ends.
func startupEnd(mode int) int {
	return map[int]int{16: startup32, 32: startup64, 64: StartupTurn}[mode]
}

// disassembleStartup decodes n instructions, with operands relative to the
// instruction pointer as addresses.
func disassembleStartup(t *testing.T, page []byte, mode, at, n int) (lines []string, end int) {
	t.Helper()
	for range n {
		inst, err := x86asm.Decode(page[at:], mode)
		if err != nil {
			t.Fatalf("%#x: %v", at, err)
		}
		at += inst.Len
		next := int64(startupSample.Page) + int64(at)
		for i, a := range inst.Args {
			switch a := a.(type) {
			case x86asm.Rel:
				inst.Args[i] = x86asm.Imm(next + int64(a))
			case x86asm.Mem:
				if a.Base == x86asm.RIP {
					a.Base, a.Disp = 0, next+a.Disp
					inst.Args[i] = a
				}
			}
		}
		lines = append(lines, x86asm.IntelSyntax(inst, 0, nil))
	}
	return lines, at
}

// TestStartupTables checks what the code reads.
func TestStartupTables(t *testing.T) {
	var page [4096]byte
	for i := range page {
		page[i] = 0xa5
	}
	s := startupSample
	s.Put(&page)
	le := binary.LittleEndian
	if limit, base := le.Uint16(page[startupGDTR:]), le.Uint32(page[startupGDTR+2:]); limit != 31 || base != 0x9f100 {
		t.Errorf("LGDT's operand: limit %d, base %#x", limit, base)
	}
	// Null, 64-bit code, data, 32-bit code, each of privilege 0 and accessed.
	for i, want := range []uint64{0, 0x00af_9b00_0000_ffff, 0x00cf_9300_0000_ffff, 0x00cf_9b00_0000_ffff} {
		if got := le.Uint64(page[startupGDT+8*i:]); got != want {
			t.Errorf("descriptor %d is %#x, want %#x", i, got, want)
		}
	}
	if le.Uint32(page[StartupTurn:]) != 0x107 || le.Uint32(page[StartupRoot:]) != s.Root ||
		le.Uint64(page[StartupEntry:]) != s.Entry || le.Uint64(page[StartupCPU:]) != s.CPU {
		t.Errorf("fields % x", page[StartupTurn:StartupCPU+8])
	}
	if StartupTurn%4 != 0 || StartupEntry%8 != 0 || StartupCPU%8 != 0 {
		t.Error("a field is not aligned")
	}
	for _, b := range page[startupGDTR+6:] {
		if b != 0 {
			t.Fatal("the page's rest is not cleared")
		}
	}
}

// TestStartupMoves checks that nothing but addresses depends on the page.
func TestStartupMoves(t *testing.T) {
	const distance = 0x9f000 - 0x1000
	var low, high [4096]byte
	s := startupSample
	s.Put(&high)
	s.Page = 0x1000
	s.Put(&low)
	le := binary.LittleEndian
	var moved []string
	for at := 0; at < len(low)-3; at++ {
		if le.Uint32(high[at:])-le.Uint32(low[at:]) == distance && low[at] == high[at] {
			moved = append(moved, fmt.Sprintf("%#x", le.Uint32(low[at:])))
			le.PutUint32(low[at:], le.Uint32(low[at:])+distance)
		}
	}
	if want := []string{"0x1040", "0x10e0", "0x10e4", "0x10a0", "0x1100"}; !slices.Equal(moved, want) {
		t.Errorf("moved %q, want %q", moved, want)
	}
	if low != high {
		t.Error("something else than addresses depends on the page")
	}
}

func TestStartupRefuses(t *testing.T) {
	for _, s := range []Startup{
		{Page: 1 << 20}, {Page: 0x8001}, {Page: 1<<32 + 0x8000}, {Page: 0x8000, Root: 0x1008},
	} {
		page := [4096]byte{1, 2, 3}
		if s.Put(&page) || page != [4096]byte{1, 2, 3} {
			t.Errorf("%+v is accepted", s)
		}
	}
	s := startupSample
	var page [4096]byte
	if n := testing.AllocsPerRun(10, func() { s.Put(&page) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestStartupTicket(t *testing.T) {
	for id, want := range map[uint32]uint32{0: 0x100, 7: 0x107, 0xff: 0x1ff, 0x1234: 0x134} {
		if got := StartupTicket(id); got != want {
			t.Errorf("ticket of %#x is %#x, want %#x", id, got, want)
		}
	}
}
