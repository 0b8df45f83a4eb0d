// SPDX-License-Identifier: Apache-2.0

package mmode

import "unsafe"

// The stage runs with translation off: an address is a pointer.

func addressOf(s *stage) uint64 { return uint64(uintptr(unsafe.Pointer(s))) }

// stageAt views the stage whose address a hart keeps.
func stageAt(addr uint64) *stage { return (*stage)(unsafe.Add(unsafe.Pointer(nil), addr)) }

func bytesAt(addr, n uint64) []byte {
	return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(nil), addr)), n)
}

// stackEnd returns where the stack of hart i ends in the stage.
func stackEnd(i int) uint64 {
	return uint64(unsafe.Offsetof(stage{}.stacks)) + stackSize*uint64(i+1)
}

// The stage fits into its block.
const _ = stageSize - unsafe.Sizeof(stage{})

// Assembly code reads the words of these arrays at once.
const _ = -(unsafe.Offsetof(hart{}.wanted)%8 + unsafe.Offsetof(hart{}.done)%8)
