// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

// addresses gives those of the signal handler, of where a worker takes its next
// record, and of where a started one begins. What a handler returns to is the kernel's.
func addresses() (handler, goOn, begin uintptr)

var handlerAddr, goOnAddr, beginAddr = addresses()

// newAction is a struct sigaction, and a word behind it.
func newAction(handler, flags, mask uint64) [4]uint64 {
	return [4]uint64{handler, flags, mask}
}

// forge has the worker return from a signal frame of its own making, most of
// which makes sense, or from the last that a handler got, with a lie in it.
func (g *gen) forge() {
	const (
		ucStack  = 128 + 16
		ucMask   = 128 + 40
		ucX      = 128 + 176 // registers by number; the program counter is in the place of the first
		ucSP     = ucX + 8*2
		ucS0     = ucX + 8*8
		reserved = ucX + 256 + 512 // the upper half is
		header   = ucX + 256 + 520 // of the first record of further state
		disable  = 2               // SS_DISABLE
		vectors  = 0x53465457 | 56<<32
		slot     = 2048
	)
	if g.IntN(4) == 0 {
		lie := g.block + blockFrame + uint64(g.IntN(frameSize))
		g.add(record{Op: opCode, Args: [6]uint64{codeAddr, lie, g.value()}})
		g.add(record{Op: opReturn, Args: [6]uint64{g.block + blockFrame}})
		return
	}
	addr := framesAddr + uint64(g.frames%(framesSize/slot))*slot
	g.frames++
	put := g.noise(mem(addr, slot))
	put(ucStack, g.block+altStack, 0, blockSize-altStack)
	put(ucX, uint64(goOnAddr))
	put(ucSP, g.block+stackTop)
	put(ucS0, g.block)
	put(ucMask, 0)
	put(reserved, uint64(g.Uint32()), 0)
	switch g.IntN(8) {
	case 0:
		put(ucX, g.value())
	case 1:
		put(ucSP, g.value())
	case 2:
		put(ucMask, g.mask())
	case 3:
		put(ucStack, 0, disable, 0)
	case 4:
		put(header, g.of(vectors, vectors, vectors+uint64(g.IntN(1<<16))<<32, 1<<32, g.value()))
		put(header+8+40, g.address())
	case 5:
		put(reserved, g.value())
	}
	g.add(record{Op: opReturn, Args: [6]uint64{addr}})
}
