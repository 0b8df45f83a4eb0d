// SPDX-License-Identifier: Apache-2.0

// Package runner runs one WASI preview 1 module to its end. It is the WASI
// runner program without its process: package user/wasi gives it a machine
// made of Loam calls, tests one made of byte slices.
//
// # How it works
//
// The module comes from the boot archive, and with luck its compiled code too
// (package wasmcode says how that fits together), or the code is in a folder that
// keeps it from one start to the next (Config.Cache). Without code, or with code
// that this CPU can't use, the module is compiled here; without a CPU that the
// compiler serves it is interpreted. Which of the three happened is said under
// verbose, never silently different in result. The compiler is wazero's, but on
// riscv64, where it has none, packages wasmrv64's and native's.
//
// Linear memory is reserved as address space up to the module's maximum and
// opened page by page as the module grows it, so growing never copies, and
// refusing it is an answer (-1) to the module and not the end of the runner.
//
// The WASI functions are package preview1's.
//
// # Rejected alternatives
//
// wazero's InstantiateWithConfig with its default start functions: it can't
// tell a trap in _start from a module that can't be instantiated. os.Stdin and
// friends: wazero asks an os.File for fstat(2), which a console doesn't have.
package runner

import (
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"syscall"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	wasys "github.com/tetratelabs/wazero/sys"

	"loam/internal/wasmcode"
	"loam/internal/wasmfile"
	"loam/user/wasi/native"
)

// Exit codes that are not the module's own; the module may use them too.
const (
	ExitRunner = 125 // the runner itself failed
	ExitCannot = 126 // not a module that can be run
	ExitTrap   = 134 // the module trapped
)

// Names of the boot archive's files.
const (
	FileModule = "module"
	FileCode   = "code"
	FileConfig = "wasi.conf"
)

// Machine is what the runner runs on.
type Machine struct {
	File    func(name string) ([]byte, error) // of the boot archive; ENOENT when absent
	Args    []string                          // the module's, its name first
	Env     []string                          // the module's, as key=value
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
	Random  io.Reader                    // never ends
	Reserve experimental.MemoryAllocator // of linear memory
}

// run is one run of a module.
type run struct {
	*Machine
	conf   Config
	module []byte
	code   *wasmcode.Code // nil when the module is to be compiled here
	origin string         // of the code, for people: compiled where, or found
	info   *wasmfile.Info
	pages  uint32 // the most linear memory it may have
	rt     wazero.Runtime

	threads  *threads                              // nil if the module makes none
	ofThread func(context.Context) context.Context // the context of a further thread
}

// Run runs the machine's module and returns the exit code of the process.
func Run(m *Machine) (exit int) {
	r := &run{Machine: m}
	defer func() {
		if p := recover(); p != nil {
			exit = r.report(panicked(p))
		}
	}()
	ctx := experimental.WithMemoryAllocator(context.Background(), m.Reserve)
	err := r.load(ctx)
	if err == nil {
		tune(r.conf.Memory)
		err = r.start(ctx)
	}
	return r.report(err)
}

// load fetches the module and what belongs to it, and checks its outline.
func (r *run) load(ctx context.Context) (err error) {
	conf, err := r.File(FileConfig)
	if err != nil && !errors.Is(err, syscall.ENOENT) {
		return failure("cannot read the boot archive: " + err.Error())
	}
	if r.conf, err = ParseConfig(conf); err != nil {
		return failure(err.Error())
	}
	if r.module, err = r.File(FileModule); err != nil {
		return failure("no module in the boot archive: " + err.Error())
	}
	if r.code = r.hostCode(); r.code == nil {
		r.code = r.keptCode(ctx)
	}
	outline, archive := r.module, uint64(len(r.module))
	if r.code != nil {
		outline = r.code.Module
		archive += 2 * uint64(len(r.code.Entry)) // as it came, and where it runs
	}
	if r.info, err = wasmfile.Check(outline); err != nil {
		return cannot(err.Error())
	}
	if r.spawns() {
		archive += uint64(r.conf.threads()) * threadSize
	}
	r.pages = r.conf.pages(archive)
	return Runnable(r.info, r.pages)
}

// hostCode returns the code that the host compiled, nil when there is none that
// this machine can use.
func (r *run) hostCode() *wasmcode.Code {
	b, err := r.File(FileCode)
	switch {
	case err != nil:
		r.note("the host compiled no code for this module")
		return nil
	case !native.Supported && !compilerServes():
		return nil
	}
	r.origin = "compiled on the host"
	c, err := wasmcode.Decode(b)
	if err != nil {
		r.note("code " + r.origin + " refused: " + err.Error())
		return nil
	}
	return c
}

// start makes the engine, instantiates the module and calls its _start.
func (r *run) start(ctx context.Context) error {
	var compiled wazero.CompiledModule
	var err error
	if native.Supported {
		if compiled, err = r.startNative(ctx); err != errInterpret {
			return err
		}
		r.note("engine: interpreter; expect it to be slow")
	} else if compiled, err = r.compile(ctx); err != nil {
		return cannot(oneLine(err))
	}
	if err := r.wasi(ctx); err != nil {
		return err
	}
	if err := r.provide(ctx, compiled); err != nil {
		return err
	}
	first := func() error { return r.first(ctx, compiled) }
	if r.threads != nil {
		return r.threads.main(first)
	}
	return first()
}

// first runs the module's first thread, or the only one.
func (r *run) first(ctx context.Context, compiled wazero.CompiledModule) error {
	mod, err := r.rt.InstantiateModule(ctx, compiled, r.moduleConfig())
	if err != nil {
		return ended(err, true)
	}
	if err := r.fill(mod.Memory()); err != nil {
		return err
	}
	start := mod.ExportedFunction("_start")
	if d := start.Definition(); len(d.ParamTypes())+len(d.ResultTypes()) != 0 {
		return errStart
	}
	_, err = start.Call(ctx)
	return ended(err, false)
}

// errStart is a _start of another type than WASI's.
const errStart = cannot("not a WASI command: its _start function takes or returns values")

// fill writes the data that came with the code.
func (r *run) fill(memory api.Memory) error {
	if r.code == nil {
		return nil
	}
	for _, s := range r.code.Data {
		if !memory.Write(s.At, s.Content) {
			return failure("the code does not fit its module")
		}
	}
	return nil
}

// compile loads the code that there is, or compiles the module, or prepares it for
// interpretation, whichever is the first that works.
func (r *run) compile(ctx context.Context) (wazero.CompiledModule, error) {
	if r.code != nil {
		m, err := r.loadCode(ctx)
		if err == nil {
			r.note("engine: compiler, code " + r.origin)
			return m, nil
		}
		r.note("code " + r.origin + " refused: " + oneLine(err))
		if r.info, err = wasmfile.Check(r.module); err != nil {
			return nil, err
		}
		r.code = nil
	}
	config := wasmcode.Config()
	if compilerServes() {
		r.note("engine: compiler, compiling in the guest")
		ctx = experimental.WithCompilationWorkers(ctx, runtime.GOMAXPROCS(0))
	} else {
		r.note("engine: interpreter, this CPU lacks what the compiler needs; expect it to be slow")
		config = wasmcode.InterpreterConfig()
	}
	r.rt = wazero.NewRuntimeWithConfig(ctx, config.WithMemoryLimitPages(r.pages))
	return r.rt.CompileModule(ctx, wasmfile.Clean(r.module, r.info))
}

// loadCode makes an engine around the code that there is.
func (r *run) loadCode(ctx context.Context) (wazero.CompiledModule, error) {
	cache, err := r.code.Cache()
	if err != nil {
		return nil, err
	}
	config := wasmcode.Config().WithCompilationCache(cache).WithMemoryLimitPages(r.pages)
	r.rt = wazero.NewRuntimeWithConfig(ctx, config)
	return r.rt.CompileModule(ctx, r.code.Module)
}

// moduleConfig is how modules are instantiated: what they see of the machine is package preview1's alone.
func (r *run) moduleConfig() wazero.ModuleConfig {
	return wazero.NewModuleConfig().WithName("").WithStartFunctions()
}

// ended classifies how instantiating a module or calling its _start ended.
func ended(err error, instantiating bool) error {
	if exit := (*wasys.ExitError)(nil); err == nil || errors.As(err, &exit) {
		return err
	}
	if s := err.Error(); !instantiating || strings.Contains(s, wasmError) {
		return trap(s)
	}
	return cannot(oneLine(err))
}
