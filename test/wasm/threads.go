// SPDX-License-Identifier: Apache-2.0

package wasm

// Instructions of threads, behind a prefix of theirs; they access 32 bits.
const (
	atomicNotify = "\xfe\x00\x02\x00"
	atomicWait   = "\xfe\x01\x02\x00"
	atomicLoad   = "\xfe\x10\x02\x00"
	atomicStore  = "\xfe\x17\x02\x00"
	atomicAdd    = "\xfe\x1e\x02\x00"
)

// Where a module with threads has what.
const (
	threadCounter = 0
	threadsDone   = 4
	threadsText   = 8 // an iovec of the first two
	threadResult  = 16
	threadNever   = 20 // nobody notifies
)

// ImportMemory imports a memory and exports it as a WASI command must. Threads share it, or they don't.
func (m *Builder) ImportMemory(module, field string, least, most uint32, shared bool) *Builder {
	flags := 1
	if shared {
		flags = 3
	}
	m.imports = append(m.imports, Cat(name(module), name(field), kindMemory, flags, U32(least), U32(most)))
	m.Export("memory", kindMemory, 0)
	return m
}

// threaded is a module with threads in the making.
type threaded struct {
	Builder
	write, exit, spawn uint32
}

func newThreaded() *threaded {
	m := &threaded{}
	m.write, m.exit = m.WASI("fd_write", four), m.Import("wasi_snapshot_preview1", "proc_exit", string(I32), "")
	m.spawn = m.Import("wasi", "thread-spawn", string(I32), string(I32))
	return m
}

// shared gives it the memory.
func (m *threaded) shared() *threaded {
	m.ImportMemory("env", "memory", 1, 2, true)
	return m
}

// thread defines what a thread does; its number is the first local variable, its argument the second.
func (m *threaded) thread(locals uint32, body ...any) *threaded {
	m.Export("wasi_thread_start", kindFunc, m.Func(string([]byte{I32, I32}), "", locals, body...))
	return m
}

// wait waits while a word is 0, for so many ns, or for ever. It leaves 2 when that time has passed.
func wait(at, ns int64) []byte { return Cat(Const(at), Const(0), 0x42, S64(ns), atomicWait) }

const forever = -1

// told writes the first two words to stdout.
func (m *threaded) told() []byte {
	return Cat(Const(threadsText), Const(threadCounter), store, Const(threadsText+4), Const(8), store,
		Const(1), Const(threadsText), Const(1), Const(threadResult), call(m.write), opDrop)
}

// Threads is a module in which n threads add 1 to a counter, rounds times each. It waits for all of them, and writes the
// counter, and how many there were.
func Threads(n, rounds int) []byte {
	m := newThreaded().shared()
	const left = 2
	m.thread(1, Const(int64(rounds)), opLocalSet, left,
		opLoop, noType, Const(threadCounter), Const(1), atomicAdd, opDrop,
		opLocalGet, left, Const(-1), opAdd, 0x22, left, opBrIf, 0, opEnd, // local.tee
		Const(threadsDone), Const(1), atomicAdd, opDrop, Const(threadsDone), Const(-1), atomicNotify, opDrop)
	const started, done = 0, 1
	return m.Start(2,
		opLoop, noType, opLocalGet, started, call(m.spawn), Const(1), 0x48, 0x04, noType, opUnreachable, opEnd, // i32.lt_s
		opLocalGet, started, Const(1), opAdd, 0x22, started, Const(int64(n)), opLtU, opBrIf, 0, opEnd,
		opLoop, noType, Const(threadsDone), atomicLoad, 0x22, done, Const(int64(n)), opLtU, 0x04, noType,
		Const(threadsDone), opLocalGet, done, 0x42, S64(forever), atomicWait, opDrop, opBr, 1, opEnd, opEnd,
		m.told()).Bytes()
}

// ThreadsOneByOne starts n threads, each when the one before has said that it ends, and writes the counter, that is how many
// started, and how many could not be.
func ThreadsOneByOne(n int) []byte {
	m := newThreaded().shared()
	m.thread(0, Const(threadsDone), Const(1), atomicStore, Const(threadsDone), Const(1), atomicNotify, opDrop)
	const i = 0
	return m.Start(1,
		opLoop, noType,
		Const(threadsDone), Const(0), atomicStore,
		Const(0), call(m.spawn), Const(1), 0x48, 0x04, noType, opUnreachable, opEnd,
		wait(threadsDone, forever), opDrop,
		Const(threadCounter), Const(1), atomicAdd, opDrop,
		opLocalGet, i, Const(1), opAdd, 0x22, i, Const(int64(n)), opLtU, opBrIf, 0, opEnd,
		m.told()).Bytes()
}

// ThreadExit is a module whose thread exits with a code while the first waits for ever.
func ThreadExit(code int) []byte {
	m := newThreaded().shared()
	m.thread(0, wait(threadNever, 50_000_000), opDrop, Const(int64(code)), call(m.exit))
	return m.Start(0, Const(0), call(m.spawn), opDrop, wait(threadNever, forever), opDrop).Bytes()
}

// ThreadTrap is a module whose thread traps while the first waits for ever.
func ThreadTrap() []byte {
	m := newThreaded().shared()
	m.thread(0, opUnreachable)
	return m.Start(0, Const(0), call(m.spawn), opDrop, wait(threadNever, forever), opDrop).Bytes()
}

// ThreadsBusy is a module whose first thread returns while n others compute for ever.
func ThreadsBusy(n int) []byte {
	m := newThreaded().shared()
	m.thread(0, opLoop, noType, opBr, 0, opEnd)
	const i = 0
	return m.Start(1,
		opLoop, noType, Const(0), call(m.spawn), opDrop, opLocalGet, i, Const(1), opAdd, 0x22, i, Const(int64(n)), opLtU, opBrIf, 0, opEnd,
		wait(threadNever, 50_000_000), opDrop).Bytes()
}

// ThreadsMost is a module that starts threads until it can't, and writes how many there are, and the error. They wait for ever.
func ThreadsMost() []byte {
	m := newThreaded().shared()
	m.thread(0, wait(threadNever, forever), opDrop)
	const id = 0
	return m.Start(1,
		opLoop, noType, Const(0), call(m.spawn), 0x22, id, Const(0), 0x4a, 0x04, noType, // i32.gt_s
		Const(threadCounter), Const(1), atomicAdd, opDrop, opBr, 1, opEnd, opEnd,
		Const(threadsDone), opLocalGet, id, store, m.told()).Bytes()
}

// ThreadsUnable are modules that write what starting a thread gives, without what it needs.
func ThreadsUnable() map[string][]byte {
	start := func(m *threaded) []byte {
		return m.Start(0, Const(threadCounter), Const(0), call(m.spawn), store, m.told()).Bytes()
	}
	all := map[string][]byte{"no function": start(newThreaded().shared())}
	m := newThreaded().shared()
	m.Export("wasi_thread_start", kindFunc, m.Func(string(I32), "", 0))
	all["another type"] = start(m)
	m = newThreaded()
	m.Memory(1)
	all["a memory of its own"] = start(m.thread(0))
	m = newThreaded()
	m.memories = append(m.memories, Cat(3, U32(1), U32(1)))
	m.Export("memory", kindMemory, 0)
	all["a shared memory of its own"] = start(m.thread(0))
	return all
}

// MemoryNotShared imports a memory that threads don't share.
func MemoryNotShared() []byte {
	m := &Builder{}
	m.ImportMemory("env", "memory", 1, 1, false)
	return m.Start(0).Bytes()
}
