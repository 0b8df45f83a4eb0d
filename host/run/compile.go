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
	if o.GuestCompiles {
		o.say("wasm: not compiled on the host")
		return nil, nil
	}
	c := compile.Options{Module: prog.Data, Arch: o.Arch, CacheSize: -1}
	if o.Cache != "" {
		c.CacheDir, c.CacheSize = filepath.Join(o.Cache, "code"), 0
	}
	ctx, done := o.limited(ctx)
	r, err := compile.Module(ctx, c)
	if asked := done(); asked != nil {
		return nil, asked
	}
	switch {
	case err == nil:
	case errors.Is(err, compile.ErrInvalid):
		text := strings.TrimPrefix(err.Error(), compile.ErrInvalid.Error()+": ")
		return nil, exit.Errorf(exit.CannotRun, "%s: %s", prog.Path, text)
	case errors.Is(err, compile.ErrUnsupported) && compile.Supports(o.Arch):
		o.note("wasm: %s is interpreted, which is slow: %v", prog.Path, err)
		return nil, nil
	default:
		o.say("wasm: not compiled on the host: %v", err)
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

// limited returns a context that ends at the time limit or at an interrupt. Its
// done ends it, too, and returns the error to end the run with if it was one
// of those.
func (o *Options) limited(ctx context.Context) (limited context.Context, done func() error) {
	ctx, cancel := context.WithCancel(ctx)
	var timeout <-chan time.Time
	if !o.deadline.IsZero() {
		timeout = time.After(time.Until(o.deadline))
	}
	asked := make(chan error, 1)
	go func() {
		defer cancel()
		select {
		case <-timeout:
			asked <- o.timedOut()
		case code := <-o.Interrupt:
			asked <- &exit.Error{Code: code, Text: interrupted(code)}
		case <-ctx.Done():
			asked <- nil
		}
	}()
	return ctx, func() error {
		cancel()
		return <-asked // an interrupt that was taken is not lost
	}
}

func (o *Options) timedOut() error {
	return exit.Errorf(exit.Timeout, "timeout: ended after %v", o.Timeout)
}
