// SPDX-License-Identifier: Apache-2.0

package wasmcode

import (
	"context"
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"

	"loam/internal/wasmfile"
	"loam/user/sys"
)

// ErrMisfit says that this package and this wazero no longer fit together.
var ErrMisfit = errors.New("wasmcode: the engine does not take back its own code")

// Compile compiles a module for a CPU with the given features, by the given
// number of workers. It changes the process's idea of its CPU, so the process
// must not run a module afterwards; it is meant for a child process.
//
// The error wraps one of package wasmfile's or is the engine's, about the
// module, except ErrMisfit and those of package sys.
func Compile(ctx context.Context, module []byte, cpu CPU, workers int) (*Code, error) {
	info, err := wasmfile.Check(module)
	if err != nil {
		return nil, err
	}
	sys.SetWazeroCPU(uint64(cpu))
	ctx = experimental.WithCompilationWorkers(ctx, workers)
	collect := &collector{}
	if err := pass(ctx, collect, wasmfile.Clean(module, info)); err != nil {
		return nil, err
	}
	prove := &supplier{entry: collect.entry, anyKey: true}
	stripped, data := wasmfile.Strip(module, info)
	if err := pass(ctx, prove, stripped); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrMisfit, err)
	}
	return &Code{Key: prove.key, Module: stripped, Data: data, Entry: prove.entry}, nil
}

// pass compiles a module once, with a cache that stores in files.
func pass(ctx context.Context, files any, module []byte) error {
	cache, err := newCache(files)
	if err != nil {
		return err
	}
	defer cache.Close(ctx)
	rt := wazero.NewRuntimeWithConfig(ctx, Config().WithCompilationCache(cache))
	defer rt.Close(ctx)
	_, err = rt.CompileModule(ctx, module)
	return err
}
