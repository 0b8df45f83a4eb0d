// SPDX-License-Identifier: Apache-2.0

package wasmrv64

// The context: words that code and Go share. The first three are as
// user/sys.EnterCode wants them. Globals follow at ctxGlobals, then
// two words a table, its address and its length, then the area for arguments
// and results.
const (
	CtxGoSP       = iota // Go's stack pointer while code runs
	CtxGoRA              // where code leaves to
	CtxEnter             // where it is entered
	CtxSP                // its stack pointer, while it does not run
	CtxRA                // where it goes on
	CtxExit              // why it left: an Exit
	CtxInfo              // more about it
	CtxMemory            // address of the linear memory
	CtxMemoryEnd         // address of its end
	CtxStackLimit        // the lowest address that a frame may have
	CtxTarget            // address of the function that a thunk calls
	CtxFuncs             // address of the function records
	CtxSavedInt          // registers of local variables, while code does not run
	CtxSavedFloat = CtxSavedInt + 12
	ctxGlobals    = CtxSavedFloat + 16
	areaWords     = 1000 // wasmfile's limit of parameters, and of results
)

// A function record is two words: the address of the function's code, and the
// TypeID of its type. A reference to a function is its record's address.
const recordWords = 2

// Exit says why code left for Go.
type Exit uint64

// The ways out. Info is the imported function, the Builtin with its immediates,
// the trap's place, or nothing.
const (
	ExitDone Exit = iota
	ExitHost
	ExitBuiltin
	ExitTrap // and above: ExitTrap plus a Trap
)

// Trap says why code can't go on.
type Trap uint64

// The traps.
const (
	TrapUnreachable Trap = iota
	TrapDivideByZero
	TrapOverflow
	TrapConversion
	TrapMemory
	TrapTable
	TrapSignature
	TrapStack
	traps
)

// String returns wazero's words for a trap.
func (t Trap) String() string {
	if t >= traps {
		return "unknown trap"
	}
	return [...]string{
		"unreachable", "integer divide by zero", "integer overflow", "invalid conversion to integer",
		"out of bounds memory access", "invalid table access", "indirect call type mismatch", "stack overflow",
	}[t]
}

// Builtin is an instruction that Go executes. Its operands are in the area, and
// its result goes there. Info holds it in bits 0 to 7, its first immediate in
// bits 8 to 31 and its second in bits 32 to 63.
type Builtin uint8

// The builtins.
const (
	MemoryGrow Builtin = iota
	MemoryInit
	DataDrop
	TableGet
	TableSet
	TableInit
	ElemDrop
	TableCopy
	TableGrow
	TableFill
)

// Layout says where a module's things are in its context.
type Layout struct {
	Globals int // index of the first global
	Tables  int // index of the first table's address
	Area    int // index of the area
	Words   int // length of the context
}

// LayoutOf returns the layout of a module's context.
func LayoutOf(m *Module) Layout {
	l := Layout{Globals: ctxGlobals}
	l.Tables = l.Globals + len(m.Globals)
	l.Area = l.Tables + 2*len(m.Tables)
	l.Words = l.Area + areaWords
	return l
}
