// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"encoding/binary"
	"encoding/hex"
)

// What stands behind a piece of code: INT3.
var breakpoint = []byte{0xcc}

// poke is the first piece: it stores DX at SI, where an address or a number is when a
// piece starts.
var poke = []byte{0x48, 0x89, 0x16}

// A snippet is machine code in hexadecimal, in which Q is 8 bytes of a number,
// D 4 random bytes and B one.
var snippets = []string{
	"48b8Q f3480faed8", "48b8Q f3480faed0", // WRGSBASE, WRFSBASE
	"f3480faec8", "f3480faec0", // RDGSBASE, RDFSBASE
	"9c 48810c24D 9d", "9c 48812424D 9d", "68D 9d", // flags
	"9c 810c2400010000 9d 0f05", "9c 810c2400010000 9d cc", // single step, into a call
	"9c 810c2400440000 9d 0f05", "9c 810c2400440400 9d f4", // NT, DF, AC
	"68D 0fae1424", "68801f0000 0fae1424", "6800000000 0fae1424 0f54c0 0f5ec0", // MXCSR
	"dbe3", "66682503 d92c24 d9e8 d9ee def9 9b", "d9c0 d9e0 9b", // x87
	"66b8B00 8ed8", "66b8B00 8ec0", "66b8B00 8ee0", "66b8B00 8ee8", "66b8B00 8ed0", // selectors
	"8cd0 8ed0 cc", "8cd0 8ed0 0f05", "9c 810c2400010000 9d 8cd0 8ed0 0f05", // MOV SS and what follows
	"6aB 68D 48cb", "48b8Q 6aB 50 48cb", // far return
	"6aB 54 68D 6aB 68D 48cf", "68D 48b8Q 50 68D 68D 50 48cf", "4889e0 6aB 50 9c 68D 50 48cf", // IRET
	"48b8Q 48890424 66c74424081b00 ff2c24", "48b8Q 48890424 66c7442408B00 48ff2c24", // far jump
	"cdB", "cd80", "f1", "cc", "ce", "cd02", "cd08", "cd0e", "cd20", "cd30", // INT n
	"0f34", "0f35", "480f35", "0f07", "480f07", "b8D 0f05", "48b8Q 0f05", // SYSENTER, SYSCALL
	"f4", "fa", "fb", "e4B", "e6B", "ec", "ee", "66ba e900 90 ee", "6c", "6e", // privileged
	"b9800000c0 0f32", "b9820000c0 0f30", "b9D 0f32", "b9D 0f30", // RDMSR, WRMSR
	"0f20c0", "0f22c0", "0f20d8", "0f22d8", "0f22e0", "0f23c0", "0f23f8", "0f06", "0f09", "0f08",
	"0f0100", "0f0108", "0f010e", "0f0110", "0f0118", "0f0000", "0f0008", "0f00d0", "0f00d8", "0f013e", "0f01e0", "0f01f0",
	"0f01f8", "0f01f9", "0f01c1", "0f01d9", "0f01c8", "0f01c9", "0f01ca", "0f01cb", "0f01d0", "0f01d1", "0f01ee", "0f01ef",
	"31c9 0f01d0", "31c9 b8D 31d2 0f01d1", "b8D 31c9 0fa2", "0f31", "0f33", "31c9 0f33", "0faef0", "f30fc7f8", "0fc7f0",
	"48b8Q ffe0", "48b8Q ffd0", "48b8Q 50 c3", // jumps
	"48bcQ 50", "48bcQ 0f05", "48bcQ cc", "48bcQ f4", "48bdQ c9", // stack pointers
	"488b06", "488906", "48b8Q 488b00", "48b8Q 488900", "48a1Q", "48a3Q", "48b8Q f348ab", "fd f3a4", // memory
	"48c1ee06 48c1e606 480fae2e", "48c1ee06 48c1e606 b8ffffffff 89c2 0fae2e", "48c1ee04 48c1e604 0fae0e", // XRSTOR
	"48c1ee06 48c1e606 b8ffffffff 89c2 0fae26", "48c1ee06 48c1e606 b8ffffffff 89c2 0fae36", // XSAVE
	"c5fc77", "c5ec57d2", "c4e27d18 0e", "c5fc28d1", // AVX
	"eb fe", "31c0 f7f0", "0f0b", "0f18B D", "D", "D D", "B D B", "D D D", // loops, faults, anything
	"31ff b818000000 0f05", "b827000000 0f05", // calls
	"f0480fc70e", "0f01 17", "660fc700", "9a D D", "ea D D",
}

// instructions gives some of those that a program may not or should not execute.
func (g *gen) instructions() []byte { return g.assemble(snippets[g.IntN(len(snippets))]) }

// assemble fills in a snippet's numbers.
func (g *gen) assemble(s string) (out []byte) {
	for i := 0; i < len(s); {
		switch s[i] {
		case ' ':
			i++
		case 'Q':
			out = binary.LittleEndian.AppendUint64(out, g.value())
			i++
		case 'D':
			out = binary.LittleEndian.AppendUint32(out, g.Uint32())
			i++
		case 'B':
			out = append(out, byte(g.IntN(256)))
			i++
		default:
			b, err := hex.DecodeString(s[i : i+2])
			if err != nil {
				panic(s)
			}
			out = append(out, b...)
			i += 2
		}
	}
	return out
}
