// SPDX-License-Identifier: Apache-2.0

package wasmrv64

// Instructions of WebAssembly (Core Specification 2.0, chapter 5.4).
const (
	opUnreachable  = 0x00
	opNop          = 0x01
	opBlock        = 0x02
	opLoop         = 0x03
	opIf           = 0x04
	opElse         = 0x05
	opEnd          = 0x0b
	opBr           = 0x0c
	opBrIf         = 0x0d
	opBrTable      = 0x0e
	opReturn       = 0x0f
	opCall         = 0x10
	opCallIndirect = 0x11
	opDrop         = 0x1a
	opSelect       = 0x1b
	opSelectTyped  = 0x1c
	opLocalGet     = 0x20
	opLocalSet     = 0x21
	opLocalTee     = 0x22
	opGlobalGet    = 0x23
	opGlobalSet    = 0x24
	opTableGet     = 0x25
	opTableSet     = 0x26
	opLoadFirst    = 0x28
	opStoreFirst   = 0x36
	opStoreLast    = 0x3e
	opMemorySize   = 0x3f
	opMemoryGrow   = 0x40
	opI32Const     = 0x41
	opI64Const     = 0x42
	opF32Const     = 0x43
	opF64Const     = 0x44
	opI32Eqz       = 0x45
	opI32Eq        = 0x46
	opI64Eqz       = 0x50
	opI64Eq        = 0x51
	opF32Eq        = 0x5b
	opF64Eq        = 0x61
	opI32Clz       = 0x67
	opI64Clz       = 0x79
	opF32Abs       = 0x8b
	opF64Abs       = 0x99
	opWrap         = 0xa7
	opReinterpret  = 0xbc
	opExtend8      = 0xc0
	opExtendLast   = 0xc4
	opRefNull      = 0xd0
	opRefIsNull    = 0xd1
	opRefFunc      = 0xd2
	opPrefix       = 0xfc
)

// skip reads the immediates of an instruction, without using them.
func (r *reader) skip(op byte) {
	switch {
	case op == opBlock || op == opLoop || op == opIf:
		r.signed()
	case op == opBr || op == opBrIf || op == opCall || op >= opLocalGet && op <= opTableSet || op == opRefFunc:
		r.u32()
	case op == opBrTable:
		for n := r.u32() + 1; n > 0; n-- {
			r.u32()
		}
	case op == opCallIndirect || op >= opLoadFirst && op <= opStoreLast:
		r.u32()
		r.u32()
	case op == opSelectTyped:
		r.types()
	case op == opMemorySize || op == opMemoryGrow || op == opRefNull:
		r.byte()
	case op == opI32Const || op == opI64Const:
		r.signed()
	case op == opF32Const:
		r.bytes(4)
	case op == opF64Const:
		r.bytes(8)
	case op == opPrefix:
		r.skipPrefixed()
	case op > opRefFunc:
		panic(unsupported(op))
	}
}

// skipPrefixed reads the rest of an instruction that begins with 0xfc.
func (r *reader) skipPrefixed() {
	op := r.u32()
	if op > 17 {
		panic(unsupported(byte(op)))
	}
	for n := [18]int{8: 2, 9: 1, 10: 2, 11: 1, 12: 2, 13: 1, 14: 2, 15: 1, 16: 1, 17: 1}[op]; n > 0; n-- {
		r.u32()
	}
}
