// SPDX-License-Identifier: Apache-2.0

//go:build linux

package preview1

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
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
	// Threads says that the module may have several, each with its own System (Thread, WithThread).
	Threads bool
}

// System is what one instance of a module sees of the machine, which is one thread of the module: its calls come one at a
// time. Threads share all that there is, each has a System of its own.
type System struct {
	*process
	held []*file // what the call under way uses, if there are threads: nobody closes it meanwhile

	// Used again by each call.
	memory  memory
	buffers [][]byte
	polls   []unix.PollFd
}

// process is what threads share.
type process struct {
	args, env strings.Builder // with a NUL behind each
	argc      int
	envc      int
	random    io.Reader
	started   time.Time
	threads   bool // there may be several

	// mu guards these, and what is said at file's fields. It is held for moments, and by nobody who waits.
	mu    sync.Mutex
	table []*descriptor // by number
	free  uint32        // no number below it is
}

// lock takes the lock, which a module without threads has no need of.
func (p *process) lock() {
	if p.threads {
		p.mu.Lock()
	}
}

func (p *process) unlock() {
	if p.threads {
		p.mu.Unlock()
	}
}

// New makes a System.
func New(c Config) (*System, error) {
	s := &System{process: &process{random: c.Random, started: time.Now(), threads: c.Threads}}
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
	for _, d := range []*descriptor{newStream(c.Stdin, nil, rightRead), newStream(nil, c.Stdout, rightWrite), newStream(nil, c.Stderr, rightWrite)} {
		s.add(d)
	}
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
func (s *System) adapt(f function) api.GoModuleFunction {
	if f.ends != nil {
		return api.GoModuleFunc(f.ends)
	}
	if s.threads {
		return &threadCaller{s, f.call, f.name}
	}
	return &caller{s, f.call, f.name}
}

// caller is a function of the module's. A type of its own, and not a closure: modules call by it all the time.
type caller struct {
	s    *System
	call func(s *System, m memory, p []uint64) Errno
	name string
}

// Call implements api.GoModuleFunction.
func (c *caller) Call(_ context.Context, m api.Module, stack []uint64) {
	mem := m.Memory()
	if mem == nil {
		panic(fmt.Errorf("%s: the module has no memory", c.name))
	}
	s := c.s
	// Memory of the same size is where it was.
	if size := mem.Size(); size == 0 || uint64(size) != uint64(len(s.memory)) {
		s.memory = memoryOf(mem)
	}
	stack[0] = uint64(c.call(s, s.memory, stack))
}

// threadCaller is a caller for a module that may have several threads.
type threadCaller caller

// Call implements api.GoModuleFunction.
func (c *threadCaller) Call(ctx context.Context, m api.Module, stack []uint64) {
	of := caller{c.s.of(ctx), c.call, c.name}
	of.Call(ctx, m, stack)
	of.s.release()
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
