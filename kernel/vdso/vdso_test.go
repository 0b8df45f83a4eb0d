// SPDX-License-Identifier: Apache-2.0

package vdso

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"strings"
	"testing"

	"golang.org/x/arch/x86/x86asm"
)

func build(t *testing.T) *[PageSize]byte {
	t.Helper()
	var page [PageSize]byte
	page[100] = 0xff // what was there before goes
	Build(&page)
	return &page
}

// TestParsed reads the image as debug/elf and as Go's runtime do.
func TestParsed(t *testing.T) {
	page := build(t)
	f, err := elf.NewFile(bytes.NewReader(page[:]))
	if err != nil {
		t.Fatal(err)
	}
	if f.Type != elf.ET_DYN || f.Machine != elf.EM_X86_64 || len(f.Progs) != 2 {
		t.Errorf("%v %v, %d program headers", f.Type, f.Machine, len(f.Progs))
	}
	load := f.Progs[0]
	if load.Type != elf.PT_LOAD || load.Off != 0 || load.Vaddr != 0 || load.Filesz != PageSize || load.Flags != elf.PF_R|elf.PF_X {
		t.Errorf("load: %+v", load.ProgHeader)
	}
	value, size := lookup(t, page, f.Progs[1].Off)
	if value != codeAt || size < 40 || value+size > PageSize {
		t.Errorf("%s at %d, %d bytes", Symbol, value, size)
	}
}

// lookup finds the symbol by way of the dynamic section and its hash table.
func lookup(t *testing.T, page *[PageSize]byte, dynamic uint64) (value, size uint64) {
	t.Helper()
	le := binary.LittleEndian
	at := map[elf.DynTag]uint64{}
	for off := dynamic; ; off += 16 {
		tag := elf.DynTag(le.Uint64(page[off:]))
		if tag == elf.DT_NULL {
			break
		}
		at[tag] = le.Uint64(page[off+8:])
	}
	hash, symbols, names := at[elf.DT_HASH], at[elf.DT_SYMTAB], at[elf.DT_STRTAB]
	if le.Uint32(page[hash:]) != 1 || at[elf.DT_SYMENT] != 24 {
		t.Fatalf("dynamic section: %v", at)
	}
	for i := le.Uint32(page[hash+8:]); i != 0; i = le.Uint32(page[hash+12+4*uint64(i):]) {
		s := symbols + 24*uint64(i)
		name := page[names+uint64(le.Uint32(page[s:])) : names+at[elf.DT_STRSZ]]
		name = name[:bytes.IndexByte(name, 0)]
		if string(name) == Symbol && page[s+4] == 0x12 && le.Uint16(page[s+6:]) != 0 {
			return le.Uint64(page[s+8:]), le.Uint64(page[s+16:])
		}
	}
	t.Fatal("no symbol in the hash chain")
	return
}

// TestCode disassembles the function: what it loads from the data page, where
// its jumps land, and that it can't run on behind its end.
func TestCode(t *testing.T) {
	page := build(t)
	_, size := lookup(t, page, dynamicAt)
	starts := map[uint64]string{}
	var targets []uint64
	var loads []int64
	last := ""
	for pc := uint64(codeAt); pc < codeAt+size; {
		in, err := x86asm.Decode(page[pc:codeAt+size], 64)
		if err != nil {
			t.Fatalf("at %d: %v", pc, err)
		}
		last = strings.Fields(in.String())[0]
		starts[pc] = last
		pc += uint64(in.Len)
		for _, a := range in.Args {
			switch a := a.(type) {
			case x86asm.Rel:
				targets = append(targets, pc+uint64(int64(a)))
			case x86asm.Mem:
				if a.Base == x86asm.RIP {
					loads = append(loads, int64(pc)+int64(int32(a.Disp)))
				}
			}
		}
	}
	if last != "RET" {
		t.Errorf("ends with %s", last)
	}
	if want := []string{"LFENCE", "XOR", "MOV"}; len(targets) != 3 ||
		starts[targets[0]] != want[0] || starts[targets[1]] != want[2] || starts[targets[2]] != want[1] {
		t.Errorf("jumps land at %v", targets)
	}
	if len(loads) != 2 || loads[0] != scaleAt-PageSize || loads[1] != wallAt-PageSize {
		t.Errorf("reads data at %v", loads)
	}
}

func TestData(t *testing.T) {
	var page [PageSize]byte
	Data{Scale: 1 << 32, Wall: -2}.Put(&page)
	if page[4] != 1 || page[8] != 0xfe || page[15] != 0xff {
		t.Errorf("% x", page[:16])
	}
}
