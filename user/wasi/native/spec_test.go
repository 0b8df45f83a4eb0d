// SPDX-License-Identifier: Apache-2.0

//go:build linux && riscv64

package native

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"loam/internal/wasmrv64"
)

var extended = flag.Bool("extended", false, "compile for all extensions, though QEMU's emulator does not tell of them")

// testCPU is what to compile for.
func testCPU() wasmrv64.CPU {
	if *extended {
		return wasmrv64.Zba | wasmrv64.Zbb
	}
	return CPU()
}

// specFolders returns wazero's copies of the specification's test suite.
func specFolders(t *testing.T) []string {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero").Output()
	if err != nil {
		t.Skipf("where is wazero's source? %v", err)
	}
	base := filepath.Join(strings.TrimSpace(string(out)), "internal/integration_test/spectest")
	return []string{filepath.Join(base, "v1/testdata"), filepath.Join(base, "v2/testdata")}
}

// script is the form that wast2json gives a test.
type script struct{ Commands []command }

type command struct {
	Type     string
	Line     int
	Filename string
	Action   action
	Expected []value
	Text     string
}

type action struct {
	Type, Field, Module string
	Args                []value
}

type value struct {
	Type  string
	Value any
}

// bits is a value as the interface has it.
func (v value) bits() uint64 {
	s, _ := v.Value.(string)
	if s == "null" || s == "" {
		return 0
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		signed, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			panic(err)
		}
		n = uint64(signed)
	}
	switch v.Type {
	case "externref":
		return n + 1
	case "i32", "f32":
		return uint64(uint32(n))
	}
	return n
}

// matches reports whether a result is what is expected.
func (v value) matches(got uint64) bool {
	s, _ := v.Value.(string)
	if !strings.HasPrefix(s, "nan:") {
		return got == v.bits()
	}
	quiet, payload := uint64(0x7fc00000), uint64(0x7fffffff)
	if v.Type == "f64" {
		quiet, payload = 0x7ff8000000000000, math.MaxInt64
	}
	if s == "nan:canonical" {
		return got&payload == quiet
	}
	return got&quiet == quiet
}

// specTrap is wazero's text for the specification's.
func specTrap(text string) string {
	switch text {
	case "indirect call":
		return "indirect call type mismatch"
	case "undefined element", "undefined", "out of bounds table access":
		return "invalid table access"
	}
	if strings.HasPrefix(text, "uninitialized") {
		return "invalid table access"
	}
	return text
}

// suite is one script's state.
type suite struct {
	t   *testing.T
	rt  wazero.Runtime
	now *Instance
	dir string
}

func newSuite(t *testing.T, dir string) *suite {
	ctx := t.Context()
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	t.Cleanup(func() { _ = rt.Close(ctx) })
	b := rt.NewHostModuleBuilder("spectest")
	i32, i64, f32, f64 := api.ValueTypeI32, api.ValueTypeI64, api.ValueTypeF32, api.ValueTypeF64
	for name, params := range map[string][]api.ValueType{
		"print": nil, "print_i32": {i32}, "print_i64": {i64}, "print_f32": {f32}, "print_f64": {f64},
		"print_i32_f32": {i32, f32}, "print_f64_f64": {f64, f64},
	} {
		b.NewFunctionBuilder().WithGoFunction(api.GoFunc(func(context.Context, []uint64) {}), params, nil).Export(name)
	}
	if _, err := b.Instantiate(ctx); err != nil {
		t.Fatal(err)
	}
	return &suite{t: t, rt: rt, dir: dir}
}

// load makes the module of a file the present one; there is none when the file
// needs what wasmrv64 or this test does not have.
func (s *suite) load(file string) error {
	s.now = nil
	module, err := os.ReadFile(filepath.Join(s.dir, file))
	if err != nil {
		s.t.Fatal(err)
	}
	image, err := wasmrv64.Compile(module, testCPU(), 1)
	if err != nil {
		if !errors.Is(err, wasmrv64.ErrUnsupported) {
			s.t.Errorf("%s: %v", file, err)
		}
		return nil
	}
	image, err = wasmrv64.DecodeImage(image.Encode())
	if err != nil {
		s.t.Fatal(err)
	}
	i, err := New(s.t.Context(), s.rt, module, image, wazero.NewModuleConfig().WithName(""))
	if err != nil {
		if !strings.Contains(err.Error(), "not instantiated") && !strings.Contains(err.Error(), "is not exported") {
			s.t.Errorf("%s: %v", file, err)
		}
		return nil
	}
	s.t.Cleanup(i.Close)
	s.now = i
	return i.Init(s.t.Context())
}

func (s *suite) invoke(a action) ([]uint64, error) {
	var args []uint64
	for _, v := range a.Args {
		args = append(args, v.bits())
	}
	if a.Type == "get" {
		for _, e := range s.now.m.Exports {
			if e.Name == a.Field && e.Kind == 3 {
				return s.now.context[s.now.layout.Globals+int(e.Index):][:1], nil
			}
		}
		return nil, fmt.Errorf("no global %q", a.Field)
	}
	return s.now.Call(s.t.Context(), a.Field, args...)
}

// run executes a command and reports whether it was one that this test can.
func (s *suite) run(c command) bool {
	switch c.Type {
	case "module":
		if err := s.load(c.Filename); err != nil {
			s.t.Errorf("line %d: %v", c.Line, err)
		}
		return s.now != nil
	case "assert_uninstantiable":
		before := s.now
		defer func() { s.now = before }()
		err := s.load(c.Filename)
		if s.now != nil && (err == nil || !strings.Contains(err.Error(), specTrap(c.Text))) {
			s.t.Errorf("line %d: %v, want %s", c.Line, err, c.Text)
		}
		return s.now != nil
	case "assert_return", "action", "assert_trap", "assert_exhaustion":
	default:
		return false
	}
	if s.now == nil || c.Action.Module != "" {
		return false
	}
	got, err := s.invoke(c.Action)
	if c.Type == "assert_trap" || c.Type == "assert_exhaustion" {
		want := strings.Replace(specTrap(c.Text), "call stack exhausted", "stack overflow", 1)
		if err == nil || !strings.Contains(err.Error(), "wasm error: "+want) {
			s.t.Errorf("line %d: %v, %v; want %s", c.Line, got, err, want)
		}
		return true
	}
	if err != nil || len(got) != len(c.Expected) {
		s.t.Errorf("line %d: %v, %v", c.Line, got, err)
		return true
	}
	for n, v := range c.Expected {
		if !v.matches(got[n]) {
			s.t.Errorf("line %d: %s(%v) result %d: %#x, want %v", c.Line, c.Action.Field, c.Action.Args, n, got[n], v)
		}
	}
	return true
}

// TestSpecification runs the specification's test suite, but for what needs
// vectors, several modules or imports that are not functions.
func TestSpecification(t *testing.T) {
	checked, skipped := 0, 0
	for _, dir := range specFolders(t) {
		files, err := filepath.Glob(filepath.Join(dir, "*.json"))
		if err != nil || len(files) == 0 {
			t.Fatal("no tests in", dir, err)
		}
		for _, file := range files {
			name := strings.TrimSuffix(filepath.Base(file), ".json")
			if strings.HasPrefix(name, "simd_") {
				continue
			}
			t.Run(filepath.Base(filepath.Dir(dir))+"/"+name, func(t *testing.T) {
				var s script
				b, err := os.ReadFile(file)
				if err == nil {
					err = json.Unmarshal(b, &s)
				}
				if err != nil {
					t.Fatal(err)
				}
				run := newSuite(t, dir)
				for _, c := range s.Commands {
					switch {
					case run.run(c):
						checked++
					case strings.HasPrefix(c.Type, "assert_return") || c.Type == "assert_trap" || c.Type == "module":
						skipped++
					}
				}
			})
		}
	}
	t.Logf("%d commands executed, %d skipped", checked, skipped)
	if checked < 20_000 {
		t.Errorf("only %d commands executed", checked)
	}
}
