// SPDX-License-Identifier: Apache-2.0

package wasmrv64

// access is a load or store instruction of WebAssembly.
type access struct {
	op   uint32
	size uint64
	typ  Type
}

var loads = [...]access{
	{iLW, 4, I32}, {iLD, 8, I64}, {iFLW, 4, F32}, {iFLD, 8, F64},
	{iLB, 1, I32}, {iLBU, 1, I32}, {iLH, 2, I32}, {iLHU, 2, I32},
	{iLB, 1, I64}, {iLBU, 1, I64}, {iLH, 2, I64}, {iLHU, 2, I64}, {iLW, 4, I64}, {iLWU, 4, I64},
}

var stores = [...]access{
	{iSW, 4, I32}, {iSD, 8, I64}, {iFSW, 4, F32}, {iFSD, 8, F64},
	{iSB, 1, I32}, {iSH, 2, I32}, {iSB, 1, I64}, {iSH, 2, I64}, {iSW, 4, I64},
}

// loadOp reads linear memory.
func (f *fn) loadOp(op byte) {
	l := loads[op-opLoadFirst]
	base, off := f.address(l.size)
	d := f.result(l.typ)
	f.i(l.op, d, base, off)
	f.pushReg(l.typ, d)
}

// storeOp writes linear memory.
func (f *fn) storeOp(op byte) {
	s := stores[op-opStoreFirst]
	v := f.popValue(s)
	base, off := f.address(s.size)
	f.s(s.op, v, base, off)
}

// popValue returns the register of a value to be stored, whose upper bits do
// not matter.
func (f *fn) popValue(s access) reg {
	if s.typ == I32 {
		return f.popLoose()
	}
	return f.popReg()
}

// address takes an address from the stack and the instruction's immediates, and
// returns where the host has the bytes, which it has made sure are in memory.
func (f *fn) address(size uint64) (base reg, off int64) {
	f.code.u32()
	offset := uint64(f.code.u32())
	o := f.pop()
	if o.in == inConst {
		at := uint64(uint32(o.val)) + offset
		if at+size <= uint64(f.m.Memory.Min)<<16 {
			return f.static(int64(at))
		}
	}
	local := -1
	if o.in == inLocal {
		local = o.local
	}
	if local < 0 || f.addrLocal != local {
		r := f.reading(o)
		if f.cpu&Zba != 0 {
			f.r(iADDUW, addrReg, r, memBase)
		} else {
			f.i(iSLLI, addrReg, r, 32)
			f.i(iSRLI, addrReg, addrReg, 32)
			f.r(iADD, addrReg, addrReg, memBase)
		}
		f.addrLocal, f.checked = local, 0
	}
	if end := offset + size; end > f.checked {
		f.offset(t0, addrReg, int64(end))
		f.trapIf(iBLTU, memEnd, t0, TrapMemory)
		f.checked = end
	}
	if fits12(int64(offset)) {
		return addrReg, int64(offset)
	}
	f.offset(t0, addrReg, int64(offset))
	return t0, 0
}

// static returns where the host has a constant address.
func (f *fn) static(at int64) (reg, int64) {
	if fits12(at) {
		return memBase, at
	}
	hi := (at + 0x800) &^ 0xfff
	f.li(t0, hi)
	f.r(iADD, t0, t0, memBase)
	return t0, at - hi
}

// offset adds a number to a register.
func (f *fn) offset(d, s reg, n int64) {
	if fits12(n) {
		f.i(iADDI, d, s, n)
		return
	}
	f.li(d, n)
	f.r(iADD, d, d, s)
}

// memorySize pushes the number of pages.
func (f *fn) memorySize() {
	f.code.byte()
	d := f.result(I32)
	f.r(iSUB, d, memEnd, memBase)
	f.i(iSRLI, d, d, 16)
	f.pushReg(I32, d)
}

// globalGet and globalSet access a global variable.
func (f *fn) globalGet(index uint32) {
	t := f.m.Globals[index].Type
	d := f.result(t)
	f.load(t, d, ctxReg, 8*int64(f.lay.Globals+int(index)))
	f.pushReg(t, d)
}

func (f *fn) globalSet(index uint32) {
	t := f.m.Globals[index].Type
	v := f.popValue(access{typ: t})
	f.store(t, v, ctxReg, 8*int64(f.lay.Globals+int(index)))
}

// memoryCall calls a memory stub.
func (f *fn) memoryCall(stub uint32) {
	f.arguments(FuncType{Params: []Type{I32, I32, I32}})
	f.far(ra, toStub, stub)
}
