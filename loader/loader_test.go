// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

type segment struct {
	kind, flags                        uint32
	offset, addr, filesz, memsz, align uint64
}

// file builds an ELF file: headers, then zeros up to size.
type file struct {
	kind, machine uint16
	entry         uint64
	segments      []segment
	size          int
	tail          string // put at 0x800
}

func sound() file {
	return file{typeExec, machineAMD64, 0x401010, []segment{
		{6, 4, 64, 0x400040, 0x150, 0x150, 8}, // PT_PHDR
		{1, 5, 0, 0x400000, 0x1800, 0x1800, 0x1000},
		{1, 6, 0x1800, 0x402800, 0x100, 0x9000, 0x1000},
		{7, 4, 0x1800, 0x402800, 0x10, 0x20, 8}, // PT_TLS
		{0x6474e551, 7, 0, 0, 0, 0, 16},         // PT_GNU_STACK, executable
		{1, 4, 0, 0x40c000, 0, 0, 0x1000},       // empty
	}, 0x2000, ""}
}

func (f file) bytes() []byte {
	le := binary.LittleEndian
	b := make([]byte, max(f.size, headerSize+len(f.segments)*progHeaderSize))
	copy(b, "\x7fELF\x02\x01\x01")
	le.PutUint16(b[16:], f.kind)
	le.PutUint16(b[18:], f.machine)
	le.PutUint32(b[20:], 1)
	le.PutUint64(b[24:], f.entry)
	le.PutUint64(b[32:], headerSize)
	le.PutUint16(b[52:], headerSize)
	le.PutUint16(b[54:], progHeaderSize)
	le.PutUint16(b[56:], uint16(len(f.segments)))
	for i, s := range f.segments {
		h := b[headerSize+i*progHeaderSize:]
		le.PutUint32(h, s.kind)
		le.PutUint32(h[4:], s.flags)
		for j, v := range []uint64{s.offset, s.addr, s.addr, s.filesz, s.memsz, s.align} {
			le.PutUint64(h[8+8*j:], v)
		}
	}
	if f.tail != "" {
		copy(b[0x800:], f.tail)
	}
	return b
}

func TestSound(t *testing.T) {
	var img Image
	if err := Check(sound().bytes(), TargetFor(AMD64), &img); err != nil {
		t.Fatal(err)
	}
	if img.SegmentCount != 2 || img.Entry != 0x401010 || img.Relocatable || img.Align != PageSize {
		t.Errorf("%+v", img)
	}
	if img.HeaderAddr != 0x400040 || img.HeaderCount != 6 || img.HeaderSize != 56 {
		t.Errorf("program headers: %#x, %d of %d", img.HeaderAddr, img.HeaderCount, img.HeaderSize)
	}
	if img.Low() != 0x400000 || img.High() != 0x40c000 {
		t.Errorf("%#x to %#x", img.Low(), img.High())
	}
	want := Segment{0x402800, 0x9000, 0x1800, 0x100, Read | Write}
	if img.Segments[1] != want {
		t.Errorf("%+v", img.Segments[1])
	}
}

func TestRefused(t *testing.T) {
	const top = ^uint64(0)
	edit := func(f func(*file)) []byte {
		x := sound()
		x.segments = append([]segment(nil), x.segments...)
		f(&x)
		return x.bytes()
	}
	poke := func(off int, v ...byte) []byte {
		b := sound().bytes()
		copy(b[off:], v)
		return b
	}
	add := func(s segment) []byte { return edit(func(f *file) { f.segments = append(f.segments, s) }) }
	for _, c := range []struct {
		name string
		b    []byte
		want Code
		text string
	}{
		{"empty", nil, Empty, "is empty"},
		{"text", []byte("hello"), NotELF, "is not an ELF file, not a static linux/amd64 program"},
		{"script", []byte("#!/bin/sh\n"), NotELF, "is a script, not a static linux/amd64 program"},
		{"wasm", []byte("\x00asm\x01\x00\x00\x00"), NotELF, "is a WebAssembly module,"},
		{"magic cut", []byte("\x7fEL"), NotELF, "is a truncated file"},
		{"ident cut", sound().bytes()[:10], Truncated, "is truncated"},
		{"header cut", sound().bytes()[:40], Truncated, "is truncated"},
		{"table cut", sound().bytes()[:100], Truncated, "is truncated"},
		{"segment cut", sound().bytes()[:0x1850], Truncated, "is truncated"},
		{"32 bits", poke(4, 1), Not64Bit, "is a 32-bit program for amd64"},
		{"big endian", poke(5, 2), BigEndian, "is a big-endian program"},
		{"class", poke(4, 7), BadHeader, "has a corrupted ELF header"},
		{"version", poke(6, 7), BadHeader, ""},
		{"FreeBSD", poke(7, 9), WrongSystem, "is a program for FreeBSD, not Linux: build with GOOS=linux"},
		{"other system", poke(7, 77), WrongSystem, "is a program for another operating system"},
		{"arm64", edit(func(f *file) { f.machine = 183 }), WrongMachine, "is for arm64, not amd64"},
		{"riscv64", edit(func(f *file) { f.machine = machineRISCV }), WrongMachine, "is for riscv64, not amd64"},
		{"machine", edit(func(f *file) { f.machine = 999 }), WrongMachine, "is for an unknown processor (ELF machine 999), not amd64"},
		{"object", edit(func(f *file) { f.kind = typeRelocatable }), NotExecutable, "is an object file"},
		{"core", edit(func(f *file) { f.kind = typeCore }), NotExecutable, "is a core dump"},
		{"kind", edit(func(f *file) { f.kind = 9 }), BadHeader, ""},
		{"no table", poke(56, 0, 0), NoSegments, "has no segments to load"},
		{"endless table", poke(56, 0xff, 0xff), TooManySegments, ""},
		{"table size", poke(54, 32), BadHeader, ""},
		{"table wraps", poke(32, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), Truncated, ""},
		{"nothing loadable", edit(func(f *file) { f.segments = f.segments[:1] }), NoSegments, ""},
		{"dynamic", edit(func(f *file) {
			f.segments = append(f.segments, segment{kind: segInterp, offset: 0x800, filesz: 28})
			f.tail = "/lib64/ld-linux-x86-64.so.2\x00"
		}), Dynamic, "needs the dynamic linker /lib64/ld-linux-x86-64.so.2: build with CGO_ENABLED=0"},
		{"dynamic, hostile path", edit(func(f *file) {
			f.segments = append(f.segments, segment{kind: segInterp, offset: 0x800, filesz: top})
			f.tail = "\x1b[2J\n\x00"
		}), Dynamic, "needs the dynamic linker ?[2J?: build"},
		{"dynamic, no path", edit(func(f *file) {
			f.segments = append(f.segments, segment{kind: segInterp, offset: top, filesz: top})
		}), Dynamic, "needs the dynamic linker : build"},
		{"library", edit(func(f *file) {
			f.kind = typeDyn
			f.segments = append(f.segments, segment{kind: segDynamic, offset: 0x800, filesz: 0x100})
			f.tail = "\x05" + strings.Repeat("\x00", 15) + "\x01"
		}), SharedLibrary, "is a shared library"},
		{"file above memory", add(segment{1, 6, 0, 0x500000, 0x101, 0x100, 0}), BadSegment, "has a corrupted segment"},
		{"file above empty memory", add(segment{1, 6, 0, 0x500000, 1, 0, 0}), BadSegment, ""},
		{"offset wraps", add(segment{1, 6, top &^ 0xfff, 0x500000, 0x2000, 0x2000, 0}), BadSegment, ""},
		{"offset beyond", add(segment{1, 6, 0x100000, 0x500000, 0x10, 0x10, 0}), Truncated, ""},
		{"address wraps", add(segment{1, 6, 0, 0x500000, 0, top, 0}), OutOfRange, ""},
		{"page zero", add(segment{1, 6, 0, 0, 0x10, 0x10, 0}), OutOfRange, ""},
		{"low", add(segment{1, 6, 0, 0xf000, 0x10, 0x10, 0}), OutOfRange, "(0x10000 to 0x7ffffffff000)"},
		{"last page", add(segment{1, 6, 0, 0x7fffffffe000, 0, 0x1001, 0}), OutOfRange, ""},
		{"kernel", add(segment{1, 6, 0, 0xffffffff80000000, 0x10, 0x10, 0}), OutOfRange, ""},
		{"top", add(segment{1, 6, 0, top, 0, 1, 0}), OutOfRange, ""},
		{"misaligned", add(segment{1, 6, 0x10, 0x500000, 0x10, 0x10, 0}), Misaligned, ""},
		{"odd alignment", add(segment{1, 6, 0, 0x500000, 0x10, 0x10, 0x1001}), BadSegment, ""},
		{"write and execute", add(segment{1, 7, 0, 0x500000, 0x10, 0x10, 0}), WriteExecute, ""},
		{"same place", add(segment{1, 6, 0, 0x400000, 0x10, 0x10, 0}), Overlap, ""},
		{"same page", add(segment{1, 6, 0xff0, 0x3ffff0, 0x11, 0x11, 0}), Overlap, ""},
		{"around", add(segment{1, 4, 0, 0x100000, 0, 0x1000000, 0}), Overlap, "has overlapping segments"},
		{"entry in data", edit(func(f *file) { f.entry = 0x402800 }), BadEntry, "starts outside"},
		{"entry nowhere", edit(func(f *file) { f.entry = 0 }), BadEntry, ""},
		{"entry behind text", edit(func(f *file) { f.entry = 0x401800 }), BadEntry, ""},
		{"seventeen", edit(func(f *file) {
			for i := range uint64(MaxSegments - 1) {
				f.segments = append(f.segments, segment{1, 4, 0, 0x1000000 + i<<12, 0, 8, 0})
			}
		}), TooManySegments, "has more than 16 segments"},
	} {
		var img Image
		err := Check(c.b, TargetFor(AMD64), &img)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
			continue
		}
		if text := err.Error(); !strings.Contains(text, c.text) || strings.Contains(text, "\n") {
			t.Errorf("%s: text %q, want %q", c.name, text, c.text)
		}
	}
}

func TestTargets(t *testing.T) {
	f := sound()
	f.machine = machineRISCV
	var img Image
	if code := Parse(f.bytes(), TargetFor(RISCV64), &img); code != OK {
		t.Error(code)
	}
	f.segments = append(f.segments, segment{1, 6, 0, 0x3000000000, 0, 1, 0})
	if code := Parse(f.bytes(), TargetFor(RISCV64), &img); code != OutOfRange {
		t.Error(code)
	}
	f.machine = machineAMD64
	if code := Parse(f.bytes(), TargetFor(AMD64), &img); code != OK {
		t.Error(code)
	}
}

func TestStaticPIE(t *testing.T) {
	f := file{kind: typeDyn, machine: machineAMD64, entry: 0x1000, size: 0x3000, segments: []segment{
		{1, 6, 0x2000, 0x202000, 0x100, 0x200, 0x200000}, // out of order
		{1, 5, 0, 0, 0x2000, 0x2000, 0x200000},
		{kind: segDynamic, offset: 0x2000, filesz: 0x100},
	}}
	var img Image
	if err := Check(f.bytes(), TargetFor(AMD64), &img); err != nil {
		t.Fatal(err)
	}
	if !img.Relocatable || img.Align != 0x200000 || img.Low() != 0 || img.High() != 0x203000 || img.HeaderAddr != 64 {
		t.Errorf("%+v", img)
	}
	f.segments[0].addr = 0x7fffffe00000
	f.segments[0].offset = 0x2000
	if code := Parse(f.bytes(), TargetFor(AMD64), &img); code != OutOfRange {
		t.Errorf("an image that fits nowhere: %v", code)
	}
}

func TestAllocatesNothing(t *testing.T) {
	b := sound().bytes()
	var img Image
	if n := testing.AllocsPerRun(100, func() { Parse(b, TargetFor(AMD64), &img) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestRealProgram builds a program the way users do.
func TestRealProgram(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program")
	}
	dir := t.TempDir()
	src, out := filepath.Join(dir, "main.go"), filepath.Join(dir, "main")
	if err := os.WriteFile(src, []byte("package main\n\nfunc main() { println(1) }\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "build", "-o", out, src)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOOS=linux", "GOARCH=amd64")
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, msg)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var img Image
	if err := Check(b, TargetFor(AMD64), &img); err != nil {
		t.Error(err)
	}
	if err := Check(b, TargetFor(RISCV64), &img); !errors.Is(err, WrongMachine) {
		t.Error(err)
	}
}

// FuzzParse checks that whatever is accepted keeps the promises of Image, and
// that the standard library sees the same segments.
func FuzzParse(f *testing.F) {
	f.Add(sound().bytes())
	g := sound()
	g.kind = typeDyn
	f.Add(g.bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		target := TargetFor(AMD64)
		var img Image
		if err := Check(b, target, &img); err != nil {
			if strings.ContainsAny(err.Error(), "\n\x1b") || err.Error() == "" {
				t.Fatalf("text %q", err.Error())
			}
			return
		}
		low := target.Low
		if img.Relocatable {
			low = 0
		}
		last := low
		for _, s := range img.Segments[:img.SegmentCount] {
			if s.FirstPage() < last || s.End() > target.High || s.End() <= s.Addr || s.FileSize > s.MemSize ||
				s.FileSize > 0 && (s.Offset+s.FileSize > uint64(len(b)) || s.Offset%PageSize != s.Addr%PageSize) {
				t.Fatalf("accepted %+v", s)
			}
			last = s.EndPage()
		}
		e, err := elf.NewFile(bytes.NewReader(b))
		if err != nil {
			return // it looks at sections as well
		}
		n := 0
		for _, p := range e.Progs {
			if p.Type == elf.PT_LOAD && p.Memsz > 0 {
				n++
			}
		}
		if n != img.SegmentCount || e.Entry != img.Entry {
			t.Fatalf("%d segments, debug/elf has %d", img.SegmentCount, n)
		}
	})
}
