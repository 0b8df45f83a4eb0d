// SPDX-License-Identifier: Apache-2.0

package wasm

import "encoding/binary"

// Const is i32.const.
func Const(n int64) []byte { return Cat(0x41, S64(int64(int32(n)))) }

// Instructions used below.
const (
	opUnreachable = 0x00
	opBlock       = 0x02
	opLoop        = 0x03
	opBr          = 0x0c
	opBrIf        = 0x0d
	opDrop        = 0x1a
	opLocalGet    = 0x20
	opLocalSet    = 0x21
	opLoad        = 0x28
	opStore       = 0x36
	opGrow        = 0x40
	opEqz         = 0x45
	opEq          = 0x46
	opLtU         = 0x49
	opAdd         = 0x6a
	opDivS        = 0x6d
	noType        = 0x40 // of a block
	opEnd         = 0x0b
)

// call calls a function.
func call(f uint32) []byte { return Cat(0x10, U32(f)) }

// load and store access 32 bits at the address on the stack.
var (
	load  = []byte{opLoad, 2, 0}
	store = []byte{opStore, 2, 0}
)

// iovec is the content of one iovec or ciovec.
func iovec(at, size uint32) []byte {
	return binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, at), size)
}

const four = "\x7f\x7f\x7f\x7f" // parameters of fd_read, fd_write

// Print is a module that writes a text to a descriptor and exits.
func Print(fd int, text string, code int) []byte {
	m := &Builder{}
	write, exit := m.WASI("fd_write", four), m.Import("wasi_snapshot_preview1", "proc_exit", string(I32), "")
	m.Memory(1).Data(0, iovec(16, uint32(len(text)))).Data(16, []byte(text))
	body := Cat(Const(int64(fd)), Const(0), Const(1), Const(8), call(write), opDrop)
	if code != 0 {
		body = Cat(body, Const(int64(code)), call(exit))
	}
	return m.Start(0, body).Bytes()
}

// Hello is the smallest useful module, as a C compiler would make it.
func Hello() []byte { return Print(1, "hello, world\n", 0) }

// Exit is a module that exits with a code by proc_exit.
func Exit(code int) []byte {
	m := &Builder{}
	exit := m.Import("wasi_snapshot_preview1", "proc_exit", string(I32), "")
	return m.Memory(1).Start(0, Const(int64(code)), call(exit)).Bytes()
}

// Echo is a module that copies standard input to standard output, and exits
// with the error number of the first call that fails.
func Echo() []byte {
	const buffer, size = 1024, 60_000
	m := &Builder{}
	read, write := m.WASI("fd_read", four), m.WASI("fd_write", four)
	exit := m.Import("wasi_snapshot_preview1", "proc_exit", string(I32), "")
	check := m.Func(string(I32), "", 0,
		opBlock, noType, opLocalGet, 0, opEqz, opBrIf, 0, opLocalGet, 0, call(exit), opEnd)
	m.Memory(1).Data(0, iovec(buffer, size)).Data(8, iovec(buffer, 0))
	return m.Start(0,
		opBlock, noType, opLoop, noType,
		Const(0), Const(0), Const(1), Const(16), call(read), call(check),
		Const(16), load, opEqz, opBrIf, 1, // nothing read: the end
		Const(12), Const(16), load, store,
		Const(1), Const(8), Const(1), Const(20), call(write), call(check),
		opBr, 0, opEnd, opEnd).Bytes()
}

// Strings is a module that writes its arguments, or its environment, to
// standard output as WASI hands them over: each with a NUL after it.
func Strings(environment bool) []byte {
	sizes, get := "args_sizes_get", "args_get"
	if environment {
		sizes, get = "environ_sizes_get", "environ_get"
	}
	m := &Builder{}
	two := string([]byte{I32, I32})
	getSizes, getAll, write := m.WASI(sizes, two), m.WASI(get, two), m.WASI("fd_write", four)
	m.Memory(4).Data(8, iovec(65536, 0))
	return m.Start(0,
		Const(0), Const(4), call(getSizes), opDrop,
		Const(1024), Const(65536), call(getAll), opDrop,
		Const(12), Const(4), load, store,
		Const(1), Const(8), Const(1), Const(16), call(write), opDrop).Bytes()
}

// Random is a module that writes 32 bytes from random_get to standard output.
func Random() []byte {
	m := &Builder{}
	get, write := m.WASI("random_get", string([]byte{I32, I32})), m.WASI("fd_write", four)
	m.Memory(1).Data(0, iovec(16, 32))
	return m.Start(0, Const(16), Const(32), call(get), opDrop,
		Const(1), Const(0), Const(1), Const(8), call(write), opDrop).Bytes()
}

// Clock is a module that writes 8 bytes, clock_time_get of the given clock in
// nanoseconds, to standard output.
func Clock(id int64) []byte {
	m := &Builder{}
	get, write := m.WASI("clock_time_get", string([]byte{I32, I64, I32})), m.WASI("fd_write", four)
	m.Memory(1).Data(0, iovec(16, 8))
	return m.Start(0, Const(id), 0x42, 1, Const(16), call(get), opDrop,
		Const(1), Const(0), Const(1), Const(8), call(write), opDrop).Bytes()
}

// Trap modules, each for one reason. Their traps happen in a function named
// "culprit", called by _start.
func trapping(m *Builder, body ...any) []byte {
	f := m.Func("", "", 0, body...)
	m.Name(f, "culprit")
	return m.Memory(1).Start(0, call(f)).Bytes()
}

// Unreachable executes unreachable.
func Unreachable() []byte { return trapping(&Builder{}, opUnreachable) }

// DivideByZero divides by zero.
func DivideByZero() []byte {
	return trapping(&Builder{}, Const(1), Const(0), opDivS, opDrop)
}

// OutOfBounds reads beyond its memory.
func OutOfBounds() []byte { return trapping(&Builder{}, Const(-4), load, opDrop) }

// IndirectMismatch calls through a table a function of another type.
func IndirectMismatch() []byte {
	m := &Builder{}
	f := m.Func(string(I32), "", 0)
	m.Table(1, f)
	void := m.Type("", "")
	return trapping(m, Const(0), 0x11, U32(void), 0)
}

// Recurse calls itself for ever.
func Recurse() []byte {
	m := &Builder{}
	return trapping(m, call(0), call(0)) // the second keeps it from being a tail call
}

// StartTrap traps in its start function, before _start.
func StartTrap() []byte {
	m := &Builder{}
	m.start = U32(m.Func("", "", 0, opUnreachable))
	return m.Memory(1).Start(0).Bytes()
}

// BadData has a data segment outside of its memory.
func BadData() []byte {
	return (&Builder{}).Memory(1).Data(65535, []byte("xx")).Start(0).Bytes()
}

// Grow grows its memory by 1 MiB, touching each page, until it can't, then
// writes the number of 64 KiB pages it had as 4 bytes to standard output and
// exits with code 7.
func Grow() []byte {
	m := &Builder{}
	write, exit := m.WASI("fd_write", four), m.Import("wasi_snapshot_preview1", "proc_exit", string(I32), "")
	m.Memory(16).Data(0, iovec(16, 4))
	return m.Start(2,
		opBlock, noType, opLoop, noType,
		Const(16), opGrow, 0, opLocalSet, 0,
		opLocalGet, 0, Const(-1), opEq, opBrIf, 1,
		Const(0), opLocalSet, 1,
		opLoop, noType, // touch each 4 KiB page of the new 1 MiB
		opLocalGet, 0, Const(16), 0x74, opLocalGet, 1, opAdd, Const(1), store,
		opLocalGet, 1, Const(4096), opAdd, opLocalSet, 1,
		opLocalGet, 1, Const(1<<20), opLtU, opBrIf, 0, opEnd,
		opBr, 0, opEnd, opEnd,
		Const(16), 0x3f, 0, store, // memory.size
		Const(1), Const(0), Const(1), Const(8), call(write), opDrop,
		Const(7), call(exit)).Bytes()
}

// HugeMemory asks for 4 GiB before it starts.
func HugeMemory() []byte { return (&Builder{}).Memory(65536).Start(0).Bytes() }

// HugeTable asks for a table of 2^32-1 functions.
func HugeTable() []byte { return (&Builder{}).Memory(1).Table(1<<32 - 1).Start(0).Bytes() }

// HugeLocals asks for 2^32-1 local variables in a module of 40 bytes.
func HugeLocals() []byte { return (&Builder{}).Memory(1).Start(1<<32 - 1).Bytes() }

// MissingImport needs a function that nobody provides.
func MissingImport() []byte {
	m := &Builder{}
	f := m.Import("env", "emscripten_do_it", "", "")
	return m.Memory(1).Start(0, call(f)).Bytes()
}

// UnknownWASI needs a function that WASI preview 1 doesn't have.
func UnknownWASI() []byte {
	m := &Builder{}
	f := m.WASI("fd_teleport", "")
	return m.Memory(1).Start(0, call(f), opDrop).Bytes()
}

// WrongWASI needs a WASI function under another type.
func WrongWASI() []byte {
	m := &Builder{}
	f := m.WASI("fd_write", "")
	return m.Memory(1).Start(0, call(f), opDrop).Bytes()
}

// NoMemory calls fd_write without having a memory.
func NoMemory() []byte {
	m := &Builder{}
	write := m.WASI("fd_write", four)
	return m.Start(0, Const(1), Const(0), Const(1), Const(8), call(write), opDrop).Bytes()
}

// Library is a good module with no _start.
func Library() []byte {
	m := &Builder{}
	m.Export("answer", kindFunc, m.Func("", string(I32), 0, Const(42)))
	return m.Memory(1).Bytes()
}

// StartWithParameter exports a _start that takes a number.
func StartWithParameter() []byte {
	m := &Builder{}
	m.Export("_start", kindFunc, m.Func(string(I32), "", 0))
	return m.Memory(1).Bytes()
}

// Invalid has good framing and a _start whose code leaves a value behind.
func Invalid() []byte { return (&Builder{}).Memory(1).Start(0, Const(1)).Bytes() }

// Component is the beginning of a WebAssembly component.
func Component() []byte { return []byte("\x00asm\x0d\x00\x01\x00\x00\x00") }

// SpinCalls loops for ever, and calls WASI meanwhile.
func SpinCalls() []byte {
	m := &Builder{}
	yield := m.WASI("sched_yield", "")
	return m.Memory(1).Start(0, opLoop, noType, call(yield), opDrop, opBr, 0, opEnd).Bytes()
}

// Spin loops for ever.
func Spin() []byte {
	return (&Builder{}).Memory(1).Start(0, opLoop, noType, opBr, 0, opEnd).Bytes()
}
