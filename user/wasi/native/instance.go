// SPDX-License-Identifier: Apache-2.0

package native

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"loam/abi"
	"loam/internal/wasmrv64"
	"loam/user/sys"
)

// Supported reports whether code can run here.
const Supported = runtime.GOARCH == "riscv64" && runtime.GOOS == "linux"

// CPU returns what code that runs here may use.
func CPU() (c wasmrv64.CPU) {
	has := sys.Extensions()
	if has&abi.RISCV_HWPROBE_EXT_ZBA != 0 {
		c |= wasmrv64.Zba
	}
	if has&abi.RISCV_HWPROBE_EXT_ZBB != 0 {
		c |= wasmrv64.Zbb
	}
	return c
}

// ErrUnsupported is New's error where code can't run.
var ErrUnsupported = errors.New("compiled code for riscv64 does not run here")

// Instance is an instance of a compiled module. It must not be used by several
// goroutines at once, nor by a function that it calls.
type Instance struct {
	m       *wasmrv64.Module
	image   *wasmrv64.Image
	layout  wasmrv64.Layout
	context []uint64

	code, stack []byte // mappings
	records     []uint64
	tables      [][]uint64
	elements    [][]uint64
	data        [][]byte

	module api.Module // the companion
	memory api.Memory
	hosts  []api.Function
}

// New instantiates a compiled module in a runtime in which the modules that it
// imports from have been instantiated. module is the module that the image was
// made from; its functions' bodies are not read. Nothing has run when New
// returns; Init goes on.
func New(ctx context.Context, rt wazero.Runtime, module []byte, image *wasmrv64.Image, config wazero.ModuleConfig) (*Instance, error) {
	if !Supported {
		return nil, ErrUnsupported
	}
	m, err := wasmrv64.Decode(module)
	if err != nil {
		return nil, err
	}
	if len(image.Funcs) != len(m.Funcs) || len(image.Thunks) != len(m.Types) {
		return nil, fmt.Errorf("%w: code and module differ", wasmrv64.ErrMalformed)
	}
	i := &Instance{m: m, image: image, layout: wasmrv64.LayoutOf(m)}
	if i.module, err = rt.InstantiateWithConfig(ctx, companion(m), config); err != nil {
		return nil, err
	}
	if m.Memory != nil {
		i.memory = i.module.Memory()
	}
	for n := range m.Imports {
		i.hosts = append(i.hosts, i.module.ExportedFunction(exportName(n)))
	}
	if err := i.mapCode(); err != nil {
		return nil, err
	}
	i.context = make([]uint64, i.layout.Words)
	i.context[wasmrv64.CtxStackLimit] = sys.Address(i.stack) + slack
	i.moved()
	i.makeRecords()
	i.makeTables()
	i.makeGlobals()
	return i, nil
}

// Memory returns the linear memory, nil if there is none.
func (i *Instance) Memory() api.Memory { return i.memory }

// moved tells code where the linear memory is.
func (i *Instance) moved() {
	if i.memory == nil {
		return
	}
	pages, _ := i.memory.Grow(0)
	at := uint64(0)
	if first, ok := i.memory.Read(0, 1); ok {
		at = sys.Address(first)
	}
	i.context[wasmrv64.CtxMemory] = at
	i.context[wasmrv64.CtxMemoryEnd] = at + uint64(pages)<<16
}

// makeRecords makes the function records.
func (i *Instance) makeRecords() {
	base := sys.Address(i.code)
	i.records = make([]uint64, 0, 2*len(i.m.Funcs)+1)
	for n, f := range i.image.Funcs {
		i.records = append(i.records, base+uint64(f.Offset), uint64(i.m.TypeID(i.m.Funcs[n])))
	}
	i.context[wasmrv64.CtxFuncs] = sys.AddressOfWords(i.records)
}

// reference returns a reference to a function.
func (i *Instance) reference(function uint64) uint64 {
	return i.context[wasmrv64.CtxFuncs] + 16*function
}

// value returns a constant expression's value.
func (i *Instance) value(e wasmrv64.Expr) uint64 {
	switch e.Kind {
	case wasmrv64.ExprFunc:
		return i.reference(e.Value)
	case wasmrv64.ExprGlobal:
		return i.context[i.layout.Globals+int(e.Value)]
	}
	return e.Value
}

func (i *Instance) makeGlobals() {
	for n, g := range i.m.Globals {
		i.context[i.layout.Globals+n] = i.value(g.Init)
	}
}

func (i *Instance) makeTables() {
	i.tables = make([][]uint64, len(i.m.Tables))
	for n, t := range i.m.Tables {
		i.setTable(n, make([]uint64, t.Min))
	}
}

// setTable puts a table in place and tells code where it is.
func (i *Instance) setTable(n int, t []uint64) {
	i.tables[n] = t
	at := i.layout.Tables + 2*n
	i.context[at], i.context[at+1] = sys.AddressOfWords(t), uint64(len(t))
}

// Init fills tables and memory from the module's segments and calls its start
// function.
func (i *Instance) Init(ctx context.Context) error {
	i.elements = make([][]uint64, len(i.m.Elements))
	for n, e := range i.m.Elements {
		list := make([]uint64, len(e.Init))
		for k, x := range e.Init {
			list[k] = i.value(x)
		}
		switch e.Mode {
		case wasmrv64.Passive:
			i.elements[n] = list
		case wasmrv64.Active:
			at := uint64(uint32(i.value(e.Offset)))
			if at+uint64(len(list)) > uint64(len(i.tables[e.Table])) {
				return fmt.Errorf("element[%d]: %v", n, wasmrv64.TrapTable)
			}
			copy(i.tables[e.Table][at:], list)
		}
	}
	i.data = make([][]byte, len(i.m.Data))
	for n, d := range i.m.Data {
		if d.Mode == wasmrv64.Passive {
			i.data[n] = d.Init
		} else if !i.memory.Write(uint32(i.value(d.Offset)), d.Init) {
			return fmt.Errorf("data[%d]: %v", n, wasmrv64.TrapMemory)
		}
	}
	if i.m.Start >= 0 {
		_, err := i.call(ctx, uint32(i.m.Start))
		return err
	}
	return nil
}

// export returns the index of an exported function.
func (i *Instance) export(name string) (uint32, bool) {
	for _, e := range i.m.Exports {
		if e.Name == name && e.Kind == 0 {
			return e.Index, true
		}
	}
	return 0, false
}

// Type returns the type of an exported function, and whether there is one.
func (i *Instance) Type(export string) (wasmrv64.FuncType, bool) {
	if f, ok := i.export(export); ok {
		return i.m.TypeOf(f), true
	}
	return wasmrv64.FuncType{}, false
}

// Call calls an exported function. A trap's error is in wazero's words.
func (i *Instance) Call(ctx context.Context, export string, args ...uint64) ([]uint64, error) {
	f, ok := i.export(export)
	if !ok {
		return nil, fmt.Errorf("no exported function %q", export)
	}
	return i.call(ctx, f, args...)
}
