// SPDX-License-Identifier: Apache-2.0

//go:build linux

package runner

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"loam/test/wasm"
)

// TestKeptCode starts modules with a folder for their code: compiled once, found from then on, and compiled anew when
// what is there isn't whole.
func TestKeptCode(t *testing.T) {
	if precompile(t, wasm.Hello()) == nil {
		t.Fatal("no code")
	}
	dir := filepath.Join(t.TempDir(), "cache")
	files := conf(Config{Verbose: true, Cache: dir})
	module := wasm.Large(30_000, 1)
	want := boot(module, nil).stdout
	start := func(what, word string) {
		t.Helper()
		if r := boot(module, files); r.code != 0 || r.stdout != want || len(want) != 4 || !strings.Contains(r.stderr, ", code "+word) {
			t.Errorf("%s: %+v, want %q and %q", what, r, want, word)
		}
	}
	const made, found = "compiled in the guest", "found in the cache"
	start("first", made)
	start("second", found)
	for what, damage := range map[string]func([]byte) []byte{
		"a bit":   func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"the end": func(b []byte) []byte { return b[:len(b)-1] },
		"empty":   func([]byte) []byte { return nil },
		"longer":  func(b []byte) []byte { return append(b, 0) },
	} {
		entry := entryOf(t, dir)
		b, err := os.ReadFile(entry)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(entry, damage(bytes.Clone(b)), 0o600); err != nil {
			t.Fatal(err)
		}
		start(what, made)
		start(what+", mended", found)
	}
	module, want = wasm.Large(30_000, 2), boot(wasm.Large(30_000, 2), nil).stdout
	start("another module", made)
}

// entryOf is the path of the only entry of a cache.
func entryOf(t *testing.T, dir string) string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, strings.Repeat("?", 64)))
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	return list[0]
}

// TestKeptNot: where nothing can be kept, and for what can't be compiled, the end of the module is the same as ever.
func TestKeptNot(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if r := boot(wasm.Hello(), conf(Config{Verbose: true, Cache: file})); r.code != 0 || !strings.Contains(r.stderr, "compiled code is not kept") {
		t.Errorf("%+v", r)
	}
	for name, module := range map[string][]byte{"exit": wasm.Exit(5), "trap": wasm.DivideByZero(), "invalid": wasm.Invalid(),
		"import": wasm.MissingImport(), "huge": wasm.HugeMemory(), "grow": wasm.Grow(), "data": wasm.BadData(), "text": []byte("text")} {
		c := small
		c.Cache = t.TempDir()
		plain := boot(module, conf(small))
		for range 2 {
			if r := boot(module, conf(c)); r != plain {
				t.Errorf("%s: %+v with a cache, %+v without", name, r, plain)
			}
		}
	}
}
