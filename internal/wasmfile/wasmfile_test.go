// SPDX-License-Identifier: Apache-2.0

package wasmfile_test

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"

	"loam/internal/wasmfile"
	"loam/test/wasm"
)

// good are modules that are well formed, whatever they do when run.
var good = map[string][]byte{
	"hello": wasm.Hello(), "exit": wasm.Exit(3), "echo": wasm.Echo(), "strings": wasm.Strings(true),
	"recurse": wasm.Recurse(), "table": wasm.IndirectMismatch(), "start": wasm.StartTrap(),
	"bad data": wasm.BadData(), "grow": wasm.Grow(), "library": wasm.Library(), "import": wasm.MissingImport(),
	"large": wasm.Large(50_000, 3),
}

func TestCheckAccepts(t *testing.T) {
	for name, m := range good {
		if _, err := wasmfile.Check(m); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	i, err := wasmfile.Check(wasm.Hello())
	if err != nil {
		t.Fatal(err)
	}
	if len(i.Imports) != 2 || i.Imports[0] != (wasmfile.Import{Module: "wasi_snapshot_preview1", Name: "fd_write", Kind: wasmfile.Func}) {
		t.Errorf("imports %+v", i.Imports)
	}
	if e, ok := i.Export("_start"); !ok || e.Kind != wasmfile.Func || e.Index != 2 {
		t.Errorf("_start is %+v, %v", e, ok)
	}
	if _, ok := i.Export("main"); ok || i.Pages != 1 || i.Functions != 1 || i.HasStart || i.TableSize != 0 {
		t.Errorf("outline %+v", i)
	}
	if i, _ := wasmfile.Check(wasm.StartTrap()); !i.HasStart {
		t.Error("start function not seen")
	}
	if i, _ := wasmfile.Check(wasm.IndirectMismatch()); i.TableSize != 1 {
		t.Errorf("table of %d elements", i.TableSize)
	}
}

// header begins a module.
const header = "\x00asm\x01\x00\x00\x00"

func TestCheckRefuses(t *testing.T) {
	const many = "\xff\xff\xff\xff\x0f" // 2^32-1
	for name, c := range map[string]struct {
		module string
		want   error
	}{
		"empty":              {"", wasmfile.ErrNotWasm},
		"text":               {"(module)", wasmfile.ErrNotWasm},
		"ELF":                {"\x7fELF\x02\x01\x01\x00", wasmfile.ErrNotWasm},
		"half a magic":       {"\x00as", wasmfile.ErrMalformed},
		"half a version":     {"\x00asm\x01\x00", wasmfile.ErrMalformed},
		"version 2":          {"\x00asm\x02\x00\x00\x00", wasmfile.ErrMalformed},
		"component":          {string(wasm.Component()), wasmfile.ErrComponent},
		"no section size":    {header + "\x01", wasmfile.ErrMalformed},
		"size beyond end":    {header + "\x01\x05\x00", wasmfile.ErrMalformed},
		"size of 6 bytes":    {header + "\x01\x80\x80\x80\x80\x80\x00", wasmfile.ErrMalformed},
		"size beyond 32 bit": {header + "\x01\xff\xff\xff\xff\x1f", wasmfile.ErrMalformed},
		"unknown section":    {header + "\x20\x00", wasmfile.ErrMalformed},
		"custom, no name":    {header + "\x00\x00", wasmfile.ErrMalformed},
		"custom, bad name":   {header + "\x00\x02\x01\xff", wasmfile.ErrMalformed},
		"many types":         {header + "\x01\x05" + many, wasmfile.ErrMalformed},
		"many parameters":    {header + "\x01\x07\x01\x60" + many, wasmfile.ErrMalformed},
		"many imports":       {header + "\x02\x05" + many, wasmfile.ErrMalformed},
		"import of kind 9":   {header + "\x02\x05\x01\x00\x00\x09\x00", wasmfile.ErrMalformed},
		"many functions":     {header + "\x03\x05" + many, wasmfile.ErrMalformed},
		"many exports":       {header + "\x07\x05" + many, wasmfile.ErrMalformed},
		"many elements":      {header + "\x09\x0a\x01\x00\x41\x00\x0b" + many, wasmfile.ErrMalformed},
		"long data":          {header + "\x0b\x0a\x01\x00\x41\x00\x0b" + many, wasmfile.ErrMalformed},
		"long passive data":  {header + "\x0b\x07\x01\x01" + many, wasmfile.ErrMalformed},
		"bytes after code":   {header + "\x0a\x02\x00\x00", wasmfile.ErrMalformed},
		"huge locals":        {string(wasm.HugeLocals()), wasmfile.ErrLimit},
		"huge table":         {string(wasm.HugeTable()), wasmfile.ErrLimit},
	} {
		if _, err := wasmfile.Check([]byte(c.module)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: more than a line: %q", name, err)
		}
	}
}

// decodes reports whether wazero accepts a module.
func decodes(m []byte) error {
	ctx := context.Background()
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	defer rt.Close(ctx)
	_, err := rt.CompileModule(ctx, m)
	return err
}

func TestCleanAndStrip(t *testing.T) {
	for name, m := range good {
		info, err := wasmfile.Check(m)
		if err != nil {
			t.Fatal(err)
		}
		stripped, _ := wasmfile.Strip(m, info)
		for what, out := range map[string][]byte{"clean": wasmfile.Clean(m, info), "strip": stripped} {
			after, err := wasmfile.Check(out)
			if err != nil {
				t.Errorf("%s, %s: %v", name, what, err)
				continue
			}
			if err := decodes(out); err != nil {
				t.Errorf("%s, %s: %v", name, what, err)
			}
			if len(after.Imports) != len(info.Imports) || len(after.Exports) != len(info.Exports) ||
				after.Functions != info.Functions || after.Pages != info.Pages || after.HasStart != info.HasStart {
				t.Errorf("%s, %s: outline was %+v, is %+v", name, what, info, after)
			}
		}
		if name == "large" && len(stripped) > len(m)/4 {
			t.Errorf("%d bytes stripped to %d", len(m), len(stripped))
		}
	}
}

func TestCustomSections(t *testing.T) {
	b := &wasm.Builder{}
	b.Custom("debug", make([]byte, 1000)).Custom("name", []byte("\x01\xff")) // the names malformed
	b.Memory(1)
	b.Start(0)
	m := b.Bytes()
	if decodes(m) == nil {
		t.Fatal("the engine takes malformed names now; Clean need not drop them")
	}
	info, err := wasmfile.Check(m)
	if err != nil {
		t.Fatal(err)
	}
	out := wasmfile.Clean(m, info)
	if err := decodes(out); err != nil || bytes.Contains(out, []byte("debug")) || len(out) > 100 {
		t.Errorf("%v, %d bytes left", err, len(out))
	}
}

// image is what a module's segments make of its memory.
func image(segments []wasmfile.Segment) []byte {
	b := make([]byte, wasmfile.PageSize)
	for _, s := range segments {
		copy(b[s.At:], s.Content)
	}
	return b
}

func TestStripTakesData(t *testing.T) {
	type seg = wasmfile.Segment
	for name, c := range map[string]struct {
		in    []seg
		taken int // segments after joining; -1: left in the module
	}{
		"none":        {nil, 0},
		"one":         {[]seg{{16, []byte("abc")}}, 1},
		"near":        {[]seg{{16, []byte("abc")}, {100, []byte("d")}}, 1},
		"touching":    {[]seg{{16, []byte("abc")}, {19, []byte("d")}}, 1},
		"far":         {[]seg{{16, []byte("abc")}, {1000, []byte("d")}}, 2},
		"disordered":  {[]seg{{1000, []byte("x")}, {16, []byte("abc")}, {20, []byte("d")}}, 2},
		"empty":       {[]seg{{16, nil}}, 1},
		"to the end":  {[]seg{{65534, []byte("ab")}}, 1},
		"overlapping": {[]seg{{16, []byte("abc")}, {18, []byte("d")}}, -1},
		"outside":     {[]seg{{65535, []byte("ab")}}, -1},
		"far outside": {[]seg{{1 << 31, []byte("ab")}}, -1},
		"at the top":  {[]seg{{1<<32 - 1, []byte("ab")}}, -1},
	} {
		b := (&wasm.Builder{}).Memory(1)
		for _, s := range c.in {
			b.Data(int64(s.At), s.Content)
		}
		m := b.Start(0).Bytes()
		info, err := wasmfile.Check(m)
		if err != nil {
			t.Fatal(err)
		}
		stripped, data := wasmfile.Strip(m, info)
		if c.taken < 0 {
			if after, _ := wasmfile.Check(stripped); len(data) != 0 || len(after.Sections) != len(info.Sections) {
				t.Errorf("%s: data was taken: %+v", name, data)
			}
			continue
		}
		if len(data) != c.taken || !bytes.Equal(image(data), image(c.in)) {
			t.Errorf("%s: %+v", name, data)
		}
	}
	m := wasm.StartTrap()
	info, _ := wasmfile.Check(m)
	if _, data := wasmfile.Strip(m, info); len(data) != 0 {
		t.Error("data was taken from a module with a start function")
	}
}

// FuzzCheck holds that whatever Check accepts, the engine decodes in memory
// proportional to the file, and that what Strip makes of a module the engine
// accepts, it accepts.
func FuzzCheck(f *testing.F) {
	for _, m := range good {
		if len(m) < 10_000 {
			f.Add(m)
		}
	}
	for _, m := range [][]byte{wasm.HugeLocals(), wasm.HugeTable(), wasm.Component(), wasm.Invalid(), []byte(header)} {
		f.Add(m)
	}
	f.Fuzz(func(t *testing.T, m []byte) {
		info, err := wasmfile.Check(m)
		if err != nil {
			return
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		clean := wasmfile.Clean(m, info)
		err = decodes(clean)
		runtime.ReadMemStats(&after)
		// 50,000 locals of 8 bytes, several times over, a function of 6 bytes; and an engine's fixed cost.
		if used, most := after.TotalAlloc-before.TotalAlloc, uint64(4<<20+len(m)*2_000_000/6); used > most {
			t.Errorf("the engine took %d bytes for %d", used, len(m))
		}
		if err != nil {
			return
		}
		stripped, _ := wasmfile.Strip(m, info)
		if err := decodes(stripped); err != nil {
			t.Errorf("stripped: %v", err)
		}
	})
}
