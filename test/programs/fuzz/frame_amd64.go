// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

// addresses gives those of the signal handler, of what it returns to, of
// where a worker takes its next record, and of where a started one begins.
func addresses() (handler, restorer, goOn, begin uintptr)

var handlerAddr, restorerAddr, goOnAddr, beginAddr = addresses()

// newAction is a struct sigaction.
func newAction(handler, flags, mask uint64) [4]uint64 {
	const hasRestorer = 0x04000000
	return [4]uint64{handler, flags | hasRestorer, uint64(restorerAddr), mask}
}

// forge has the worker return from a signal frame of its own making, most of
// which makes sense.
func (g *gen) forge() {
	const (
		frameSize = 440 // struct rt_sigframe; the ucontext is at 8
		ucStack   = 8 + 16
		ucRBX     = 8 + 128
		ucRSP     = 8 + 160
		ucRIP     = 8 + 168
		ucFlags   = 8 + 176
		ucCS      = 8 + 184 // and SS, which only Linux takes from there
		ucFPState = 8 + 224
		ucMask    = 8 + 296
		disable   = 2 // SS_DISABLE
	)
	addr := framesAddr + uint64(g.frames%(framesSize/512))*512
	g.frames++
	put := g.noise(mem(addr, frameSize))
	put(ucStack, g.block+altStack, 0, blockSize-altStack)
	put(ucRBX, g.block)
	put(ucRSP, g.block+stackTop)
	put(ucRIP, uint64(goOnAddr))
	put(ucFlags, g.Uint64())
	put(ucCS, 0x33|0x2b<<48)
	put(ucMask, 0)
	put(ucFPState, g.of(g.block+blockState, g.block+blockState, g.block+blockState, 0, g.address()))
	switch g.IntN(8) {
	case 0:
		put(ucRIP, g.value())
	case 1:
		put(ucRSP, g.value())
	case 2:
		put(ucMask, g.mask())
	case 3:
		put(ucStack, 0, disable, 0)
	}
	if g.IntN(2) == 0 { // a lie in the extended state that a handler got last
		g.add(record{Op: opCode, Args: [6]uint64{codeAddr, g.block + blockState + uint64(g.IntN(stateSize)), g.Uint64()}})
	}
	g.add(record{Op: opReturn, Args: [6]uint64{addr + 8}})
}
