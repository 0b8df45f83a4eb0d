// SPDX-License-Identifier: Apache-2.0

package wasmrv64

// call is a direct call.
func (f *fn) call(index uint32) {
	f.arguments(f.m.TypeOf(index))
	f.far(ra, toFunc, index)
	f.results(f.m.TypeOf(index))
}

// callIndirect is a call through a table.
func (f *fn) callIndirect() {
	typ, table := f.code.u32(), f.code.u32()
	index := f.popReg()
	f.load(I64, t1, ctxReg, f.table(table)+8)
	f.trapIf(iBGEU, index, t1, TrapTable)
	f.load(I64, t1, ctxReg, f.table(table))
	if f.cpu&Zba != 0 {
		f.r(iSH3ADD, t1, index, t1)
	} else {
		f.i(iSLLI, addrReg, index, 3)
		f.r(iADD, t1, t1, addrReg)
	}
	f.i(iLD, t1, t1, 0)
	f.trapIf(iBEQ, t1, zero, TrapTable)
	f.i(iLD, addrReg, t1, 8)
	f.li(t0, int64(f.m.TypeID(typ)))
	f.trapIf(iBNE, addrReg, t0, TrapSignature)
	f.i(iLD, addrReg, t1, 0)
	f.release() // index has been read
	f.arguments(f.m.Types[typ])
	f.i(iJALR, ra, addrReg, 0)
	f.results(f.m.Types[typ])
}

// table is the offset of a table's two words in the context.
func (f *fn) table(index uint32) int64 { return 8 * int64(f.lay.Tables+2*int(index)) }

// argument is an operand on its way to the register of a parameter.
type argument struct {
	operand
	at int // on the stack
	to reg
}

// arguments takes the arguments of a call from the stack to where the callee
// wants them. It uses t0, t1, f0 and no other register, and leaves no operand
// in one.
func (f *fn) arguments(t FuncType) {
	first := len(f.stack) - len(t.Params)
	for i := range first {
		if f.stack[i].in == inReg {
			f.spill(i)
		}
	}
	var moves, rest []argument
	for i, to := range argRegs(t.Params) {
		a := argument{f.stack[first+i], first + i, to}
		switch {
		case to == 0:
			scratch := t1
			if a.typ.float() {
				scratch = f0
			}
			f.store(a.typ, f.fetch(a.operand, a.at, scratch), ctxReg, f.area(i))
		case a.in == inReg:
			moves = append(moves, a)
		default:
			rest = append(rest, a)
		}
	}
	f.parallel(moves)
	for _, a := range rest {
		f.arrive(a, f.fetch(a.operand, a.at, a.to))
	}
	f.stack, f.used, f.addrLocal = f.stack[:first], 0, -1
}

// arrive moves an argument to its register.
func (f *fn) arrive(a argument, from reg) {
	if a.dirty {
		f.i(iADDIW, a.to, from, 0)
		return
	}
	f.move(a.to, from, a.typ)
}

// parallel moves arguments from registers to registers as if at once.
func (f *fn) parallel(moves []argument) {
	for len(moves) > 0 {
		var left []argument
		for i, a := range moves {
			if blocked(a.to, append(append([]argument{}, moves[i+1:]...), left...)) {
				left = append(left, a)
			} else {
				f.arrive(a, a.reg)
			}
		}
		if len(left) == len(moves) { // only cycles: break one
			scratch := t0
			if left[0].reg.float() {
				scratch = f0
			}
			from := left[0].reg
			f.move(scratch, from, f.word64(from))
			for i := range left {
				if left[i].reg == from {
					left[i].reg = scratch
				}
			}
		}
		moves = left
	}
}

// blocked reports whether a register is still to be read.
func blocked(r reg, by []argument) bool {
	for _, a := range by {
		if a.reg == r {
			return true
		}
	}
	return false
}

// results pushes what a call has returned.
func (f *fn) results(t FuncType) {
	if len(t.Results) == 1 {
		f.pushReg(t.Results[0], resultReg(t.Results[0]))
		return
	}
	for i, r := range t.Results {
		scratch := t1
		if r.float() {
			scratch = f0
		}
		f.load(r, scratch, ctxReg, f.area(i))
		f.store(r, scratch, sp, f.slot(len(f.stack)))
		f.push(operand{typ: r})
	}
}

// builtin leaves for Go to execute an instruction. Its operands are the n on
// top, its result, if it has one, is of the type.
func (f *fn) builtin(b Builtin, x, y uint32, n int, result ...Type) {
	first := len(f.stack) - n
	for i := range f.stack {
		switch o := f.stack[i]; {
		case i >= first:
			f.store(o.typ, f.fetch(o, i, t1), ctxReg, f.area(i-first))
		case o.in == inReg:
			f.spill(i)
		}
	}
	f.stack, f.used, f.addrLocal = f.stack[:first], 0, -1
	f.li(t1, int64(b)|int64(x)<<8|int64(y)<<32)
	f.li(t0, int64(ExitBuiltin))
	f.far(ra, toExit, 0)
	for _, t := range result {
		r := f.alloc(t)
		f.load(t, r, ctxReg, f.area(0))
		f.pushReg(t, r)
	}
}
