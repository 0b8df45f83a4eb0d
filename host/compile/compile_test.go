// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"loam/internal/wasmcode"
	"loam/test/wasm"
)

// TestMain makes the test binary able to be the child that Module starts.
func TestMain(m *testing.M) {
	ChildMain()
	os.Exit(m.Run())
}

// options compile for this host's architecture with a cache of the test's own.
func options(t testing.TB, module []byte) Options {
	if !Supports(runtime.GOARCH) {
		t.Skip("no compiler for this host")
	}
	o := Options{Module: module, Arch: runtime.GOARCH, CacheDir: filepath.Join(t.TempDir(), "cache")}
	return o
}

func compile(t testing.TB, o Options) *Result {
	t.Helper()
	r, err := Module(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wasmcode.Decode(r.Code); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestColdAndCached(t *testing.T) {
	o := options(t, wasm.Hello())
	cold, warm := compile(t, o), compile(t, o)
	if cold.Cached || !warm.Cached || !bytes.Equal(cold.Code, warm.Code) {
		t.Fatalf("cold cached %v, warm cached %v, equal %v", cold.Cached, warm.Cached, bytes.Equal(cold.Code, warm.Code))
	}
	if cold.Note != "" || warm.Note != "" || cold.Took <= 0 {
		t.Fatalf("%+v, %+v", cold.Note, warm.Note)
	}
	o.Module = wasm.Exit(1)
	if compile(t, o).Cached {
		t.Error("another module was found in the cache")
	}
	if runtime.GOARCH == "amd64" {
		o.Module, o.CPU = wasm.Hello(), wasmcode.SSE41
		other := compile(t, o)
		a, _ := wasmcode.Decode(other.Code)
		b, _ := wasmcode.Decode(cold.Code)
		if other.Cached || a.Key == b.Key {
			t.Errorf("another CPU: cached %v, same key %v", other.Cached, a.Key == b.Key)
		}
	}
}

// entries lists the cache's entries.
func entries(t *testing.T, dir string) (paths []string) {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, strings.Repeat("?", 64)))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestDamagedEntries damages the entry in every way; each time the module is
// compiled again, and the entry mended.
func TestDamagedEntries(t *testing.T) {
	o := options(t, wasm.Hello())
	want := compile(t, o).Code
	path := entries(t, o.CacheDir)[0]
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	other := o
	other.Module = wasm.Exit(1)
	compile(t, other)
	for name, damage := range map[string]func() []byte{
		"empty":           func() []byte { return nil },
		"short":           func() []byte { return good[:20] },
		"truncated":       func() []byte { return good[:len(good)-1] },
		"longer":          func() []byte { return append(bytes.Clone(good), 0) },
		"checksum":        func() []byte { b := bytes.Clone(good); b[0] ^= 1; return b },
		"content":         func() []byte { b := bytes.Clone(good); b[len(b)/2] ^= 1; return b },
		"no checksum":     func() []byte { return want },
		"zero":            func() []byte { return make([]byte, len(good)) },
		"of other module": func() []byte { return another(t, o.CacheDir, path) },
	} {
		if err := os.WriteFile(path, damage(), 0o600); err != nil {
			t.Fatal(err)
		}
		if r := compile(t, o); r.Cached || !bytes.Equal(r.Code, want) {
			t.Errorf("%s: cached %v", name, r.Cached)
		}
		if r := compile(t, o); !r.Cached || !bytes.Equal(r.Code, want) {
			t.Errorf("%s: not mended", name)
		}
	}
}

// another returns the content of the entry that is not at path.
func another(t *testing.T, dir, path string) []byte {
	for _, p := range entries(t, dir) {
		if p != path {
			b, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
	}
	t.Fatal("no other entry")
	return nil
}

// TestKey replaces or opens the key: entries made under another are not trusted.
func TestKey(t *testing.T) {
	o := options(t, wasm.Hello())
	compile(t, o)
	key := filepath.Join(o.CacheDir, "key")
	info, err := os.Stat(key)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("key: %v, %v", info, err)
	}
	for name, change := range map[string]func() error{
		"foreign":  func() error { return os.WriteFile(key, bytes.Repeat([]byte{7}, 32), 0o600) },
		"short":    func() error { return os.WriteFile(key, []byte{7}, 0o600) },
		"absent":   func() error { return os.Remove(key) },
		"readable": func() error { return os.Chmod(key, 0o644) },
	} {
		compile(t, o)
		if err := change(); err != nil {
			t.Fatal(err)
		}
		if compile(t, o).Cached {
			t.Errorf("%s key: the entry was trusted", name)
		}
		if r := compile(t, o); !r.Cached {
			t.Errorf("%s key: not mended, %s", name, r.Note)
		}
	}
}

func TestUnusableFolder(t *testing.T) {
	o := options(t, wasm.Hello())
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	o.CacheDir = filepath.Join(file, "below")
	if r := compile(t, o); r.Cached || !strings.Contains(r.Note, "not kept") {
		t.Fatalf("cached %v, note %q", r.Cached, r.Note)
	}
	o.CacheDir, o.CacheSize = filepath.Join(t.TempDir(), "none"), -1
	if r := compile(t, o); r.Cached || r.Note != "" {
		t.Fatalf("without a cache: cached %v, note %q", r.Cached, r.Note)
	}
	if _, err := os.Stat(o.CacheDir); err == nil {
		t.Error("a folder was made for no cache")
	}
}

// TestConcurrent compiles the same modules at the same time in one folder.
func TestConcurrent(t *testing.T) {
	o := options(t, nil)
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			o := o
			o.Module = wasm.Exit(n % 2)
			if _, err := Module(context.Background(), o); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for n := range 2 {
		o.Module = wasm.Exit(n)
		compile(t, o)
		if !compile(t, o).Cached {
			t.Errorf("module %d is not in the cache", n)
		}
	}
}

func TestErrors(t *testing.T) {
	large := wasm.Large(3<<20, 1)
	for name, c := range map[string]struct {
		module []byte
		change func(*Options)
		want   error
		text   string
	}{
		"empty":        {nil, nil, ErrInvalid, "empty"},
		"component":    {wasm.Component(), nil, ErrInvalid, "component"},
		"invalid code": {wasm.Invalid(), nil, ErrInvalid, ""},
		"huge locals":  {wasm.HugeLocals(), nil, ErrInvalid, "local variables"},
		"memory":       {large, func(o *Options) { o.Memory = 8 << 20 }, ErrLimit, "memory"},
		"time":         {large, func(o *Options) { o.Timeout = 100 * time.Millisecond }, ErrLimit, "100ms"},
		"architecture": {wasm.Hello(), func(o *Options) { o.Arch = "mips64" }, ErrUnsupported, "mips64"},
	} {
		o := options(t, c.module)
		if c.change != nil {
			c.change(&o)
		}
		_, err := Module(context.Background(), o)
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// TestRISCV64 compiles one module for two architectures with one cache.
func TestRISCV64(t *testing.T) {
	o := options(t, wasm.Hello())
	own := compile(t, o)
	o.Arch = wasmcode.RISCV64
	cold, warm := compile(t, o), compile(t, o)
	if cold.Cached || !warm.Cached || !bytes.Equal(cold.Code, warm.Code) || bytes.Equal(cold.Code, own.Code) || cold.Engine == own.Engine {
		t.Errorf("cold cached %v by %s, warm cached %v by %s", cold.Cached, cold.Engine, warm.Cached, warm.Engine)
	}
	code, err := wasmcode.Decode(cold.Code)
	if err != nil {
		t.Fatal(err)
	}
	if image, err := code.Image(); err != nil || wasmcode.CPU(image.CPU) != wasmcode.RVA22 {
		t.Errorf("%+v, %v", image, err)
	}
	o.Module = (&wasm.Builder{}).Memory(1).Start(0, 0xfd, 12, make([]byte, 16), 0x1a).Bytes() // v128.const
	if _, err := Module(context.Background(), o); !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "0xfd") {
		t.Errorf("vectors: %v", err)
	}
}

func TestCancel(t *testing.T) {
	o := options(t, wasm.Large(3<<20, 1))
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if _, err := Module(ctx, o); err == nil {
		t.Error("no error")
	}
	if d := time.Since(begin); d > 3*time.Second {
		t.Errorf("it took %v to stop", d)
	}
}

// TestVerdict gives the parent answers that no good child gives.
func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		out, errs string
		err       error
		want      error
	}{
		{"", "", nil, ErrCrashed},
		{"", "fatal error: runtime: out of memory", errors.New("exit status 2"), ErrLimit},
		{"", "SIGXCPU: cpu time limit exceeded", errors.New("exit status 2"), ErrLimit},
		{"", "panic: \x1b[31mboo\nmore", errors.New("exit status 2"), ErrCrashed},
		{"C", "", nil, ErrCrashed},
		{"Cgarbage", "", nil, ErrCrashed},
		{"Ibad\nmore", "", nil, ErrInvalid},
		{"Fmisfit", "", nil, ErrCrashed},
		{"?", "", nil, ErrCrashed},
		{"C" + string((&wasmcode.Code{}).Encode()), "", errors.New("exit status 1"), ErrCrashed},
	} {
		_, err := verdict([]byte(c.out), []byte(c.errs), c.err)
		if !errors.Is(err, c.want) || strings.ContainsAny(err.Error(), "\n\x1b") {
			t.Errorf("%q: %q, want %v", c.out+c.errs, err, c.want)
		}
	}
}

// TestServeGarbage gives a child requests that no parent sends.
func TestServeGarbage(t *testing.T) {
	var out bytes.Buffer
	if code := serve(strings.NewReader("short"), &out); code == 0 || out.Len() != 0 {
		t.Errorf("exit code %d, answer %q", code, out.String())
	}
}

func BenchmarkModule(b *testing.B) {
	for name, module := range map[string][]byte{"small": wasm.Hello(), "large": wasm.Large(20<<20, 1)} {
		o := options(b, module)
		b.Run(name+"/cached", func(b *testing.B) {
			compile(b, o)
			for b.Loop() {
				compile(b, o)
			}
		})
		o.CacheSize = -1
		b.Run(name+"/cold", func(b *testing.B) {
			for b.Loop() {
				compile(b, o)
			}
		})
	}
}
