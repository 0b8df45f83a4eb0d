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

// bitStubs are the subroutines for clz, ctz and popcnt of 64 bits and then of
// 32: from t0 to t0, with t1 and addrReg lost.
func (l *linker) bitStubs() {
	for i := range l.bits {
		l.bits[i] = l.pos()
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
