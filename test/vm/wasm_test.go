// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"encoding/binary"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"loam/test/vm/vmtest"
	"loam/test/wasm"
)

// module writes a module to a file.
func module(t *testing.T, data []byte) string { return vmtest.File(t, "module.wasm", data) }

func TestModules(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	vmtest.Run(t, module(t, wasm.Hello())).WantStdout(t, 0, "hello, world\n")
	for _, code := range []int{0, 1, 77, 134, 255} {
		vmtest.Run(t, module(t, wasm.Exit(code))).WantStdout(t, code, "")
	}
	r := vmtest.Run(t, module(t, wasm.Print(2, "to stderr\n", 3)))
	r.WantStdout(t, 3, "")
	if string(r.Stderr) != "to stderr\n" {
		t.Errorf("stderr: %s", r.Stderr)
	}
	file := module(t, wasm.Strings(false))
	vmtest.Run(t, file, "a b", "", "é\xff", "-m").WantStdout(t, 0, file+"\x00a b\x00\x00é\xff\x00-m\x00")
	vmtest.Run(t, "-e", "A=1", "-e", "B=x y", module(t, wasm.Strings(true))).WantStdout(t, 0, "A=1\x00B=x y\x00")
	for _, data := range [][]byte{nil, {0, 1, 255}, randomBytes("wasm", 300_000)} {
		vmtest.Command{Args: []string{"run", module(t, wasm.Echo())}, Stdin: bytes.NewReader(data)}.Do(t).
			WantStdout(t, 0, string(data))
	}
	if r := vmtest.Run(t, on(full(), module(t, wasm.Hello()))...); r.Code != 0 {
		t.Errorf("on %s: %s", full(), r)
	}
}

func TestModuleClockAndRandom(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	before := time.Now()
	r := vmtest.Run(t, module(t, wasm.Clock(0)))
	if len(r.Stdout) != 8 {
		t.Fatal(r)
	}
	if got := time.Unix(0, int64(binary.LittleEndian.Uint64(r.Stdout))); got.Before(before.Add(-time.Minute)) || got.After(time.Now().Add(time.Minute)) {
		t.Errorf("the clock says %v, it is %v", got, before)
	}
	a, b := vmtest.Run(t, module(t, wasm.Random())), vmtest.Run(t, module(t, wasm.Random()))
	if len(a.Stdout) != 32 || bytes.Equal(a.Stdout, b.Stdout) || bytes.Equal(a.Stdout, make([]byte, 32)) {
		t.Errorf("not random: %x, %x", a.Stdout, b.Stdout)
	}
}

// Traps: 134, and a line with the reason.
func TestTraps(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for name, c := range map[string]struct {
		data []byte
		why  string
	}{
		"unreachable":       {wasm.Unreachable(), "unreachable"},
		"division by zero":  {wasm.DivideByZero(), "divide by zero"},
		"out of bounds":     {wasm.OutOfBounds(), "out of bounds"},
		"indirect mismatch": {wasm.IndirectMismatch(), "indirect call"},
		"recursion":         {wasm.Recurse(), "stack overflow"},
		"start function":    {wasm.StartTrap(), "unreachable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := vmtest.Run(t, module(t, c.data))
			r.WantStdout(t, 134, "")
			if !strings.Contains(string(r.Stderr), c.why) {
				t.Errorf("stderr does not say %q: %s", c.why, r)
			}
		})
	}
}

// Modules that want everything there is.
func TestGreedyModules(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	t.Run("memory", func(t *testing.T) {
		// memory.grow fails in time, so that the module can say what it got.
		r := vmtest.Run(t, "-m", "128M", module(t, wasm.Grow()))
		if r.Code != 7 || len(r.Stdout) != 4 {
			t.Fatal(r)
		}
		if pages := binary.LittleEndian.Uint32(r.Stdout); pages < 200 || pages > 2048 {
			t.Errorf("it got %d pages of 64 KiB in a machine of 128 MiB", pages)
		}
	})
	for name, data := range map[string][]byte{
		"huge memory": wasm.HugeMemory(), "huge table": wasm.HugeTable(), "huge locals": wasm.HugeLocals(), "bad data": wasm.BadData(),
	} {
		t.Run(name, func(t *testing.T) {
			r := vmtest.Run(t, "-m", "128M", module(t, data))
			if r.Code < 125 || len(r.Stderr) == 0 || len(r.Stdout) > 0 {
				t.Errorf("want a refusal and a reason\n%s", r)
			}
			if n := bytes.Count(r.Stderr, []byte("\n")); n > 3 {
				t.Errorf("%d lines of reasons: %s", n, r.Stderr)
			}
		})
	}
	for name, data := range map[string][]byte{"time": wasm.Spin(), "time, with calls": wasm.SpinCalls()} {
		t.Run(name, func(t *testing.T) {
			vmtest.Run(t, "--timeout", "5s", module(t, data)).WantReason(t, 124, "timeout")
		})
	}
}

// The cache of compiled code: found again, and never trusted.
func TestCache(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	cache := t.TempDir()
	file := module(t, wasm.Large(300_000, 1))
	run := func(words ...string) []byte {
		t.Helper()
		r := vmtest.Command{Args: []string{"run", "-v", file}, Env: []string{"LOAM_CACHE=" + cache}}.Do(t)
		for _, w := range append(words, "loam: wasm:") {
			if !strings.Contains(string(r.Stderr), w) {
				t.Errorf("-v does not say %q", w)
			}
		}
		if r.Code != 0 || len(r.Stdout) != 4 || t.Failed() {
			t.Fatal(r)
		}
		return r.Stdout
	}
	first := run("compiled on the host")
	again := func(words ...string) {
		t.Helper()
		if got := run(words...); !bytes.Equal(got, first) {
			t.Errorf("it computed %x, %x the first time", got, first)
		}
	}
	again("found compiled in the cache")
	for name, damage := range map[string]func(b []byte) []byte{
		"a bit":      func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"the end":    func(b []byte) []byte { return b[:len(b)-1] },
		"everything": func(b []byte) []byte { return nil },
		"more":       func(b []byte) []byte { return append(b, 0) },
	} {
		if n := damageAll(t, filepath.Join(cache, "code"), damage); n == 0 {
			t.Fatal("there is no cache")
		}
		again("compiled on the host")
		again("found compiled in the cache")
		t.Logf("damaged: %s", name)
	}
	// Another module must not get this one's code.
	file = module(t, wasm.Large(300_000, 2))
	if other := run("compiled on the host"); bytes.Equal(other, first) {
		t.Error("another module computes the same")
	}
}

// damageAll changes every large file of the cache.
func damageAll(t *testing.T, dir string, damage func([]byte) []byte) (n int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil || len(b) < 1000 {
			return err // a key
		}
		n++
		return os.WriteFile(path, damage(b), 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A module of the stock Go toolchain.
func TestGoModule(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	demo := filepath.Join(t.TempDir(), "demo.wasm")
	if err := vmtest.Go("wasip1", "wasm", "build", "-ldflags", "-s -w", "-o", demo, "./test/demo"); err != nil {
		t.Fatal(err)
	}
	for _, kind := range vmtest.Machines(kinds()...) {
		r := vmtest.Command{
			Args:  append([]string{"run"}, on(kind, "-e", "K=V", demo, "-exit", "9", "-stdin", "x", "y")...),
			Stdin: strings.NewReader("12345"),
		}.Do(t)
		r.Want(t, 9)
		for _, w := range []string{"2: x y", "1: K=V", "stdin        5 bytes"} {
			if !strings.Contains(string(r.Stdout), w) {
				t.Errorf("%s: stdout does not say %q: %s", kind, w, r)
			}
		}
	}
}

// The code that the host has compiled is code for the machine that it starts.
func TestWasmEngine(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	r := vmtest.Run(t, "-v", module(t, wasm.Hello()))
	if r.Code != 0 || !strings.Contains(string(r.Stderr), "code compiled on the host") || strings.Contains(string(r.Stderr), "refused") {
		t.Error(r)
	}
}

// An entry that loam wrote itself, but for another module, is not taken.
func TestWasmForeignCode(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	cache := t.TempDir()
	run := func(file, word string) []byte {
		t.Helper()
		r := vmtest.Command{Args: []string{"run", "-v", file}, Env: []string{"LOAM_CACHE=" + cache}}.Do(t)
		if r.Code != 0 || len(r.Stdout) != 4 || !strings.Contains(string(r.Stderr), word) {
			t.Fatalf("want %q\n%s", word, r)
		}
		return r.Stdout
	}
	entries := func() map[string][]byte {
		found := map[string][]byte{}
		list, err := os.ReadDir(filepath.Join(cache, "code"))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			b, err := os.ReadFile(filepath.Join(cache, "code", e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			if len(b) > 1000 {
				found[e.Name()] = b
			}
		}
		return found
	}
	one, two := module(t, wasm.Large(50_000, 3)), module(t, wasm.Large(50_000, 4))
	first := run(one, "compiled on the host")
	mine := entries()
	second := run(two, "compiled on the host")
	if len(mine) != 1 || len(entries()) != 2 || bytes.Equal(first, second) {
		t.Fatalf("%d entries, then %d; results %x, %x", len(mine), len(entries()), first, second)
	}
	for name, content := range entries() {
		if _, old := mine[name]; old {
			continue
		}
		for old := range mine { // the second module's code under the first one's name
			if err := os.WriteFile(filepath.Join(cache, "code", old), content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if again := run(one, "compiled on the host"); !bytes.Equal(again, first) {
		t.Errorf("it computed %x, %x the first time", again, first)
	}
}

// Without a place for a cache, a module runs all the same.
func TestWasmNoCache(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	c := vmtest.Command{Args: []string{"run", module(t, wasm.Hello())}, Env: []string{"LOAM_CACHE=/dev/null/cache"}}
	c.Do(t).WantStdout(t, 0, "hello, world\n")
}

// Two runs of one module that begin with the same empty cache.
func TestWasmTogether(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	c := vmtest.Command{
		Args: []string{"run", module(t, wasm.Large(50_000, 5))}, Env: []string{"LOAM_CACHE=" + t.TempDir()},
	}
	var sums [2][]byte
	t.Run("both", func(t *testing.T) {
		for i := range sums {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				r := c.Do(t)
				r.Want(t, 0)
				sums[i] = r.Stdout
			})
		}
	})
	if len(sums[0]) != 4 || !bytes.Equal(sums[0], sums[1]) {
		t.Errorf("one computed %x, the other %x", sums[0], sums[1])
	}
}

// A function of WASI under another type than WASI's is one that nobody provides.
func TestWasmWrongType(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	r := vmtest.Run(t, module(t, wasm.WrongWASI()))
	r.WantReason(t, 126, "fd_write")
	r.WantStdout(t, 126, "")
}

// TestModuleThreads runs modules with threads: what comes first ends all, whatever the others do.
func TestModuleThreads(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	words := func(a, b int32) string {
		return string(binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, uint32(a)), uint32(b)))
	}
	const again, unknown = -6, -52 // errors
	for name, c := range map[string]struct {
		data   []byte
		code   int
		stdout string
	}{
		"add":        {wasm.Threads(16, 5000), 0, words(80_000, 16)},
		"one by one": {wasm.ThreadsOneByOne(200), 0, words(200, 1)},
		"exit":       {wasm.ThreadExit(7), 7, ""},
		"trap":       {wasm.ThreadTrap(), 134, ""},
		"busy":       {wasm.ThreadsBusy(4), 0, ""},
		"too many":   {wasm.ThreadsMost(), 0, words(64, again)}, // of 128 MiB
		"unable":     {wasm.ThreadsUnable()["no function"], 0, words(unknown, 0)},
		"not shared": {wasm.MemoryNotShared(), 126, ""},
	} {
		t.Run(name, func(t *testing.T) {
			vmtest.Run(t, "-m", "128M", module(t, c.data)).WantStdout(t, c.code, c.stdout)
		})
	}
}
