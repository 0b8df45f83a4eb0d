// SPDX-License-Identifier: Apache-2.0

// Command modules writes, into the folder it is given, the measured programs
// that no compiler makes: hello.wasm, as small as a C compiler's; large.wasm of
// 20 MB, most of it code; tiny, an executable for the architecture it is given that
// only exits.
package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"

	"loam/test/wasm"
)

func main() {
	if len(os.Args) != 3 || targets[os.Args[2]].code == nil {
		fmt.Fprintln(os.Stderr, "usage: modules DIR amd64|riscv64")
		os.Exit(2)
	}
	const largeSize, largeSeed = 20_000_000, 1
	for name, data := range map[string][]byte{
		"hello.wasm": wasm.Hello(), "large.wasm": wasm.Large(largeSize, largeSeed), "tiny": tiny(targets[os.Args[2]]),
	} {
		if err := os.WriteFile(filepath.Join(os.Args[1], name), data, 0o755); err != nil {
			fmt.Fprintln(os.Stderr, "modules:", err)
			os.Exit(1)
		}
	}
}

// target is an architecture: its number in ELF files, and code that calls
// exit_group(0).
type target struct {
	machine uint16
	code    []byte
}

var targets = map[string]target{
	"amd64": {62, []byte{
		0xb8, 231, 0, 0, 0, // MOVL $231, AX
		0x31, 0xff, // XORL DI, DI
		0x0f, 0x05, // SYSCALL
	}},
	"riscv64": {243, []byte{
		0x93, 0x08, 0xe0, 0x05, // ADDI $94, ZERO, A7
		0x13, 0x05, 0x00, 0x00, // ADDI $0, ZERO, A0
		0x73, 0x00, 0x00, 0x00, // ECALL
	}},
}

// tiny is a static executable for Linux that only exits: the ELF header, one
// program header and the code, in one page.
func tiny(t target) []byte {
	const base, headers = 0x400000, 64 + 56
	size := uint64(headers + len(t.code))
	le := binary.LittleEndian
	b := []byte("\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	b = le.AppendUint16(b, 2) // executable
	b = le.AppendUint16(b, t.machine)
	b = le.AppendUint32(b, 1)
	b = le.AppendUint64(b, base+headers) // entry
	b = le.AppendUint64(b, 64)           // where the program headers are
	b = le.AppendUint64(b, 0)            // no sections
	b = le.AppendUint32(b, 0)
	for _, v := range []uint16{64, 56, 1, 64, 0, 0} { // sizes and counts
		b = le.AppendUint16(b, v)
	}
	b = le.AppendUint32(b, 1) // load
	b = le.AppendUint32(b, 5) // readable, executable
	for _, v := range []uint64{0, base, base, size, size, 4096} {
		b = le.AppendUint64(b, v)
	}
	return append(b, t.code...)
}
