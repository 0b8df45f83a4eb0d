// SPDX-License-Identifier: Apache-2.0

package code

import (
	"bytes"
	"debug/elf"
	"fmt"
	"os"

	"loam/tools/check/finding"
)

// pageSize is the granularity of protection, in bytes.
const pageSize = 4096

// trampolineAddr is where the boot trampoline's segment lies, the one that
// may be writable and executable at once: the processor enters it with paging
// off, and the kernel never maps it afterwards (docs/checks.md).
const (
	trampolineAddr = 1 << 20
	trampolineSize = 64 << 10 // at most, in bytes
)

// A flat image, for RISC-V, has no segments: the kernel maps the ranges that its header
// names (machine/bootinfo, ImageHeader).
const (
	flatHeader = 0x80               // where it begins
	flatMagic  = 0x31474d494d414f4c // its first word
	flatRanges = flatHeader + 2*8   // first and last address of text, rodata and data
)

// WX reports the load segments of the kernel at path, an ELF file or a flat image, that
// are writable and executable at once, by themselves or by sharing a page with another.
func WX(path string) ([]finding.Finding, error) {
	segs, err := segments(path)
	if err != nil {
		return nil, err
	}
	var out []finding.Finding
	for _, text := range checkWX(segs) {
		out = append(out, finding.Finding{File: path, Rule: "wx", Text: text})
	}
	return out, nil
}

// segments returns the load segments of the kernel at path.
func segments(path string) ([]elf.ProgHeader, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if segs := flatSegments(data); segs != nil {
		return segs, nil
	}
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var segs []elf.ProgHeader
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD && p.Memsz > 0 {
			segs = append(segs, p.ProgHeader)
		}
	}
	return segs, nil
}

// flatSegments returns the ranges of a flat image as segments, nil if it is none.
func flatSegments(data []byte) []elf.ProgHeader {
	flags := []elf.ProgFlag{elf.PF_R | elf.PF_X, elf.PF_R, elf.PF_R | elf.PF_W}
	if len(data) < flatRanges+len(flags)*16 || le64(data[flatHeader:]) != flatMagic {
		return nil
	}
	var segs []elf.ProgHeader
	for i, f := range flags {
		start, end := le64(data[flatRanges+16*i:]), le64(data[flatRanges+16*i+8:])
		segs = append(segs, elf.ProgHeader{Type: elf.PT_LOAD, Flags: f, Vaddr: start, Memsz: end - start})
	}
	return segs
}

// checkWX returns one line for each breach among the load segments.
func checkWX(segs []elf.ProgHeader) []string {
	var out []string
	for i, s := range segs {
		if isTrampoline(s) {
			continue
		}
		if s.Memsz == 0 || s.Vaddr+s.Memsz-1 < s.Vaddr {
			out = append(out, fmt.Sprintf("the segment at %#x has no bytes", s.Vaddr))
			continue
		}
		if s.Flags&elf.PF_W != 0 && s.Flags&elf.PF_X != 0 {
			out = append(out, fmt.Sprintf("the segment at %#x is writable and executable; split it", s.Vaddr))
		}
		for _, o := range segs[i+1:] {
			if (s.Flags|o.Flags)&(elf.PF_W|elf.PF_X) == elf.PF_W|elf.PF_X && s.Flags != o.Flags && sharePage(s, o) && !isTrampoline(o) {
				out = append(out, fmt.Sprintf("the segments at %#x and %#x share a page, one writable, one executable; align them to %d bytes",
					s.Vaddr, o.Vaddr, pageSize))
			}
		}
	}
	return out
}

// isTrampoline reports whether s is the boot trampoline.
func isTrampoline(s elf.ProgHeader) bool {
	return s.Paddr == trampolineAddr && s.Memsz <= trampolineSize
}

// sharePage reports whether two segments have a page in common.
func sharePage(a, b elf.ProgHeader) bool {
	first := func(s elf.ProgHeader) uint64 { return s.Vaddr / pageSize }
	last := func(s elf.ProgHeader) uint64 { return (s.Vaddr + s.Memsz - 1) / pageSize }
	return first(a) <= last(b) && first(b) <= last(a)
}
