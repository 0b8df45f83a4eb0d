// SPDX-License-Identifier: Apache-2.0

// Package code reads the machine code of a static Go program for amd64 or
// riscv64: its functions from the ELF symbol table, their instructions, how control flows
// inside each, where it leaves to, and how deep each pushes the stack.
//
// It reads what the processor will run rather than the source or the
// compiler's notes, so that inlining, wrappers, write barriers, the
// assembler's prologues and hand-written code all count as they are. The
// rejected alternative, the compiler's -m and -S output, says nothing of
// assembly and changes its wording between releases. Functions are decoded
// only when a proof reaches them, which keeps a check of a whole kernel well
// below a second.
//
// Encodings are those of Intel's Software Developer's Manual (SDM), volume 2,
// 325383-083: appendix B for legacy instructions, through x86asm, and
// sections 2.3 and 2.7 for the VEX and EVEX prefixes, decoded here. Those of
// RISC-V are its Instruction Set Manual's, volume I version 20191213 through
// riscv64asm, and volume II version 20211203.
package code

import (
	"debug/elf"
	"debug/gosym"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
)

// Func is one function of the image.
type Func struct {
	Name string // linker symbol, with an ABI suffix when it has one
	Addr uint64 // of the first instruction
	Size uint64 // in bytes
}

// Image is a linked program. It is not safe for concurrent use.
type Image struct {
	// Ends tells the functions, by symbol, behind whose calls the compiler
	// puts nothing that runs. Set it before the first Body; nil: none.
	Ends func(symbol string) bool
	// Arch is what it runs on: "amd64" or "riscv64".
	Arch string

	funcs  []Func // by address
	names  map[string]*Func
	vars   map[string]Func // data symbols
	areas  []area
	lines  *gosym.Table // nil when the image has no line table
	bodies map[*Func]*Body
}

// area is a run of bytes that the image loads.
type area struct {
	addr uint64
	data []byte
}

// Open reads the ELF file at path.
func Open(path string) (*Image, error) {
	f, err := elf.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	im, err := read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return im, nil
}

// read builds an Image from an open ELF file.
func read(f *elf.File) (*Image, error) {
	arch, ok := arches[f.Machine]
	if !ok || f.Class != elf.ELFCLASS64 {
		return nil, fmt.Errorf("is for %v, %v: neither amd64 nor riscv64", f.Machine, f.Class)
	}
	im := newImage(arch)
	for _, p := range f.Progs {
		if p.Type != elf.PT_LOAD || p.Filesz == 0 {
			continue
		}
		data := make([]byte, p.Filesz)
		if _, err := p.ReadAt(data, 0); err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("segment at %#x: %w", p.Vaddr, err)
		}
		im.areas = append(im.areas, area{p.Vaddr, data})
	}
	syms, err := f.Symbols()
	if err != nil {
		return nil, fmt.Errorf("symbols: %w (was it linked with -s?)", err)
	}
	for _, s := range syms {
		fn := Func{s.Name, s.Value, s.Size}
		switch {
		case s.Size == 0 || s.Section == elf.SHN_UNDEF:
		case elf.ST_TYPE(s.Info) == elf.STT_FUNC:
			im.funcs = append(im.funcs, fn)
		case elf.ST_TYPE(s.Info) == elf.STT_OBJECT:
			im.vars[s.Name] = fn
		}
	}
	im.index()
	im.lines = lineTable(f, syms)
	return im, nil
}

// arches are the architectures whose code is known here.
var arches = map[elf.Machine]string{elf.EM_X86_64: "amd64", elf.EM_RISCV: "riscv64"}

// newImage returns an image with nothing in it.
func newImage(arch string) *Image {
	return &Image{Arch: arch, names: map[string]*Func{}, vars: map[string]Func{}, bodies: map[*Func]*Body{}}
}

// index sorts the functions and makes them findable.
func (im *Image) index() {
	slices.SortFunc(im.funcs, func(a, b Func) int {
		if a.Addr < b.Addr {
			return -1
		} else if a.Addr > b.Addr {
			return 1
		}
		return 0
	})
	for i := range im.funcs {
		im.names[im.funcs[i].Name] = &im.funcs[i]
	}
}

// lineTable returns the table from addresses to source lines, nil if there is
// none: findings then name functions only.
func lineTable(f *elf.File, syms []elf.Symbol) *gosym.Table {
	sec := f.Section(".gopclntab")
	text := f.Section(".text")
	if sec == nil || text == nil {
		return nil
	}
	data, err := sec.Data()
	if err != nil {
		return nil
	}
	start := text.Addr
	for _, s := range syms {
		if s.Name == "runtime.text" {
			start = s.Value
		}
	}
	table, err := gosym.NewTable(nil, gosym.NewLineTable(data, start))
	if err != nil {
		return nil
	}
	return table
}

// decode reads the instruction at the start of code, which lies at pc.
func (im *Image) decode(code []byte, pc uint64) (Insn, error) {
	if im.Arch == "riscv64" {
		return decodeRISCV(code, pc)
	}
	return decodeAMD64(code, pc)
}

// CallSize returns how many bytes a call itself puts on the stack: the return
// address, which RISC-V keeps in a register.
func (im *Image) CallSize() int {
	if im.Arch == "riscv64" {
		return 0
	}
	return 8
}

// Lookup returns the function with exactly this symbol, or nil.
func (im *Image) Lookup(symbol string) *Func { return im.names[symbol] }

// Match returns the functions whose symbols satisfy ok, in address order.
func (im *Image) Match(ok func(symbol string) bool) []*Func {
	var out []*Func
	for i := range im.funcs {
		if ok(im.funcs[i].Name) {
			out = append(out, &im.funcs[i])
		}
	}
	return out
}

// At returns the function that contains addr, or nil.
func (im *Image) At(addr uint64) *Func {
	i := sort.Search(len(im.funcs), func(i int) bool { return im.funcs[i].Addr > addr })
	if i == 0 {
		return nil
	}
	f := &im.funcs[i-1]
	if addr-f.Addr >= f.Size {
		return nil
	}
	return f
}

// Line returns the source position of the instruction at pc, as the compiler
// recorded it; inlined code has the position it was written at.
func (im *Image) Line(pc uint64) (file string, line int) {
	if im.lines == nil {
		return "", 0
	}
	file, line, fn := im.lines.PCToLine(pc)
	if fn == nil {
		return "", 0
	}
	return file, line
}

// bytes returns n bytes at addr, or nil if the file does not hold them all.
func (im *Image) bytes(addr, n uint64) []byte {
	for _, a := range im.areas {
		if addr >= a.addr && addr-a.addr < uint64(len(a.data)) && uint64(len(a.data))-(addr-a.addr) >= n {
			off := addr - a.addr
			return a.data[off : off+n]
		}
	}
	return nil
}

// Table returns the functions that the function values in the variable with
// this symbol lead to, as the linker laid them out, each once. A function
// value points to a word that points to code; other words are skipped.
func (im *Image) Table(symbol string) ([]*Func, error) {
	v, ok := im.vars[symbol]
	if !ok {
		return nil, fmt.Errorf("no variable %s in the image", symbol)
	}
	data := im.bytes(v.Addr, v.Size)
	if data == nil {
		return nil, fmt.Errorf("%s has no contents in the image: it is filled at run time", symbol)
	}
	var out []*Func
	for ; len(data) >= 8; data = data[8:] {
		word := im.bytes(le64(data), 8)
		if word == nil {
			continue
		}
		if f := im.At(le64(word)); f != nil && f.Addr == le64(word) && !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s holds no function values", symbol)
	}
	return out, nil
}

// le64 reads a little-endian word.
func le64(b []byte) uint64 {
	var v uint64
	for i := 7; i >= 0; i-- {
		v = v<<8 | uint64(b[i])
	}
	return v
}
