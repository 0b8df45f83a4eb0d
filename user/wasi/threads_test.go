// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"loam/test/wasm"
	"loam/user/wasi/runner"
)

// words is what a module with threads writes.
func words(a, b int32) string {
	return string(binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, uint32(a)), uint32(b)))
}

// TestThreads runs modules with threads, each in a process of its own, for their threads may go on when they have ended.
func TestThreads(t *testing.T) {
	type test struct {
		module []byte
		code   int
		stdout string
		stderr string // what it contains; nothing: it is empty
	}
	all := map[string]test{
		"one":               {wasm.Threads(1, 10), 0, words(10, 1), ""},
		"many":              {wasm.Threads(50, 20_000), 0, words(1_000_000, 50), ""},
		"one by one":        {wasm.ThreadsOneByOne(2000), 0, words(2000, 1), ""},
		"exit":              {wasm.ThreadExit(7), 7, "", ""},
		"trap":              {wasm.ThreadTrap(), 134, "", "loam: wasm trap: unreachable\n"},
		"busy":              {wasm.ThreadsBusy(4), 0, "", ""},
		"too many":          {wasm.ThreadsMost(), 0, words(runner.MaxThreads, -6), ""},
		"memory not shared": {wasm.MemoryNotShared(), 126, "", "only one that threads share"},
	}
	for name, module := range wasm.ThreadsUnable() {
		all[name] = test{module, 0, words(-52, 0), ""}
	}
	for name, c := range all {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "a.wasm")
			if err := os.WriteFile(file, c.module, 0o644); err != nil {
				t.Fatal(err)
			}
			code, stdout, stderr := runWASI(t, file)
			if code != c.code || stdout != c.stdout || !contains(stderr, c.stderr) {
				t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
			}
		})
	}
}
