// SPDX-License-Identifier: Apache-2.0

//go:build linux

package preview1

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"golang.org/x/sys/unix"
)

// Config is all that a module gets.
type Config struct {
	Args    []string
	Env     []string // key=value; others are left out
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
	Random  io.Reader // never ends
	Folders []Folder
	// Listeners are ports of TCP. The module has a listener for each, from all addresses.
	Listeners []uint16
}

// System is what one instance of a module sees of the machine. The module's calls come one at a time.
type System struct {
	args, env strings.Builder // with a NUL behind each
	argc      int
	envc      int
	random    io.Reader
	table     []*descriptor // by number
	free      uint32        // no number below it is
	started   time.Time
	monotonic time.Duration // the clock then

	// Used again by each call.
	buffers [][]byte
	polls   []unix.PollFd
}

// New makes a System.
func New(c Config) (*System, error) {
	s := &System{random: c.Random, started: time.Now()}
	var now unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &now) == nil {
		s.monotonic = time.Duration(now.Nano())
	}
	for _, a := range c.Args {
		s.args.WriteString(a + "\x00")
	}
	s.argc = len(c.Args)
	for _, kv := range c.Env {
		if k, _, ok := strings.Cut(kv, "="); ok && k != "" {
			s.env.WriteString(kv + "\x00")
			s.envc++
		}
	}
	s.table = []*descriptor{newStream(c.Stdin, nil, rightRead), newStream(nil, c.Stdout, rightWrite), newStream(nil, c.Stderr, rightWrite)}
	for _, f := range c.Folders {
		d, err := newFolder(f)
		if err != nil {
			return nil, fmt.Errorf("the folder %s: %w", f.Name, err)
		}
		s.add(d)
	}
	for _, port := range c.Listeners {
		d, err := newListener(port)
		if err != nil {
			return nil, fmt.Errorf("the listener at port %d: %w", port, err)
		}
		s.add(d)
	}
	return s, nil
}

// Instantiate makes the host module, with the functions that are wanted alone: each costs time at the start.
// A function that isn't known is left out, and missed by the module's own instantiation.
func (s *System) Instantiate(ctx context.Context, rt wazero.Runtime, wanted func(name string) bool) error {
	b := rt.NewHostModuleBuilder(ModuleName)
	for _, f := range functions {
		if !wanted(f.name) {
			continue
		}
		b.NewFunctionBuilder().WithGoModuleFunction(s.adapt(f), valueTypes(f.params), []api.ValueType{api.ValueTypeI32}[:f.results()]).Export(f.name)
	}
	_, err := b.Instantiate(ctx)
	return err
}

// adapt makes a function one of wazero's.
func (s *System) adapt(f function) api.GoModuleFunc {
	if f.ends != nil {
		return func(ctx context.Context, m api.Module, stack []uint64) {
			f.ends(ctx, m, stack)
		}
	}
	return func(_ context.Context, m api.Module, stack []uint64) {
		mem := m.Memory()
		if mem == nil {
			panic(fmt.Errorf("%s: the module has no memory", f.name))
		}
		stack[0] = uint64(f.call(s, memoryOf(mem), stack))
	}
}

// valueTypes are the types of parameters: i is i32, I is i64.
func valueTypes(params string) []api.ValueType {
	list := make([]api.ValueType, len(params))
	for n, c := range params {
		if list[n] = api.ValueTypeI32; c == 'I' {
			list[n] = api.ValueTypeI64
		}
	}
	return list
}
