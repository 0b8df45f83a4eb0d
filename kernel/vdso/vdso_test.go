// SPDX-License-Identifier: Apache-2.0

package vdso

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"slices"
	"testing"
)

// images are both architectures' images and what Linux's have.
var images = []struct {
	build   func(*[PageSize]byte)
	machine elf.Machine
	version string
	names   []string
}{
	{BuildAMD64, elf.EM_X86_64, "LINUX_2.6", []string{"__vdso_clock_gettime"}},
	{BuildRISCV64, elf.EM_RISCV, "LINUX_4.15", []string{"__vdso_rt_sigreturn", "__vdso_gettimeofday", "__vdso_clock_gettime",
		"__vdso_clock_getres", "__vdso_getcpu", "__vdso_flush_icache", "__vdso_riscv_hwprobe"}},
}

func build(t *testing.T, put func(*[PageSize]byte)) *[PageSize]byte {
	t.Helper()
	var page [PageSize]byte
	page[100] = 0xff // what was there before goes
	put(&page)
	return &page
}

// TestParsed reads the images as debug/elf and as programs do.
func TestParsed(t *testing.T) {
	for _, im := range images {
		page := build(t, im.build)
		f, err := elf.NewFile(bytes.NewReader(page[:]))
		if err != nil {
			t.Fatal(err)
		}
		if f.Type != elf.ET_DYN || f.Machine != im.machine || len(f.Progs) != 2 {
			t.Errorf("%v %v, %d program headers", f.Type, f.Machine, len(f.Progs))
		}
		load := f.Progs[0]
		if load.Type != elf.PT_LOAD || load.Off != 0 || load.Vaddr != 0 || load.Filesz != PageSize || load.Flags != elf.PF_R|elf.PF_X {
			t.Errorf("load: %+v", load.ProgHeader)
		}
		if d := f.Progs[1]; d.Type != elf.PT_DYNAMIC || d.Off != dynamicAt || d.Vaddr != d.Off {
			t.Errorf("dynamic: %+v", d.ProgHeader)
		}
		type function struct{ at, size uint64 }
		var functions []function
		for _, name := range im.names {
			at, size := lookup(t, page, im.version, name)
			functions = append(functions, function{at, size})
		}
		slices.SortFunc(functions, func(a, b function) int { return int(a.at) - int(b.at) })
		end := uint64(codeAt)
		for _, f := range functions {
			if f.at != end || f.size == 0 {
				t.Errorf("%v: a function at %d, the one before ends at %d", im.machine, f.at, end)
			}
			end = f.at + f.size
		}
		if end > PageSize {
			t.Errorf("%v: ends at %d", im.machine, end)
		}
		if _, ok := find(t, page, im.version, "__vdso_time"); ok {
			t.Error("a name that isn't there was found")
		}
		if _, ok := find(t, page, "LINUX_1.0", im.names[0]); ok {
			t.Error("a version that isn't there was found")
		}
	}
}

// dynamic gives the dynamic section.
func dynamic(page *[PageSize]byte) map[elf.DynTag]uint64 {
	at := map[elf.DynTag]uint64{}
	for off := dynamicAt; ; off += 16 {
		tag := elf.DynTag(binary.LittleEndian.Uint64(page[off:]))
		if tag == elf.DT_NULL {
			return at
		}
		at[tag] = binary.LittleEndian.Uint64(page[off+8:])
	}
}

// cstring gives a string by its offset in the string table.
func cstring(t *testing.T, page *[PageSize]byte, at map[elf.DynTag]uint64, offset uint32) string {
	t.Helper()
	table := page[at[elf.DT_STRTAB]:][:at[elf.DT_STRSZ]]
	if table[len(table)-1] != 0 || uint64(offset) >= at[elf.DT_STRSZ] {
		t.Fatalf("string %d of a table of %d bytes", offset, len(table))
	}
	s, _, _ := bytes.Cut(table[offset:], []byte{0})
	return string(s)
}

// elfHash is the hash function of the System V ABI, chapter 5.
func elfHash(s string) (h uint32) {
	for i := range len(s) {
		h = h<<4 + uint32(s[i])
		g := h & 0xf000_0000
		h = (h ^ g>>24) &^ g
	}
	return h
}

// versionNumber finds a version's number among the definitions, 0 for none.
func versionNumber(t *testing.T, page *[PageSize]byte, at map[elf.DynTag]uint64, version string) uint16 {
	t.Helper()
	le := binary.LittleEndian
	found := uint16(0)
	def := at[elf.DT_VERDEF]
	for i := uint64(1); ; i++ {
		name := cstring(t, page, at, le.Uint32(page[def+uint64(le.Uint32(page[def+12:])):]))
		if le.Uint32(page[def+8:]) != elfHash(name) || le.Uint16(page[def:]) != 1 || le.Uint16(page[def+6:]) != 1 {
			t.Errorf("definition of %q: % x", name, page[def:def+20])
		}
		if base := le.Uint16(page[def+2:]) == 1; base && name != cstring(t, page, at, uint32(at[elf.DT_SONAME])) {
			t.Errorf("the file's name is %q", name)
		} else if !base && name == version {
			found = le.Uint16(page[def+4:])
		}
		next := uint64(le.Uint32(page[def+16:]))
		if next == 0 {
			if i != at[elf.DT_VERDEFNUM] {
				t.Errorf("%d definitions, %d promised", i, at[elf.DT_VERDEFNUM])
			}
			return found
		}
		def += next
	}
}

// find finds a function by way of the dynamic section, the definitions of
// versions and the hash table; what a program may rely on holds.
func find(t *testing.T, page *[PageSize]byte, version, name string) (function [2]uint64, ok bool) {
	t.Helper()
	le := binary.LittleEndian
	at := dynamic(page)
	number := versionNumber(t, page, at, version)
	if got := cstring(t, page, at, uint32(at[elf.DT_SONAME])); got != "linux-vdso.so.1" {
		t.Errorf("is called %q", got)
	}
	hash := page[at[elf.DT_HASH]:]
	if at[elf.DT_SYMENT] != 24 || le.Uint32(hash) != 1 {
		t.Fatalf("dynamic section: %v", at)
	}
	seen := 0
	for i := uint64(le.Uint32(hash[8:])); i != 0; i = uint64(le.Uint32(hash[12+4*i:])) {
		if seen++; seen > int(le.Uint32(hash[4:])) {
			t.Fatal("the hash chain doesn't end")
		}
		s := page[at[elf.DT_SYMTAB]+24*i:]
		of := le.Uint16(page[at[elf.DT_VERSYM]+2*i:])
		if cstring(t, page, at, le.Uint32(s)) == name && s[4] == 0x12 && le.Uint16(s[6:]) != 0 && of == number {
			function, ok = [2]uint64{le.Uint64(s[8:]), le.Uint64(s[16:])}, true
		}
	}
	return function, ok
}

func lookup(t *testing.T, page *[PageSize]byte, version, name string) (at, size uint64) {
	t.Helper()
	f, ok := find(t, page, version, name)
	if !ok {
		t.Fatalf("no %s of %s in the hash chain", name, version)
	}
	return f[0], f[1]
}

func TestData(t *testing.T) {
	var page [PageSize]byte
	Data{Scale: 1 << 32, Wall: -2}.Put(&page)
	if page[4] != 1 || page[8] != 0xfe || page[15] != 0xff {
		t.Errorf("% x", page[:16])
	}
}
