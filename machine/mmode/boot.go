// SPDX-License-Identifier: Apache-2.0

package mmode

import (
	"sync/atomic"

	"loam/machine/fdt"
)

// state tells how far the stage is. It lies in the image, and is not 0, so that it
// isn't in .bss: the loader writes it at each reset, and memory behind the image may
// be left from before.
var state uint32 = stateFresh

const (
	stateTaken = 1 << iota // a hart is at boot
	stateReady             // and has done it
	stateFresh             // none of both: the value in the image
)

// boot reads the devicetree and makes the stage, on one hart. s is zero but for its
// stacks, of which boot uses all.
//
//loam:trap stack.riscv64=65472
func boot(s *stage, hart, tree, entry uint64) {
	p := place{hart: hart, tree: tree, entry: entry, stage: addressOf(s)}
	if tree == 0 || tree%8 != 0 {
		die(trouble{"the loader gave no devicetree: its address is ", tree})
	}
	size, code := fdt.Size(bytesAt(tree, fdt.HeaderSize))
	var info fdt.Info
	if code == fdt.OK {
		p.size = size
		code = fdt.Read(bytesAt(tree, size), &info)
	}
	if info.UART.Size != 0 {
		console = deviceOf(&info.UART)
	}
	if info.Test.Size != 0 {
		finisher = info.Test.Start
	}
	if code != fdt.OK {
		dieOfTree(code, tree)
	}
	if t := s.prepare(&p, &info); t.what != "" {
		die(t)
	}
	s.server.ID = readID()
	atomic.OrUint32(&state, stateReady)
	for i := range s.harts[:min(s.count, maxHarts)] {
		store32(s.harts[i].soft, 1)
	}
}

// dieOfTree ends the machine because of a devicetree.
func dieOfTree(code fdt.Code, tree uint64) {
	console.writeString("loam: machine mode: ")
	console.writeString(code.String())
	console.writeString(" at ")
	console.writeHex(tree)
	console.writeString("\r\n")
	finish(finishFail | statusFailed<<16)
}
