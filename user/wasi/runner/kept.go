// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"runtime"

	"loam/internal/codecache"
	"loam/internal/wasmcode"
	"loam/internal/wasmrv64"
	"loam/user/wasi/native"
)

// CacheSize is the most bytes of code that Config.Cache keeps: a folder in a machine's
// memory is memory that programs don't have.
const CacheSize = 64 << 20

// keptCode returns the module's code from the configuration's folder, or compiles the
// module and keeps the code there for the next start. nil: there is no such folder, or
// the module goes the usual way, which says what is wrong with it.
func (r *run) keptCode(ctx context.Context) *wasmcode.Code {
	if r.conf.Cache == "" || !native.Supported && !compilerServes() {
		return nil
	}
	store, err := codecache.Open(r.conf.Cache)
	if err != nil {
		r.note("compiled code is not kept: " + oneLine(err))
		return nil
	}
	id := wasmcode.ID(runtime.GOARCH, cpu(), r.module)
	if b, ok := store.Get(id); ok {
		if c, err := wasmcode.Decode(b); err == nil {
			r.origin = "found in the cache"
			return c
		}
	}
	c, err := compileHere(ctx, r.module)
	if err != nil {
		return nil
	}
	r.origin = "compiled in the guest"
	if err := store.Put(id, c.Encode(), CacheSize); err != nil {
		r.note("compiled code is not kept: " + oneLine(err))
	}
	return c
}

// cpu is what the compiler may use of this CPU.
func cpu() wasmcode.CPU {
	if native.Supported {
		return wasmcode.CPU(native.CPU())
	}
	return engineCPU()
}

// compileHere compiles a module as the host does, but for this CPU.
func compileHere(ctx context.Context, module []byte) (*wasmcode.Code, error) {
	workers := runtime.GOMAXPROCS(0)
	if native.Supported {
		return wasmcode.CompileRISCV64(ctx, module, wasmrv64.CPU(cpu()), workers)
	}
	return wasmcode.Compile(ctx, module, cpu(), workers)
}
