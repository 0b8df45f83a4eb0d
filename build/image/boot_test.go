// SPDX-License-Identifier: Apache-2.0

package image

import (
	"encoding/binary"
	"strings"
	"testing"

	"golang.org/x/arch/x86/x86asm"

	"loam/machine/bootinfo"
)

const testEntry = 0xffffffff80212345

func testBoot() []byte {
	return bootSegment(&bootinfo.ImageHeader{Magic: bootinfo.ImageMagic}, testEntry)
}

// translation is what a walk of the early tables gives.
type translation struct {
	phys              uint64
	write, exec, user bool
	ok                bool
}

// walk translates a virtual address the way the CPU does (SDM vol. 3A, 4.5),
// through tables that lie in the boot segment b.
func walk(b []byte, va uint64) translation {
	t := translation{write: true, exec: true, user: true, ok: true}
	table := uint64(BootAddr + pml4Off)
	for shift := 39; ; shift -= 9 {
		if table < BootAddr || table >= BootAddr+bootSize {
			return translation{}
		}
		e := binary.LittleEndian.Uint64(b[table-BootAddr+va>>shift&511*8:])
		if e&1 == 0 {
			return translation{}
		}
		t.write = t.write && e&2 != 0
		t.user = t.user && e&4 != 0
		t.exec = t.exec && e>>63 == 0
		if shift == 12 || e&0x80 != 0 {
			size := uint64(1) << shift
			t.phys = e&0x000ffffffffff000&^(size-1) | va&(size-1)
			return t
		}
		table = e & 0x000ffffffffff000
	}
}

func TestEarlyTables(t *testing.T) {
	b := testBoot()
	const gib = 1 << 30
	for _, c := range []struct {
		base, size uint64
		exec       bool
	}{
		{0, 4 * gib, true},
		{0xffff800000000000, 4 * gib, false},
		{0xffffffff80000000, gib, true},
	} {
		for off := uint64(0); off < c.size; off += 1 << 21 {
			for _, d := range []uint64{0, 0x12345, 1<<21 - 1} {
				got := walk(b, c.base+off+d)
				if want := (translation{off + d, true, c.exec, false, true}); got != want {
					t.Fatalf("%#x translates to %+v, want %+v", c.base+off+d, got, want)
				}
			}
		}
	}
	for _, va := range []uint64{
		4 * gib, 1 << 39, 0x7fffffffffff, 0xffff800000000000 + 4*gib, 0xffffc00000000000,
		0xffffffff80000000 - 1, 0xffffffff80000000 + gib, 1<<64 - 1,
	} {
		if got := walk(b, va); got.ok {
			t.Errorf("%#x translates to %+v, want nothing", va, got)
		}
	}
}

func TestEarlyGDT(t *testing.T) {
	b := testBoot()
	le := binary.LittleEndian
	if limit, base := le.Uint16(b[gdtrOff:]), le.Uint32(b[gdtrOff+2:]); limit != 23 || base != 0x100080 {
		t.Errorf("LGDT operand: limit %d, base %#x", limit, base)
	}
	const present, code, long, big, writeOrRead = 1 << 47, 1 << 43, 1 << 53, 1 << 54, 1 << 41
	if d := le.Uint64(b[gdtOff:]); d != 0 {
		t.Errorf("null descriptor is %#x", d)
	}
	c := le.Uint64(b[gdtOff+8:])
	if c&present == 0 || c&code == 0 || c&long == 0 || c&big != 0 || c>>45&3 != 0 {
		t.Errorf("code descriptor %#x is not 64-bit code of ring 0", c)
	}
	d := le.Uint64(b[gdtOff+16:])
	if d&present == 0 || d&code != 0 || d&writeOrRead == 0 || d>>45&3 != 0 {
		t.Errorf("data descriptor %#x is not writable data of ring 0", d)
	}
}

// The trampoline's bytes, disassembled, must be the program that boot.go's
// comments describe.
func TestTrampoline(t *testing.T) {
	code := trampoline(testEntry)
	want := []string{
		"cli", "cld", "mov edi, ebx",
		"mov eax, 0x80000000", "cpuid", "cmp eax, 0x80000001", "jb refuse",
		"mov eax, 0x80000001", "cpuid", "and edx, 0x20100000", "cmp edx, 0x20100000", "jz go",
		"refuse: mov esi, 0x100300", "jmp next",
		"wait: mov ah, al", "mov ecx, 0x10000",
		"poll: mov dx, 0x3fd", "in al, dx", "test al, 0x20", "jnz send", "loop poll",
		"send: mov al, ah", "mov dx, 0x3f8", "out dx, al",
		"next: lodsb byte ptr [esi]", "test al, al", "jnz wait",
		"mov eax, 0x11", "mov dx, 0xf4", "out dx, eax",
		"halt: hlt", "jmp halt",
		"go: mov eax, 0x101000", "mov cr3, eax", "mov eax, 0x20", "mov cr4, eax",
		"mov ecx, 0xc0000080", "rdmsr", "or eax, 0x901", "wrmsr",
		"mov eax, cr0", "and eax, 0x9fffffff", "or eax, 0x80010000", "mov cr0, eax",
		"lgdt ptr [0x100098]", "ljmp 0x8:long",
		"long: mov eax, 0x10", "mov ds, ax", "mov es, ax", "mov ss, ax", "mov fs, ax", "mov gs, ax",
		"mov edi, edi", "mov rsi, -0x7ff00000", "mov rax, -0x7fdedcbb", "jmp rax",
	}
	got := disassemble(t, code, want)
	for i := range max(len(got), len(want)) {
		var g, w string
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			t.Fatalf("instruction %d is %q, want %q", i, g, w)
		}
	}
	b := testBoot()
	if s, _, _ := strings.Cut(string(b[messageOff:tablesOff]), "\x00"); s != noLongMode {
		t.Errorf("message is %q", s)
	}
}

// disassemble turns code into lines with the labels of want, matched by
// position, and checks that each jump goes to its label.
func disassemble(t *testing.T, code []byte, want []string) []string {
	t.Helper()
	labels := make(map[uint64]string)
	for pass := range 2 {
		var lines []string
		mode, pc := 32, uint64(BootAddr+codeOff)
		for rest := code; len(rest) > 0; {
			in, err := x86asm.Decode(rest, mode)
			if err != nil {
				t.Fatalf("at %#x: %v", pc, err)
			}
			next := pc + uint64(in.Len)
			line := x86asm.IntelSyntax(in, pc, func(a uint64) (string, uint64) {
				if l, ok := labels[a]; ok && in.Op != x86asm.MOV {
					return l, a
				}
				return "", 0
			})
			if in.Op == x86asm.LJMP {
				line = "ljmp 0x8:" + labels[uint64(uint32(in.Args[1].(x86asm.Imm)))]
				mode = 64
			}
			if n := len(lines); pass == 0 && n < len(want) {
				if l, _, ok := strings.Cut(want[n], ": "); ok {
					labels[pc] = l
				}
			}
			if l, ok := labels[pc]; ok {
				line = l + ": " + line
			}
			lines = append(lines, line)
			rest, pc = rest[in.Len:], next
		}
		if pass == 1 {
			return lines
		}
	}
	return nil
}
