// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"encoding/binary"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"loam/internal/wasmfile"
	"loam/user/wasi/native"
)

// Threads of a module are those of the proposal wasi-threads: wasi.thread-spawn makes another instance of the module with
// the same shared memory, and calls its wasi_thread_start. Each runs in a goroutine, and since Go's runtime has a P for each
// (concurrent), in a thread of the machine's. What comes first ends all: the end of _start, a trap, or proc_exit, in any
// thread.
//
// Source: WebAssembly/wasi-threads, README.md.
const (
	threadsModule = "wasi"
	threadSpawn   = "thread-spawn"
	threadStart   = "wasi_thread_start"
)

// MaxThreads is how many threads a module may have at once beside its first; with little memory it is fewer.
const MaxThreads = 255

// threadSize is about what a thread takes of the machine's memory that isn't the module's: stacks, and an instance.
const threadSize = 256 << 10

// lastID is the greatest number that a thread may have.
const lastID = 1<<29 - 1

// Error numbers of WASI, of which thread-spawn returns the negative.
const (
	errnoAgain = 6  // there are as many as there may be, or there is no memory
	errnoNosys = 52 // the module has no function that a thread could begin with, or nothing to share
)

// threads are those of a module.
type threads struct {
	r        *run
	ctx      context.Context
	compiled wazero.CompiledModule
	able     bool       // the module has what a thread needs
	ended    chan error // how the module has ended: the first word counts

	mu   sync.Mutex
	live map[uint32]bool // without the first thread
	last uint32          // number that was given
}

// threads is how many a module may have beside its first: an eighth of the machine may be theirs.
func (c Config) threads() int {
	if c.Memory == 0 {
		return MaxThreads
	}
	return int(min(c.Memory/8/threadSize, MaxThreads))
}

// provide makes what a module with threads imports: the memory, and the function that makes threads.
func (r *run) provide(ctx context.Context, compiled wazero.CompiledModule) error {
	memory, shares := r.info.SharedMemory()
	if shares {
		if err := r.share(ctx, memory); err != nil {
			return cannot(oneLine(err))
		}
	}
	if !r.spawns() {
		return nil
	}
	t := &threads{r: r, ctx: ctx, compiled: compiled, ended: make(chan error, 1), live: map[uint32]bool{}}
	t.able = shares && startsThreads(compiled)
	_, err := r.rt.NewHostModuleBuilder(threadsModule).NewFunctionBuilder().
		WithGoModuleFunction(api.GoModuleFunc(t.spawn), []api.ValueType{api.ValueTypeI32}, []api.ValueType{api.ValueTypeI32}).
		Export(threadSpawn).Instantiate(ctx)
	if err != nil {
		return failure(oneLine(err))
	}
	r.threads = t
	concurrent(r.conf.Memory, r.conf.threads())
	return nil
}

// spawns reports whether the module may make threads.
func (r *run) spawns() bool {
	for _, m := range r.info.Imports {
		if m.Module == threadsModule {
			return true // of which there is nothing else (Runnable)
		}
	}
	return false
}

// startsThreads reports whether a module exports what a thread begins with.
func startsThreads(compiled wazero.CompiledModule) bool {
	f, ok := compiled.ExportedFunctions()[threadStart]
	if !ok {
		return false
	}
	p := f.ParamTypes()
	return len(f.ResultTypes()) == 0 && len(p) == 2 && p[0] == api.ValueTypeI32 && p[1] == api.ValueTypeI32
}

// share makes the memory. wazero has it forget its allocator when any instance with it is closed, as threads' are, and looks
// for that when it grows: so it is forgotten at once, before there are threads, and the memory can grow without (shared).
func (r *run) share(ctx context.Context, memory wasmfile.Import) error {
	ctx = experimental.WithMemoryAllocator(ctx, shared)
	owner, user := memoryModules(memory)
	if _, err := r.rt.InstantiateWithConfig(ctx, owner, r.moduleConfig().WithName(memory.Module)); err != nil {
		return err
	}
	mod, err := r.rt.InstantiateWithConfig(ctx, user, r.moduleConfig())
	if err != nil {
		return err
	}
	return mod.Close(ctx)
}

// memoryModules are a module that has a memory and exports it, wazero's way to make one for others, and a module that
// imports it.
func memoryModules(m wasmfile.Import) (owner, user []byte) {
	const imports, memories, exports = 2, 5, 7 // sections
	const kind, sharedWithMost = 2, 3
	header := "\x00asm\x01\x00\x00\x00"
	name := func(s string) []byte { return append(binary.AppendUvarint(nil, uint64(len(s))), s...) }
	section := func(id byte, parts ...[]byte) []byte {
		body := slices.Concat(parts...)
		return append(binary.AppendUvarint([]byte{id}, uint64(len(body))), body...)
	}
	one, limits := []byte{1}, binary.AppendUvarint(binary.AppendUvarint([]byte{sharedWithMost}, m.Memory.Least), m.Memory.Most)
	owner = slices.Concat([]byte(header), section(memories, one, limits), section(exports, one, name(m.Name), []byte{kind, 0}))
	user = slices.Concat([]byte(header), section(imports, one, name(m.Module), name(m.Name), []byte{kind}, limits))
	return owner, user
}

// concurrent prepares Go's runtime for goroutines that it can't stop while they are in compiled code. Each needs a P of its
// own, for one that computes never gives its P away, and there have to be some more for who waits with a deadline. A
// collection, which has to stop all of them, waits until each has made a call, and what they wait for may be one that is
// stopped already: so there is none before memory is short.
func concurrent(memory uint64, most int) {
	runtime.GOMAXPROCS(most + 3)
	if native.Supported || !compilerServes() {
		return // interpreted, where they can be stopped
	}
	runtime.GC() // of what compiling has left
	debug.SetGCPercent(-1)
	if memory == 0 {
		const enough = 256 << 20
		debug.SetMemoryLimit(enough)
	}
}

// main runs the first thread, and returns how the module has ended. Other threads may be running still: the process is to
// end.
func (t *threads) main(first func() error) error {
	go func() { t.end(guarded(first)) }()
	return <-t.ended
}

// end says how the module has ended. Nobody listens to the second who does.
func (t *threads) end(err error) {
	select {
	case t.ended <- err:
	default:
	}
}

// guarded makes an error of a panic, which would end the process with its own words.
func guarded(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked(p)
		}
	}()
	return f()
}

// spawn is wasi.thread-spawn: what the thread is to be given; its number, or the negative of an error.
func (t *threads) spawn(_ context.Context, _ api.Module, stack []uint64) {
	stack[0] = uint64(uint32(t.start(stack[0])))
}

// start starts a thread.
func (t *threads) start(arg uint64) int32 {
	if !t.able {
		return -errnoNosys
	}
	id, ok := t.take()
	if !ok {
		return -errnoAgain
	}
	ctx := t.r.ofThread(t.ctx)
	mod, err := t.r.rt.InstantiateModule(ctx, t.compiled, t.r.moduleConfig())
	if err != nil {
		t.giveBack(id)
		if err = ended(err, true); exited(err) {
			t.end(err)
		}
		return -errnoAgain
	}
	go func() {
		err := guarded(func() error {
			_, err := mod.ExportedFunction(threadStart).Call(ctx, uint64(id), arg)
			return ended(err, false)
		})
		if err != nil {
			t.end(err)
			return
		}
		_ = mod.Close(ctx)
		t.giveBack(id)
	}()
	return int32(id)
}

// take gives a number to a thread, if there may be one more.
func (t *threads) take() (id uint32, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.live) >= t.r.conf.threads() {
		return 0, false
	}
	for id = t.last; ; {
		if id++; id > lastID {
			id = 1
		}
		if !t.live[id] {
			break
		}
	}
	t.last, t.live[id] = id, true
	return id, true
}

func (t *threads) giveBack(id uint32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.live, id)
}
