// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bytes"
	"debug/elf"
)

// parse reads and checks the linker's ELF.
func parse(linked []byte) (*kernel, error) {
	f, err := elf.NewFile(bytes.NewReader(linked))
	if err != nil {
		return nil, errorf("not readable as ELF: %w", err)
	}
	switch {
	case f.Class != elf.ELFCLASS64 || f.Data != elf.ELFDATA2LSB:
		return nil, errorf("is %v %v, want 64-bit little-endian", f.Class, f.Data)
	case f.Machine != elf.EM_X86_64 && f.Machine != elf.EM_RISCV:
		return nil, errorf("is for %v, want %v or %v (build with GOARCH=amd64 or riscv64)", f.Machine, elf.EM_X86_64, elf.EM_RISCV)
	case f.Type != elf.ET_EXEC:
		return nil, errorf("is %v, want %v (build without -buildmode=pie)", f.Type, elf.ET_EXEC)
	}
	k := &kernel{file: f}
	if err := k.load(f, linked); err != nil {
		return nil, err
	}
	k.rt0 = f.Entry
	if !k.inText(k.rt0) {
		return nil, errorf("entry %#x lies outside the text segment", k.rt0)
	}
	return k, k.findStart(f)
}

// load takes the three PT_LOAD segments that Go's linker makes.
func (k *kernel) load(f *elf.File, linked []byte) error {
	names := [...]string{"text", "read-only data", "data"}
	flags := [...]elf.ProgFlag{elf.PF_R | elf.PF_X, elf.PF_R, elf.PF_R | elf.PF_W}
	n, floor := 0, uint64(lowestAddr)
	for _, p := range f.Progs {
		switch p.Type {
		case elf.PT_INTERP, elf.PT_DYNAMIC:
			return errorf("is dynamically linked (%v present): build with CGO_ENABLED=0", p.Type)
		case elf.PT_LOAD:
		default:
			continue
		}
		if n == len(names) {
			return errorf("has more than %d PT_LOAD segments", n)
		}
		if p.Flags != flags[n] {
			return errorf("segment %d is %v, want %v (%s)", n, p.Flags, flags[n], names[n])
		}
		s, err := checkSegment(p, linked, names[n], floor)
		if err != nil {
			return err
		}
		k.segments[n] = s
		floor = s.end()
		n++
	}
	if n < len(names) {
		return errorf("has %d PT_LOAD segments, want %d: text, read-only data, data", n, len(names))
	}
	return nil
}

// checkSegment checks one PT_LOAD, which must begin at floor or above.
func checkSegment(p *elf.Prog, linked []byte, name string, floor uint64) (segment, error) {
	size := uint64(len(linked))
	switch {
	case p.Vaddr%pageSize != 0:
		return segment{}, errorf("%s segment at %#x is not page-aligned", name, p.Vaddr)
	case p.Vaddr < floor && floor == lowestAddr:
		return segment{}, errorf("%s segment at %#x is below %#x: link with -ldflags '"+TextFlag+"'",
			name, p.Vaddr, uint64(lowestAddr))
	case p.Vaddr < floor:
		return segment{}, errorf("%s segment at %#x overlaps the one before it, which ends at %#x",
			name, p.Vaddr, floor)
	case p.Vaddr >= imageLimit || p.Memsz > imageLimit-p.Vaddr:
		return segment{}, errorf("%s segment at %#x, size %#x, leaves the image's 1 GiB, which ends at %#x",
			name, p.Vaddr, p.Memsz, uint64(imageLimit))
	case p.Memsz == 0:
		return segment{}, errorf("%s segment at %#x is empty", name, p.Vaddr)
	case p.Filesz > p.Memsz:
		return segment{}, errorf("%s segment has %#x bytes in the file but %#x in memory",
			name, p.Filesz, p.Memsz)
	case p.Off > size || p.Filesz > size-p.Off:
		return segment{}, errorf("%s segment at offset %#x, size %#x, leaves the file of %#x bytes (truncated?)",
			name, p.Off, p.Filesz, size)
	}
	return segment{p.Vaddr, p.Memsz, linked[p.Off : p.Off+p.Filesz], p.Flags}, nil
}

func (k *kernel) inText(addr uint64) bool {
	t := &k.segments[0]
	return addr >= t.addr && addr-t.addr < uint64(len(t.data))
}

// findStart sets k.start from the symbol table. When Go code refers to an
// assembly function, the linker names the function itself NAME.abi0 and gives
// NAME to a wrapper with Go's register calling convention, which needs a g;
// without such a reference the function is NAME.
func (k *kernel) findStart(f *elf.File) error {
	symbols, err := f.Symbols()
	if err != nil {
		return errorf("symbol table: %w (build without -ldflags=-s)", err)
	}
	found := false
	for _, s := range symbols {
		exact := s.Name == StartSymbol+".abi0"
		if (exact || s.Name == StartSymbol && !found) && elf.ST_TYPE(s.Info) == elf.STT_FUNC {
			k.start, found = s.Value, true
		}
		if exact {
			break
		}
	}
	if !found {
		return errorf("has no function %s: the kernel's 64-bit entry is missing, or nothing refers to it and the linker dropped it", StartSymbol)
	}
	if !k.inText(k.start) {
		return errorf("%s at %#x lies outside the text segment", StartSymbol, k.start)
	}
	return nil
}
