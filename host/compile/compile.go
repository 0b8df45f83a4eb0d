// SPDX-License-Identifier: Apache-2.0

// Package compile turns WebAssembly modules into machine code for the guest,
// on the host, and keeps the result.
//
// # How it works
//
// [Module] looks into the user's cache. On a miss it starts the program that
// it is part of once more, as a child that does nothing but compile
// ([ChildMain]), gives it the module on standard input and takes the code from
// standard output. Package wasmcode does the compiling and defines the form of
// the code; the guest's runner takes it as the boot archive's file "code".
//
// # Trust
//
// A module is hostile until the compiler has accepted it. The child that looks
// at it has limits of memory and time, no environment, no files but its three
// streams, and dies with its parent. What it answers is bounded and goes only
// to the guest, where the module would run anyway. A child that crashes costs
// its caller an error, and the guest compiles instead.
//
// The cache (package codecache) is a folder of the user's that no guest ever
// sees. A folder that can't be used makes runs slower, not fail.
//
// # Rejected alternatives
//
// wazero's own cache folder: it trusts what it finds, and computes its keys
// for the host's CPU. Compiling in the caller's process: a compiler bug would
// take the command, with its terminal and its guest, down. Compiling in a guest
// kept for the purpose: twenty times slower where there is no acceleration,
// which is where compiling hurts.
package compile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"loam/internal/codecache"
	"loam/internal/wasmcode"
	"loam/internal/wasmfile"
)

// Defaults of Options.
const (
	DefaultMemory    = 2 << 30
	DefaultTimeout   = 2 * time.Minute
	DefaultCacheSize = 1 << 30
)

// Errors of Module, matched by errors.Is. After any but ErrInvalid the guest
// can still compile the module itself.
var (
	ErrInvalid     = errors.New("not a module that can be run")  // the text after it is for the user: exit code 126
	ErrLimit       = errors.New("compiling exceeded its limits") // of memory or time
	ErrCrashed     = errors.New("the compiler crashed")          // or its child could not be started
	ErrUnsupported = errors.New("there is no compiler for it")   // for the module on the guest's architecture, here
)

// Options says what to compile and within what. Zero values mean defaults.
type Options struct {
	Module    []byte
	Arch      string        // the guest's GOARCH; default amd64
	CPU       wasmcode.CPU  // the guest's features; default X86_64v3 or RVA22
	Memory    uint64        // bytes the child may use
	Timeout   time.Duration // of the child, by the wall clock
	CacheDir  string        // default: loam/code in the user's cache folder
	CacheSize int64         // bytes the cache may grow to; negative: no cache
}

// Result is a compiled module.
type Result struct {
	Code   []byte        // encoded as package wasmcode says; for the guest
	Cached bool          // it came from the cache
	Engine string        // what compiled it, for people
	Took   time.Duration // in all
	Note   string        // why the cache could not be used, for -v; empty if it could
}

// Supports reports whether this host compiles for guests of an architecture:
// its own, with wazero's compiler, and riscv64, with package wasmrv64.
func Supports(arch string) bool {
	if arch != wasmcode.RISCV64 && (arch != runtime.GOARCH || arch != "amd64" && arch != "arm64") {
		return false
	}
	switch runtime.GOOS {
	case "linux", "darwin", "freebsd", "netbsd":
		return true
	}
	return false
}

// Module compiles a module, or finds it compiled.
func Module(ctx context.Context, o Options) (*Result, error) {
	begin := time.Now()
	o.defaults()
	if !Supports(o.Arch) {
		return nil, fmt.Errorf("%w: it is %s, the guest %s", ErrUnsupported, runtime.GOARCH, o.Arch)
	}
	if _, err := wasmfile.Check(o.Module); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	r := &Result{Engine: wasmcode.Engine(o.Arch)}
	id := wasmcode.ID(o.Arch, o.CPU, o.Module)
	var store *codecache.Cache
	if o.CacheSize > 0 {
		var err error
		if store, err = openCache(o.CacheDir); err != nil {
			r.Note = "compiled code is not kept: " + err.Error()
		} else if code, ok := store.Get(id); ok {
			if _, err := wasmcode.Decode(code); err == nil {
				r.Code, r.Cached, r.Took = code, true, time.Since(begin)
				return r, nil
			}
		}
	}
	code, err := child(ctx, &o)
	if err != nil {
		return nil, err
	}
	if store != nil {
		if err := store.Put(id, code, o.CacheSize); err != nil {
			r.Note = "compiled code is not kept: " + err.Error()
		}
	}
	r.Code, r.Took = code, time.Since(begin)
	return r, nil
}

func (o *Options) defaults() {
	if o.Arch == "" {
		o.Arch = "amd64"
	}
	if o.CPU == 0 && o.Arch == "amd64" {
		o.CPU = wasmcode.X86_64v3
	}
	if o.CPU == 0 && o.Arch == wasmcode.RISCV64 {
		o.CPU = wasmcode.RVA22
	}
	if o.Memory == 0 {
		o.Memory = DefaultMemory
	}
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.CacheSize == 0 {
		o.CacheSize = DefaultCacheSize
	}
}

// openCache opens the cache in a folder, by default in the user's cache folder.
func openCache(dir string) (*codecache.Cache, error) {
	if dir == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			return nil, err
		}
		dir = filepath.Join(base, "loam", "code")
	}
	return codecache.Open(dir)
}
