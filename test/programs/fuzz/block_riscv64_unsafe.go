// SPDX-License-Identifier: Apache-2.0

//go:build linux && riscv64

package main

import "unsafe"

// block is a worker's memory; asm_riscv64.s.
type block struct {
	Next    uint64 // address of the record
	End     uint64
	Signals uint64
	Exit    uint64 // number of the call at the end
	Now     uint64 // address of the record that is carried out
	First   uint64 // of the first one
	Rounds  uint64 // how often all of them are carried out again
	_       [25]uint64
	Frame   [frameSize]byte // the signal frame that came last, but for the vector state
}

const blockFrame = uint64(unsafe.Offsetof(block{}.Frame)) // a multiple of 16

const frameSize = 1088 // of struct rt_sigframe
