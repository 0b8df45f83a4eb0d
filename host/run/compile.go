// SPDX-License-Identifier: Apache-2.0

package run

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"time"

	"loam/host/compile"
	"loam/host/exit"
	"loam/host/program"
)

// compile returns the compiled code of a module for the guest, or nil if the
// guest is to compile it. It fails only if the module is invalid or the
// person's patience is at its end.
func (o *Options) compile(ctx context.Context, prog *program.Program) ([]byte, error) {
	c := compile.Options{Module: prog.Data, Arch: arch, CacheSize: -1}
	if o.Cache != "" {
		c.CacheDir, c.CacheSize = filepath.Join(o.Cache, "code"), 0
	}
	ctx, cancel := o.limited(ctx)
	defer cancel(nil)
	r, err := compile.Module(ctx, c)
	var asked *exit.Error
	switch {
	case err == nil:
	case errors.As(context.Cause(ctx), &asked):
		return nil, asked
	case errors.Is(err, compile.ErrInvalid):
		text := strings.TrimPrefix(err.Error(), compile.ErrInvalid.Error()+": ")
		return nil, exit.Errorf(exit.CannotRun, "%s: %s", prog.Path, text)
	default:
		o.say("wasm: not compiled on the host (%v): the guest compiles", err)
		return nil, nil
	}
	if r.Note != "" {
		o.say("wasm: %s", r.Note)
	}
	how := "compiled on the host"
	if r.Cached {
		how = "found compiled in the cache"
	}
	o.say("wasm: %s by %s in %v", how, r.Engine, r.Took.Round(time.Millisecond))
	return r.Code, nil
}

// limited returns a context that ends at the time limit or at an interrupt,
// the cause an *exit.Error that says which. An interrupt that came is put back
// in no way: the run ends with it.
func (o *Options) limited(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	var timeout <-chan time.Time
	if o.Timeout > 0 {
		timeout = time.After(o.Timeout)
	}
	go func() {
		select {
		case <-timeout:
			cancel(exit.Errorf(exit.Timeout, "timeout: still compiling after %v", o.Timeout))
		case code := <-o.Interrupt:
			cancel(&exit.Error{Code: code, Text: interrupted(code)})
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}
