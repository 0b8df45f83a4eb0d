// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

// Pieces of code: a few instructions that a program may not or should not
// execute, with numbers and addresses of any kind, then a breakpoint, whose handler
// has the worker go on. The second argument's register holds an address or a number
// when a piece starts.

// fillCode makes the pieces of code.
func (g *gen) fillCode() {
	for at := uint64(codeAddr); at < codeAddr+codeSize; at += pieceSize {
		code := []byte{}
		for len(code) < 12 || g.IntN(2) == 0 && len(code) < 60 {
			code = append(code, g.instructions()...)
		}
		if at == codeAddr {
			code = poke
		}
		b := mem(at, pieceSize)
		for i := copy(b, code); i < len(b); i++ {
			b[i] = breakpoint[i%len(breakpoint)]
		}
	}
}
