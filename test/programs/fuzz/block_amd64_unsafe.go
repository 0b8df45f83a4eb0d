// SPDX-License-Identifier: Apache-2.0

//go:build linux && amd64

package main

import "unsafe"

// block is a worker's memory; asm_amd64.s.
type block struct {
	Next    uint64 // address of the record
	End     uint64
	Signals uint64
	Exit    uint64 // number of the call at the end
	Now     uint64 // address of the record that is carried out
	First   uint64 // of the first one
	Rounds  uint64 // how often all of them are carried out again
	_       [25]uint64
	Frame   [512]byte // the signal frame that came last
	_       [128]byte
	State   [stateSize]byte // its extended state
}

const blockState = uint64(unsafe.Offsetof(block{}.State)) // a multiple of 64

const stateSize = 840
