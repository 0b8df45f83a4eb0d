// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"loam/machine/bootinfo"
)

// stubRISCV is a kernel whose entry writes, with no stack, "ok" and how it was
// started, to the UART of QEMU's virt, and ends the machine with status 5 by the
// test finisher.
const stubRISCV = `#include "textflag.h"

TEXT ·start(SB), NOSPLIT|NOFRAME, $0
	MOV  $0x10000000, X6
	MOV  $0x6f, X7
	MOVB X7, (X6)
	MOV  $0x6b, X7
	MOVB X7, (X6)
	AUIPC $0, X8 // in which of its first 2 MiB does it lie?
	SRL  $21, X8
	AND  $1, X8
	ADD  $0x30, X8
	MOVB X8, (X6)
	MOV  $0x100000, X6
	MOV  $0x53333, X7 // fail, status 5
	MOVW X7, (X6)
halt:
	JMP  halt
`

// TestBootRISCV boots the image of a stub kernel with firmware and without.
func TestBootRISCV(t *testing.T) {
	img, err := Build(linkFor(t, "riscv64", "machine/metal/start_riscv64.s", stubRISCV))
	if err != nil {
		t.Fatal(err)
	}
	checkCalls(t, img)
	qemu, err := exec.LookPath("qemu-system-riscv64")
	if err != nil {
		t.Skip(err)
	}
	kernel := filepath.Join(t.TempDir(), "kernel")
	if err := os.WriteFile(kernel, img, 0o644); err != nil {
		t.Fatal(err)
	}
	for bios, want := range map[string]string{"none": "ok0", "default": "ok1"} {
		t.Run(bios, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			out, err := exec.CommandContext(ctx, qemu, "-M", "virt", "-accel", "tcg", "-m", "32", "-bios", bios, "-kernel", kernel,
				"-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-serial", "stdio").Output()
			exit, _ := err.(*exec.ExitError)
			if exit == nil || exit.ExitCode() != 5 || !strings.HasSuffix(string(out), want) {
				t.Errorf("%v with output %q, want exit status 5 with %q at its end", err, out, want)
			}
		})
	}
}

// checkCalls wants no ECALL left in an image that has only Go's.
func checkCalls(t *testing.T, img []byte) {
	t.Helper()
	var h bootinfo.ImageHeader
	if !h.Decode(img[flatHeaderOff:]) {
		t.Fatal("no header")
	}
	found := map[uint32]int{}
	for off := pageSize; off < int(h.TextEnd-h.TextStart); off += 2 {
		found[binary.LittleEndian.Uint32(img[off:])]++
	}
	if found[ebreak] < 20 {
		t.Errorf("%d calls rewritten", found[ebreak])
	}
	if found[ecall] != 0 {
		t.Errorf("%d calls not rewritten", found[ecall])
	}
}

// goodRISCV is good for RISC-V: what calls are rewritten in is in its text.
func goodRISCV() *linkedELF {
	l := good()
	l.header.Machine = uint16(elf.EM_RISCV)
	return l
}

// code puts instructions at an address of the text of an ELF as bytes makes it.
func code(b []byte, at uint64, words ...uint32) {
	for i, w := range words {
		binary.LittleEndian.PutUint32(b[at-testText+4*uint64(i):], w)
	}
}

func TestFlat(t *testing.T) {
	l := goodRISCV()
	l.symbols = []symbol{
		{name: StartSymbol, kind: elf.STT_FUNC, addr: testStart, size: 8},
		{name: "runtime.exit", kind: elf.STT_FUNC, addr: TextAddr + 0x100, size: 14},
		{name: "loam/machine/metal.firmware", kind: elf.STT_FUNC, addr: TextAddr + 0x140, size: 4},
		{name: "internal/runtime/syscall/linux.Syscall6.abi0", kind: elf.STT_FUNC, addr: TextAddr + 0x180, size: 8},
		{name: "runtimex.f", kind: elf.STT_FUNC, addr: TextAddr + 0x1c0, size: 4},
	}
	b := l.bytes()
	code(b, TextAddr+0x100, 0x00730001, 0x00730000, 0x00730000, 0) // c.nop, ecall, ecall askew, padding
	code(b, TextAddr+0x140, ecall)
	code(b, TextAddr+0x180, 0x00000013, ecall)
	code(b, TextAddr+0x1c0, ecall)
	img, err := Build(b)
	if err != nil {
		t.Fatal(err)
	}
	at := func(addr uint64) uint32 { return binary.LittleEndian.Uint32(img[addr-testText:]) }
	for addr, want := range map[uint64]uint32{TextAddr + 0x102: ebreak, TextAddr + 0x106: ebreak, TextAddr + 0x140: ecall,
		TextAddr + 0x184: ebreak, TextAddr + 0x180: 0x13, TextAddr + 0x1c0: ecall} {
		if got := at(addr); got != want {
			t.Errorf("at %#x: %#x, want %#x", addr, got, want)
		}
	}
	var h bootinfo.ImageHeader
	if !h.Decode(img[flatHeaderOff:]) || h.Entry != testRt0 || h.TextStart != testText || h.DataStart != testData ||
		h.ImageStart != 0 || h.ImageEnd != testData+3*pageSize-testText ||
		h.StageStart != bootinfo.StageSize || h.StageEnd != 2*bootinfo.StageSize {
		t.Errorf("header %+v", h)
	}
	if len(img) != int(testData+0x100-testText) || string(img[flatMagic:flatMagic+5]) != "RISCV" ||
		string(img[flatMagic2:flatMagic2+4]) != "RSC\x05" || binary.LittleEndian.Uint64(img[flatSize:]) != h.ImageEnd {
		t.Errorf("image of %#x bytes", len(img))
	}
	if !bytes.Equal(img[testRodata-testText:][:0x800], b[0x2000:0x2800]) || !bytes.Equal(img[testData-testText:], b[0x3000:0x3100]) {
		t.Error("content is not in its place")
	}
}

// TestFarJump computes where the two instructions lead.
func TestFarJump(t *testing.T) {
	for _, distance := range []uint64{0, 4, 0x7fe, 0x800, 0xffe, 0x1000, 0x17fe, 0x1800, 0x12345678, 0x7ffff7fe} {
		auipc, jalr := farJump(distance)
		if auipc&0xfff != 5<<7|0x17 || jalr&0xfffff != 5<<15|0x67 {
			t.Errorf("%#x: %#x, %#x", distance, auipc, jalr)
		}
		if got := int64(int32(auipc&^0xfff)) + int64(int32(jalr)>>20); got != int64(distance) {
			t.Errorf("leads to %#x, want %#x", got, distance)
		}
	}
}

func TestFlatErrors(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*linkedELF)
		want   string
	}{
		"no calls":    {func(*linkedELF) {}, "no system call"},
		"beyond text": {func(l *linkedELF) { l.symbols[1].size = 1 << 20 }, "leaves the text"},
		"overlap":     {func(l *linkedELF) { l.symbols = append(l.symbols, symbol{"x.y", elf.STT_FUNC, testStart + 2, 4}) }, "overlap"},
		"long": {func(l *linkedELF) {
			l.symbols = append(l.symbols, symbol{"runtime.x", elf.STT_FUNC, TextAddr + 0x100, 64})
		}, "no instruction"},
		"far data":       {func(l *linkedELF) { l.progs[3].Vaddr += 128 << 20 }, "at most 64"},
		"in first page":  {func(l *linkedELF) { l.header.Entry = testText + 8 }, "first page"},
		"text elsewhere": {func(l *linkedELF) { l.progs[1].Vaddr += pageSize; l.progs[1].Filesz, l.progs[1].Memsz = 0x900, 0x900 }, "text segment at"},
	} {
		l := goodRISCV()
		l.symbols[1].size = 8
		c.change(l)
		b := l.bytes()
		copy(b[TextAddr+0x100-testText:], bytes.Repeat([]byte{0xff}, 64))
		if _, err := Build(b); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
