// SPDX-License-Identifier: Apache-2.0

// Command modules writes, into the folder it is given, the measured programs
// that no compiler makes: hello.wasm, as small as a C compiler's; large.wasm of
// 20 MB, most of it code; tiny, an executable that only exits.
package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"

	"loam/test/wasm"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: modules DIR")
		os.Exit(2)
	}
	const largeSize, largeSeed = 20_000_000, 1
	for name, data := range map[string][]byte{
		"hello.wasm": wasm.Hello(), "large.wasm": wasm.Large(largeSize, largeSeed), "tiny": tiny(),
	} {
		if err := os.WriteFile(filepath.Join(os.Args[1], name), data, 0o755); err != nil {
			fmt.Fprintln(os.Stderr, "modules:", err)
			os.Exit(1)
		}
	}
}

// tiny is a static linux/amd64 executable that calls exit_group(0): the ELF
// header, one program header and the code, in one page.
func tiny() []byte {
	const base, headers = 0x400000, 64 + 56
	code := []byte{
		0xb8, 231, 0, 0, 0, // MOVL $231, AX
		0x31, 0xff, // XORL DI, DI
		0x0f, 0x05, // SYSCALL
	}
	size := uint64(headers + len(code))
	le := binary.LittleEndian
	b := []byte("\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	b = le.AppendUint16(b, 2)  // executable
	b = le.AppendUint16(b, 62) // x86-64
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
	return append(b, code...)
}
