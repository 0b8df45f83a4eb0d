// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"errors"
	"runtime"

	"github.com/tetratelabs/wazero"

	"loam/internal/wasmcode"
	"loam/internal/wasmfile"
	"loam/internal/wasmrv64"
	"loam/user/wasi/native"
)

// startNative runs the module as code for riscv64, which there is or which is made here.
// It returns errInterpret if the module uses what the compiler does not know;
// r.rt and valid are then there for the interpreter.
func (r *run) startNative(ctx context.Context) (valid wazero.CompiledModule, err error) {
	r.rt = wazero.NewRuntimeWithConfig(ctx, wasmcode.InterpreterConfig().WithMemoryLimitPages(r.pages))
	outline, image := r.image()
	if image == nil {
		if r.info, err = wasmfile.Check(r.module); err != nil {
			return nil, cannot(err.Error())
		}
		outline = wasmfile.Clean(r.module, r.info)
		if valid, err = r.rt.CompileModule(ctx, outline); err != nil {
			return nil, cannot(oneLine(err))
		}
		if image, err = wasmrv64.Compile(outline, native.CPU(), runtime.GOMAXPROCS(0)); errors.Is(err, wasmrv64.ErrUnsupported) {
			r.note("not compiled: " + oneLine(err))
			return valid, errInterpret
		} else if err != nil {
			return nil, cannot(oneLine(err))
		}
		r.note("engine: compiler for riscv64, compiling in the guest")
	}
	if err := r.wasi(ctx); err != nil {
		return nil, err
	}
	i, err := native.New(ctx, r.rt, outline, image, r.moduleConfig())
	if err != nil {
		return nil, ended(err, true)
	}
	return nil, r.runNative(ctx, i)
}

// errInterpret says that only the interpreter runs the module.
var errInterpret = failure("no code for it")

// errCPU says that code is for another CPU.
var errCPU = errors.New("it is for a CPU that can do more")

// image returns the code that there is, with the module that it belongs to, nil if
// there is none that is good.
func (r *run) image() ([]byte, *wasmrv64.Image) {
	if r.code == nil {
		return nil, nil
	}
	image, err := r.code.Image()
	switch {
	case err == nil && image.CPU&^native.CPU() != 0:
		err = errCPU
	case err == nil:
		r.note("engine: compiler for riscv64, code " + r.origin)
		return r.code.Module, image
	}
	r.note("code " + r.origin + " refused: " + oneLine(err) + "; compiling in the guest")
	r.code = nil
	return nil, nil
}

// runNative runs an instance to its end.
func (r *run) runNative(ctx context.Context, i *native.Instance) error {
	defer i.Close()
	if m := i.Memory(); m != nil {
		if err := r.fill(m); err != nil {
			return err
		}
	}
	if err := i.Init(ctx); err != nil {
		return ended(err, true)
	}
	if t, _ := i.Type("_start"); len(t.Params)+len(t.Results) != 0 {
		return errStart
	}
	_, err := i.Call(ctx, "_start")
	return ended(err, false)
}
