// SPDX-License-Identifier: Apache-2.0

package wasmcode

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"runtime"
	"testing"

	"github.com/tetratelabs/wazero"

	"loam/internal/wasmfile"
	"loam/test/wasm"
	"loam/user/sys"
)

// The compiler must serve this host; restore undoes what Compile does to it.
func restore(t testing.TB) {
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		t.Skip("no compiler for this host")
	}
	features := sys.WazeroCPU()
	t.Cleanup(func() { sys.SetWazeroCPU(features) })
}

// TestHooksFitWazero fails when wazero's inside no longer is what package sys
// reaches into: then the hooks must follow, or the project stay with its wazero.
func TestHooksFitWazero(t *testing.T) {
	cache := wazero.NewCompilationCache()
	v := reflect.TypeOf(cache).Elem()
	f, ok := v.FieldByName("fileCache")
	if !ok || f.Type.Kind() != reflect.Interface || f.Type.NumMethod() != 3 {
		t.Fatalf("wazero's cache has no fileCache of three methods: %v", v)
	}
	for _, s := range []any{&supplier{}, &collector{}} {
		if !reflect.TypeOf(s).Implements(f.Type) {
			t.Errorf("%T is not a %v", s, f.Type)
		}
		if err := sys.SetField(cache, "fileCache", s); err != nil {
			t.Error(err)
		}
	}
	if runtime.GOARCH == "amd64" && sys.WazeroCPU() == 0 {
		t.Error("wazero's CPU features are not where they were: every amd64 host has SSE4.1")
	}
}

// TestCPUFeaturesReachTheCode holds that what SetWazeroCPU says is what wazero
// compiles for and what its keys are made of. TZCNT (F3 0F BC) needs BMI1.
func TestCPUFeaturesReachTheCode(t *testing.T) {
	restore(t)
	if runtime.GOARCH != "amd64" {
		t.Skip("features of amd64")
	}
	b := &wasm.Builder{}
	zeros := b.Func(string(wasm.I32), string(wasm.I32), 0, 0x20, 0, 0x68) // i32.ctz
	b.Export("ctz", 0, zeros)
	module := b.Memory(1).Start(0).Bytes()
	tzcnt := []byte{0xf3, 0x0f, 0xbc}
	keys := map[[32]byte]CPU{}
	for _, cpu := range []CPU{SSE41, SSE41 | BMI1, X86_64v3} {
		c, err := Compile(context.Background(), module, cpu, 1)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := bytes.Contains(c.Entry, tzcnt), cpu&BMI1 != 0; got != want {
			t.Errorf("features %d: TZCNT used %v, want %v", cpu, got, want)
		}
		if same, ok := keys[c.Key]; ok {
			t.Errorf("features %d and %d have the same key", cpu, same)
		}
		keys[c.Key] = cpu
	}
}

func TestCompileIsDeterministic(t *testing.T) {
	restore(t)
	m := wasm.Large(100_000, 1)
	one, err := Compile(context.Background(), m, X86_64v3, 1)
	if err != nil {
		t.Fatal(err)
	}
	many, err := Compile(context.Background(), m, X86_64v3, 4)
	if err != nil || !bytes.Equal(one.Encode(), many.Encode()) {
		t.Fatalf("one worker and four made different code (%v)", err)
	}
}

func TestCompileRefuses(t *testing.T) {
	restore(t)
	for _, m := range [][]byte{nil, wasm.Component(), wasm.Invalid(), wasm.HugeLocals()} {
		if _, err := Compile(context.Background(), m, X86_64v3, 1); err == nil || errors.Is(err, ErrMisfit) {
			t.Errorf("%d bytes: %v", len(m), err)
		}
	}
}

func TestCodeTravels(t *testing.T) {
	c := &Code{
		Key: [32]byte{1, 2, 31: 3}, Module: []byte("module"), Entry: []byte("entry"),
		Data: []wasmfile.Segment{{At: 7, Content: []byte("x")}, {At: 1<<32 - 1, Content: []byte{}}},
	}
	b := c.Encode()
	got, err := Decode(b)
	if err != nil || !reflect.DeepEqual(got, c) {
		t.Fatalf("%+v, %v", got, err)
	}
	for n := range b {
		if _, err := Decode(b[:n]); err != ErrFormat {
			t.Errorf("cut to %d of %d bytes: %v", n, len(b), err)
		}
	}
	if _, err := Decode(append(b, 0)); err != ErrFormat {
		t.Errorf("a byte too many: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add((&Code{}).Encode())
	f.Add((&Code{Module: []byte("m"), Entry: []byte("e"), Data: []wasmfile.Segment{{At: 1, Content: []byte("d")}}}).Encode())
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := Decode(b)
		if err == nil && !bytes.Equal(c.Encode(), b) {
			t.Error("decoded code does not encode to the same")
		}
	})
}
