// SPDX-License-Identifier: Apache-2.0

package wasmrv64

import "encoding/binary"

// instruction compiles one instruction.
func (f *fn) instruction(op byte) {
	switch {
	case op < opDrop:
		f.controlOp(op)
	case op < opLoadFirst:
		f.variable(op)
	case op < opStoreFirst:
		f.loadOp(op)
	case op <= opStoreLast:
		f.storeOp(op)
	case op < opI32Eqz:
		f.constantOp(op)
	case op == opPrefix:
		f.prefixed(f.code.u32())
	case op > opExtendLast:
		f.reference(op)
	default:
		f.numeric(op)
	}
}

func (f *fn) controlOp(op byte) {
	switch op {
	case opUnreachable:
		f.trap(TrapUnreachable)
		f.skipDead()
	case opNop:
	case opBlock, opLoop, opIf:
		f.block(op)
	case opElse:
		f.orElse()
	case opEnd:
		f.end()
	case opBr:
		f.br(f.code.u32())
	case opBrIf:
		f.brIf(f.code.u32())
	case opBrTable:
		f.brTable()
	case opReturn:
		f.br(uint32(len(f.ctl) - 1))
	case opCall:
		f.call(f.code.u32())
	case opCallIndirect:
		f.callIndirect()
	default:
		panic(unsupported(op))
	}
}

func (f *fn) variable(op byte) {
	switch op {
	case opDrop:
		f.pop()
	case opSelectTyped:
		f.code.types()
		f.choose()
	case opSelect:
		f.choose()
	case opLocalGet:
		f.localGet(int(f.code.u32()))
	case opLocalSet, opLocalTee:
		f.localSet(int(f.code.u32()), op == opLocalTee)
	case opGlobalGet:
		f.globalGet(f.code.u32())
	case opGlobalSet:
		f.globalSet(f.code.u32())
	case opTableGet:
		t := f.code.u32()
		f.builtin(TableGet, t, 0, 1, f.m.Tables[t].Type)
	case opTableSet:
		f.builtin(TableSet, f.code.u32(), 0, 2)
	default:
		panic(unsupported(op))
	}
}

// choose is select.
func (f *fn) choose() {
	c := f.popCond()
	f.held |= c.a.bit() | c.b.bit()
	t := f.top().typ
	b, a := f.popReg(), f.popReg()
	d := f.alloc(t)
	f.move(d, a, t)
	f.word(branch(c.op, c.a, c.b, 8))
	f.move(d, b, t)
	f.pushReg(t, d)
}

func (f *fn) constantOp(op byte) {
	switch op {
	case opMemorySize:
		f.memorySize()
	case opMemoryGrow:
		f.code.byte()
		f.builtin(MemoryGrow, 0, 0, 1, I32)
	case opI32Const:
		f.push(operand{typ: I32, in: inConst, val: int64(int32(f.code.signed()))})
	case opI64Const:
		f.push(operand{typ: I64, in: inConst, val: f.code.signed()})
	case opF32Const:
		v := int32(binary.LittleEndian.Uint32(f.code.bytes(4)))
		f.push(operand{typ: F32, in: inConst, val: int64(v)})
	case opF64Const:
		f.push(operand{typ: F64, in: inConst, val: int64(binary.LittleEndian.Uint64(f.code.bytes(8)))})
	}
}

// numeric is an instruction between i32.eqz and i64.extend32_s.
func (f *fn) numeric(op byte) {
	if b, ok := binaries[op]; ok {
		f.arithmetic(b)
		return
	}
	switch {
	case op == opI32Eqz || op == opI64Eqz:
		f.eqz()
	case op < opI64Eqz:
		f.compare(op - opI32Eq)
	case op < opF32Eq:
		f.compare(op - opI64Eq)
	case op < opF64Eq:
		f.compareFloat(F32, op-opF32Eq)
	case op < opI32Clz:
		f.compareFloat(F64, op-opF64Eq)
	case op < opI64Clz:
		f.integer(I32, op-opI32Clz)
	case op < opF32Abs:
		f.integer(I64, op-opI64Clz)
	case op < opF64Abs:
		f.floatOp(F32, op-opF32Abs)
	case op < opWrap:
		f.floatOp(F64, op-opF64Abs)
	case op == opWrap:
		f.wrap()
	case op < opExtend8:
		f.conversion(op)
	default:
		n := op - opExtend8
		f.extend([...]Type{I32, I32, I64, I64, I64}[n], [...]int64{8, 16, 8, 16, 32}[n])
	}
}

// integer is an instruction that is not in binaries: clz ctz popcnt are the
// first, division and remainder the sixth to ninth, rotation the last.
func (f *fn) integer(t Type, n byte) {
	switch {
	case n < 3:
		f.count(t, n)
	case n < 10:
		f.divide(t, n-6)
	default:
		f.rotate(t, n == 17)
	}
}

func (f *fn) reference(op byte) {
	switch op {
	case opRefNull:
		f.push(operand{typ: f.code.valueType(), in: inConst})
	case opRefIsNull:
		f.eqz()
	case opRefFunc:
		index := f.code.u32()
		f.load(I64, t1, ctxReg, 8*CtxFuncs)
		d := f.result(FuncRef)
		f.offset(d, t1, 8*recordWords*int64(index))
		f.pushReg(FuncRef, d)
	default:
		panic(unsupported(op))
	}
}

// prefixed is an instruction that begins with 0xfc.
func (f *fn) prefixed(op uint32) {
	if op < 8 {
		f.truncate(F32+Type(op>>1&1), I32+Type(op>>2), op&1 == 1, true)
		return
	}
	if op > 17 {
		panic(unsupported(opPrefix))
	}
	x := f.code.u32()
	var y uint32
	if op == 8 || op == 10 || op == 12 || op == 14 {
		y = f.code.u32()
	}
	switch op {
	case 8:
		f.builtin(MemoryInit, x, 0, 3)
	case 9:
		f.builtin(DataDrop, x, 0, 0)
	case 10:
		f.memoryCall(stubCopy)
	case 11:
		f.memoryCall(stubFill)
	case 12:
		f.builtin(TableInit, x, y, 3)
	case 13:
		f.builtin(ElemDrop, x, 0, 0)
	case 14:
		f.builtin(TableCopy, x, y, 3)
	case 15:
		f.builtin(TableGrow, x, 0, 2, I32)
	case 16:
		d := f.result(I32)
		f.load(I64, d, ctxReg, f.table(x)+8)
		f.pushReg(I32, d)
	case 17:
		f.builtin(TableFill, x, 0, 3)
	}
}
