// SPDX-License-Identifier: Apache-2.0

package wasmrv64

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"golang.org/x/arch/riscv64/riscv64asm"

	"loam/test/wasm"
)

// modules are valid ones of all sorts.
var modules = map[string][]byte{
	"hello": wasm.Hello(), "echo": wasm.Echo(), "grow": wasm.Grow(), "indirect": wasm.IndirectMismatch(),
	"recurse": wasm.Recurse(), "start": wasm.StartTrap(), "strings": wasm.Strings(true), "library": wasm.Library(),
	"large": wasm.Large(200_000, 7),
}

// TestImage checks that code is made of instructions, that functions lie in
// order and return to where the image says, and that it is the same each time.
func TestImage(t *testing.T) {
	for name, module := range modules {
		im, err := Compile(module, Zba|Zbb, 2)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for p := 0; p < len(im.Code); p += 4 {
			if _, err := riscv64asm.Decode(im.Code[p:]); err != nil {
				t.Fatalf("%s: at %#x: %x: %v", name, p, im.Code[p:p+4], err)
			}
		}
		for i, f := range im.Funcs {
			if i > 0 && f.Offset <= im.Funcs[i-1].Offset || f.Frame%16 != 0 || f.Return%8 != 0 || f.Return >= f.Frame {
				t.Errorf("%s: function %d: %+v", name, i, f)
			}
		}
		if again, err := Compile(module, Zba|Zbb, 1); err != nil || !reflect.DeepEqual(im, again) {
			t.Errorf("%s: compiled again it is another, %v", name, err)
		}
		encoded := im.Encode()
		back, err := DecodeImage(encoded)
		if err != nil || !bytes.Equal(back.Encode(), encoded) {
			t.Errorf("%s: decoded it is another, %v", name, err)
		}
		for _, bad := range [][]byte{nil, encoded[:30], encoded[:len(encoded)-1], append(bytes.Clone(encoded), 0)} {
			if _, err := DecodeImage(bad); err == nil {
				t.Errorf("%s: an image of %d bytes was taken", name, len(bad))
			}
		}
	}
}

// TestWide compiles with jumps of any length, which only large functions need.
func TestWide(t *testing.T) {
	m, err := Decode(modules["large"])
	if err != nil {
		t.Fatal(err)
	}
	for i := range m.bodies {
		narrow, err := compileBody(m, i, 0, false)
		if err != nil {
			t.Fatal(err)
		}
		wide, err := compileBody(m, i, 0, true)
		if err != nil || len(wide.b) < len(narrow.b) {
			t.Fatalf("function %d: %d bytes, wide %d, %v", i, len(narrow.b), len(wide.b), err)
		}
	}
}

// huge is a module with a function of more code than a JAL reaches over.
func huge() []byte {
	body := []byte{0x02, 0x40, 0x20, 0, 0x0d, 0} // block, br_if out of it
	for range 100_000 {
		body = append(body, 0x20, 0, 0x41, 0xff, 0xff, 3, 0x6c, 0x21, 0) // x *= 65535
	}
	m := &wasm.Builder{}
	m.Func("\x7f", "", 0, body, 0x0b)
	return m.Memory(1).Start(0).Bytes()
}

func TestHugeFunction(t *testing.T) {
	im, err := Compile(huge(), 0, 1)
	if err != nil || len(im.Code) < 1<<20 {
		t.Fatal(err)
	}
	m, _ := Decode(huge())
	if _, err := compileBody(m, 0, 0, false); err != errNarrow {
		t.Errorf("narrow: %v", err)
	}
}

// TestUnsupported compiles what must be left to the interpreter.
func TestUnsupported(t *testing.T) {
	vector := (&wasm.Builder{}).Memory(1).Start(0, 0xfd, 12, bytes.Repeat([]byte{0}, 16), 0x1a).Bytes()
	if _, err := Compile(vector, 0, 1); !errors.Is(err, ErrUnsupported) {
		t.Errorf("vectors: %v", err)
	}
	deep := (&wasm.Builder{}).Memory(1).Start(0, bytes.Repeat([]byte{0x41, 0}, maxOperands+1), bytes.Repeat([]byte{0x1a}, maxOperands+1)).Bytes()
	if _, err := Compile(deep, 0, 1); !errors.Is(err, ErrUnsupported) {
		t.Errorf("a deep stack: %v", err)
	}
	if _, err := Compile([]byte("\x00asm\x01\x00\x00\x00\x02\x08\x01\x01a\x01b\x02\x00\x01"), 0, 1); !errors.Is(err, ErrUnsupported) {
		t.Errorf("imported memory: %v", err)
	}
}

// FuzzDecode decodes and compiles anything: it may be refused or compiled to
// nonsense, for only valid modules come here, but nothing else.
func FuzzDecode(f *testing.F) {
	for name, module := range modules {
		if name != "large" {
			f.Add(module)
		}
	}
	f.Fuzz(func(t *testing.T, module []byte) {
		if len(module) < 8 {
			return
		}
		if _, err := Decode(module); err != nil && !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrUnsupported) {
			t.Fatal(err)
		}
	})
}
