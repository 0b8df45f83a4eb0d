// SPDX-License-Identifier: Apache-2.0

package wasmrv64

// hostFrame is the size of an import stub's frame.
const hostFrame = 16

// trapStub is where traps go: t0 is the exit, t1 the place. The registers are
// lost.
func (l *linker) trapStub() {
	l.trap = l.pos()
	l.leave()
}

// leave goes to Go: t0 is the exit, t1 the info.
func (l *linker) leave() {
	l.store(I64, t0, ctxReg, 8*CtxExit)
	l.store(I64, t1, ctxReg, 8*CtxInfo)
	l.store(I64, sp, ctxReg, 8*CtxSP)
	l.load(I64, ra, ctxReg, 8*CtxGoRA)
	l.load(I64, sp, ctxReg, 8*CtxGoSP)
	l.i(iJALR, zero, ra, 0)
}

// exitStub is where code goes that wants to come back behind its call of this.
func (l *linker) exitStub() {
	l.im.Exit = uint32(l.pos())
	l.store(I64, ra, ctxReg, 8*CtxRA)
	for i, r := range localInts {
		l.store(I64, r, ctxReg, 8*int64(CtxSavedInt+i))
	}
	for i, r := range localFloats {
		l.store(F64, r, ctxReg, 8*int64(CtxSavedFloat+i))
	}
	l.leave()
}

// resumeStub is where Go enters, with ctxReg set, to bring code back.
func (l *linker) resumeStub() {
	l.im.Resume = uint32(l.pos())
	l.enter()
	for i, r := range localInts {
		l.load(I64, r, ctxReg, 8*int64(CtxSavedInt+i))
	}
	for i, r := range localFloats {
		l.load(F64, r, ctxReg, 8*int64(CtxSavedFloat+i))
	}
	l.load(I64, ra, ctxReg, 8*CtxRA)
	l.i(iJALR, zero, ra, 0)
}

// enter loads the registers that all code expects.
func (l *linker) enter() {
	l.load(I64, sp, ctxReg, 8*CtxSP)
	l.load(I64, memBase, ctxReg, 8*CtxMemory)
	l.load(I64, memEnd, ctxReg, 8*CtxMemoryEnd)
}

// far makes a jump to another part.
func (l *linker) far(through, link reg, what target, index uint32) {
	l.relocs = append(l.relocs, reloc{l.pos(), what, index})
	l.word(iAUIPC | rd(through))
	l.i(iJALR, link, through, 0)
}

// hostStub is the code of an imported function: it leaves for Go, with the
// arguments in the area.
func (l *linker) hostStub(index int, t FuncType) {
	area := 8 * int64(l.lay.Area)
	l.i(iADDI, sp, sp, -hostFrame)
	l.store(I64, ra, sp, hostFrame-8)
	for i, r := range argRegs(t.Params) {
		if r != 0 {
			l.store(t.Params[i], r, ctxReg, area+8*int64(i))
		}
	}
	l.li(t0, int64(ExitHost))
	l.li(t1, int64(index))
	l.far(ra, ra, toExit, 0)
	if len(t.Results) == 1 {
		l.load(t.Results[0], resultReg(t.Results[0]), ctxReg, area)
	}
	l.load(I64, ra, sp, hostFrame-8)
	l.i(iADDI, sp, sp, hostFrame)
	l.i(iJALR, zero, ra, 0)
}

// thunk is where Go enters to call a function of a type: with the arguments in
// the area, where the results will be.
func (l *linker) thunk(t FuncType) {
	area := 8 * int64(l.lay.Area)
	l.enter()
	for i, r := range argRegs(t.Params) {
		if r != 0 {
			l.load(t.Params[i], r, ctxReg, area+8*int64(i))
		}
	}
	l.load(I64, t1, ctxReg, 8*CtxTarget)
	l.i(iJALR, ra, t1, 0)
	if len(t.Results) == 1 {
		l.store(t.Results[0], resultReg(t.Results[0]), ctxReg, area)
	}
	l.li(t0, int64(ExitDone))
	l.leave()
}

// Subroutines.
const (
	stubBits = iota // clz, ctz and popcnt of 64 bits, then of 32
	stubCopy = iota + 5
	stubFill
	stubs
)

// bitStubs are the subroutines for clz, ctz and popcnt of 64 bits and then of
// 32: from t0 to t0, with t1 and addrReg lost.
func (l *linker) bitStubs() {
	for i := range stubCopy {
		l.stubs[stubBits+i] = l.pos()
		narrow := i >= 3
		switch {
		case narrow && i != 4:
			l.i(iSLLI, t0, t0, 32)
			l.i(iSRLI, t0, t0, 32)
		case narrow: // a bit above ends the count of trailing zeros
			l.i(iADDI, t1, zero, 1)
			l.i(iSLLI, t1, t1, 32)
			l.r(iOR, t0, t0, t1)
		}
		switch i % 3 {
		case 0: // all bits below the highest, then count the others
			for shift := int64(1); shift < 64; shift <<= 1 {
				l.i(iSRLI, t1, t0, shift)
				l.r(iOR, t0, t0, t1)
			}
			l.i(iXORI, t0, t0, -1)
		case 1: // the bits below the lowest
			l.i(iADDI, t1, t0, -1)
			l.i(iXORI, t0, t0, -1)
			l.r(iAND, t0, t0, t1)
		}
		l.population()
		if i == 3 {
			l.i(iADDI, t0, t0, -32)
		}
		l.i(iJALR, zero, ra, 0)
	}
}

// population counts the bits of t0: of pairs, of fours, of bytes, of all
// (Warren, Hacker's Delight, 2nd edition, section 5-1).
func (l *linker) population() {
	l.i(iSRLI, t1, t0, 1)
	l.li(addrReg, 0x5555555555555555)
	l.r(iAND, t1, t1, addrReg)
	l.r(iSUB, t0, t0, t1)
	l.li(addrReg, 0x3333333333333333)
	l.i(iSRLI, t1, t0, 2)
	l.r(iAND, t1, t1, addrReg)
	l.r(iAND, t0, t0, addrReg)
	l.r(iADD, t0, t0, t1)
	l.i(iSRLI, t1, t0, 4)
	l.r(iADD, t0, t0, t1)
	l.li(addrReg, 0x0f0f0f0f0f0f0f0f)
	l.r(iAND, t0, t0, addrReg)
	l.li(addrReg, 0x0101010101010101)
	l.r(iMUL, t0, t0, addrReg)
	l.i(iSRLI, t0, t0, 56)
}

// Registers of the memory stubs.
const (
	a1 = a0 + 1
	a2 = a0 + 2
	a3 = a0 + 3
	a4 = a0 + 4
)

// memoryStubs are the subroutines for memory.copy and memory.fill, with the
// operands in a0 to a2. They use the temporary registers.
func (l *linker) memoryStubs() {
	l.stubs[stubCopy] = l.pos()
	l.extent(a0)
	l.extent(a1)
	l.r(iSUB, a3, a0, a1)
	backwards := l.hole() // dst - src < n, unsigned: from the end
	l.run(func() {
		l.i(iLD, a3, a1, 0)
		l.i(iADDI, a1, a1, 8)
	}, func() {
		l.i(iLBU, a3, a1, 0)
		l.i(iADDI, a1, a1, 1)
	})
	l.fill(backwards, iBLTU, a3, a2)
	l.backwards()

	l.stubs[stubFill] = l.pos()
	l.extent(a0)
	l.i(iANDI, a1, a1, 0xff)
	l.li(a3, 0x0101010101010101)
	l.r(iMUL, a3, a3, a1)
	l.run(func() {}, func() {})
}

// extent makes an operand and the length in a2 the host's address and a length,
// and traps if they are not in memory.
func (l *linker) extent(at reg) {
	for _, r := range []reg{at, a2} {
		l.i(iSLLI, r, r, 32)
		l.i(iSRLI, r, r, 32)
	}
	l.r(iADD, at, at, memBase)
	l.r(iADD, t0, at, a2)
	l.word(branch(iBGEU, memEnd, t0, 20))
	l.i(iADDI, t1, ra, 0) // the place is the caller
	l.li(t0, int64(ExitTrap)+int64(TrapMemory))
	l.far(addrReg, zero, toTrap, 0)
}

// hole leaves room for a branch, and fill makes it, to the present position.
func (l *linker) hole() int {
	l.word(0)
	return l.pos() - 4
}

func (l *linker) fill(hole int, op uint32, s1, s2 reg) {
	l.set(hole, branch(op, s1, s2, l.pos()-hole))
}

// run stores a3 at a0 upwards, a2 bytes, eight at a time and then one, after
// what makes a3 each time, and returns.
func (l *linker) run(eight, one func()) {
	l.i(iADDI, a4, zero, 8)
	words := l.pos()
	few := l.hole()
	eight()
	l.s(iSD, a3, a0, 0)
	l.i(iADDI, a0, a0, 8)
	l.i(iADDI, a2, a2, -8)
	l.word(jump(zero, words-l.pos()))
	l.fill(few, iBLTU, a2, a4)
	bytes := l.pos()
	done := l.hole()
	one()
	l.s(iSB, a3, a0, 0)
	l.i(iADDI, a0, a0, 1)
	l.i(iADDI, a2, a2, -1)
	l.word(jump(zero, bytes-l.pos()))
	l.fill(done, iBEQ, a2, zero)
	l.i(iJALR, zero, ra, 0)
}

// backwards copies a2 bytes from a1 to a0, the last first.
func (l *linker) backwards() {
	l.r(iADD, a0, a0, a2)
	l.r(iADD, a1, a1, a2)
	l.i(iADDI, a4, zero, 8)
	words := l.pos()
	few := l.hole()
	for _, r := range []reg{a0, a1, a2} {
		l.i(iADDI, r, r, -8)
	}
	l.i(iLD, a3, a1, 0)
	l.s(iSD, a3, a0, 0)
	l.word(jump(zero, words-l.pos()))
	l.fill(few, iBLTU, a2, a4)
	bytes := l.pos()
	done := l.hole()
	for _, r := range []reg{a0, a1, a2} {
		l.i(iADDI, r, r, -1)
	}
	l.i(iLBU, a3, a1, 0)
	l.s(iSB, a3, a0, 0)
	l.word(jump(zero, bytes-l.pos()))
	l.fill(done, iBEQ, a2, zero)
	l.i(iJALR, zero, ra, 0)
}
