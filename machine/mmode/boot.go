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
	stateFresh             // none of these: the value in the image
	stateRuns              // a hart has left for supervisor mode
)

const maxTree = 1<<56 - fdt.MaxSize // its last address: physical ones have 56 bits

// boot reads the devicetree and makes the stage, on one hart. s is zero but for its
// stacks, of which boot uses all.
//
//loam:trap stack.riscv64=65472
func boot(s *stage, hart, tree, entry uint64) {
	p := place{hart: hart, tree: tree, entry: entry, stage: addressOf(s)}
	if tree == 0 || tree%8 != 0 || tree > maxTree {
		die(trouble{"the loader gave no devicetree: its address is ", tree})
	}
	size, code := fdt.Size(bytesAt(tree, fdt.HeaderSize))
	var info fdt.Info
	if code == fdt.OK {
		p.size = size
		code = fdt.Read(bytesAt(tree, size), &info)
	}
	if d := consoleOf(&info); d.base != 0 && code != fdt.BadDevice {
		console = d
		console.start()
	}
	if info.Test.Size != 0 && code != fdt.BadDevice {
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

// await is for the hart that was at boot, if the stage doesn't have it: another is to
// be the first in supervisor mode, which may be there in the devicetree alone.
//
//loam:trap stack.riscv64=960
func await(s *stage) {
	if s.clock == 0 || s.count == maxHarts {
		return // nothing measures time, or the stack is the last hart's
	}
	for begin := load64(s.clock); load64(s.clock)-begin < s.patience; {
		if atomic.LoadUint32(&state)&stateRuns != 0 {
			return
		}
	}
	die(trouble{"the hart that runs is not in the devicetree, and none comes that is, such as hart ", s.harts[0].id})
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
