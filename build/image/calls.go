// SPDX-License-Identifier: Apache-2.0

package image

import (
	"debug/elf"
	"encoding/binary"
	"sort"
	"strings"
)

// On RISC-V the kernel's own Go runtime can't make system calls by ECALL: in
// supervisor mode that is a call of the firmware. So the image step makes each
// ECALL of the packages below an EBREAK of four bytes (Go's assembler has only the
// compressed one for breakpoints), which traps to the kernel under any firmware.
// The kernel's own calls of the firmware are in other packages and stay.

// callers are the packages of Go's that make system calls.
var callers = []string{"runtime", "internal/runtime/", "syscall", "internal/syscall/"}

const (
	ecall  = 0x00000073 // unprivileged specification, chapter 24
	ebreak = 0x00100073
)

// function is a stretch of text with a name.
type function struct {
	name       string
	start, end uint64
}

// rewriteCalls returns the text segment with calls rewritten, and how many there
// were.
func rewriteCalls(f *elf.File, text *segment) ([]byte, int, error) {
	functions, err := textFunctions(f, text)
	if err != nil {
		return nil, 0, err
	}
	data := append([]byte(nil), text.data...)
	n := 0
	for _, fn := range functions {
		if !isCaller(fn.name) {
			continue
		}
		for at := fn.start; at < fn.end; {
			off := at - text.addr
			half := binary.LittleEndian.Uint16(data[off:])
			size, ok := instructionSize(half)
			if !ok || at+size > fn.end {
				return nil, 0, errorf("%s: at %#x is no instruction (%#x)", fn.name, at, half)
			}
			if size == 4 && binary.LittleEndian.Uint32(data[off:]) == ecall {
				binary.LittleEndian.PutUint32(data[off:], ebreak)
				n++
			}
			at += size
		}
	}
	if n == 0 {
		return nil, 0, errorf("no system call of Go's runtime found: a kernel without its runtime?")
	}
	return data, n, nil
}

// instructionSize tells the length of an instruction by its first half-word
// (unprivileged specification, section 1.5): false for more than 32 bits. 0, which
// is illegal and pads, has two bytes.
func instructionSize(half uint16) (uint64, bool) {
	switch {
	case half&3 != 3:
		return 2, true
	case half&0x1c != 0x1c:
		return 4, true
	}
	return 0, false
}

// textFunctions lists the functions of the text, each up to where the padding
// before the next begins.
func textFunctions(f *elf.File, text *segment) ([]function, error) {
	symbols, err := f.Symbols()
	if err != nil {
		return nil, errorf("symbol table: %w (build without -ldflags=-s)", err)
	}
	var list []function
	for _, s := range symbols {
		end := s.Value + s.Size
		if elf.ST_TYPE(s.Info) != elf.STT_FUNC || s.Size == 0 {
			continue
		}
		if s.Value < text.addr || end < s.Value || end > text.addr+uint64(len(text.data)) || s.Value%2 != 0 {
			return nil, errorf("function %s at %#x, size %#x, leaves the text", s.Name, s.Value, s.Size)
		}
		list = append(list, function{s.Name, s.Value, end})
	}
	sort.Slice(list, func(i, j int) bool { return list[i].start < list[j].start })
	for i := range list[:max(len(list), 1)-1] {
		if list[i].end > list[i+1].start && list[i].start != list[i+1].start {
			return nil, errorf("functions %s and %s overlap", list[i].name, list[i+1].name)
		}
	}
	return list, nil
}

// isCaller reports whether a function is of a package that makes system calls.
func isCaller(name string) bool {
	dir := strings.LastIndexByte(name, '/') + 1
	dot := strings.IndexByte(name[dir:], '.')
	if dot < 0 {
		return false
	}
	pkg := name[:dir+dot]
	for _, c := range callers {
		if pkg == c || strings.HasSuffix(c, "/") && strings.HasPrefix(pkg, c) {
			return true
		}
	}
	return false
}
