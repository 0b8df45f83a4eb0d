// SPDX-License-Identifier: Apache-2.0

//go:build unix

package runner

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"os"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"loam/internal/wasmcode"
	"loam/internal/wasmfile"
	"loam/test/wasm"
	"loam/user/sys"
	"loam/user/wasi/native"
	"loam/user/wasi/preview1"
)

// result is what a module left behind.
type result struct {
	code           int
	stdout, stderr string
}

// boot runs a module with the given boot archive around it.
func boot(module []byte, files map[string][]byte, change ...func(*Machine)) result {
	var out, errs bytes.Buffer
	m := &Machine{
		File: func(name string) ([]byte, error) {
			if name == FileModule && module != nil {
				return module, nil
			}
			if b, ok := files[name]; ok {
				return b, nil
			}
			return nil, syscall.ENOENT
		},
		Args: []string{"a.wasm"}, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs,
		Random: rand.Reader, Reserve: Reserve,
	}
	for _, f := range change {
		f(m)
	}
	return result{Run(m), out.String(), errs.String()}
}

func conf(c Config) map[string][]byte { return map[string][]byte{FileConfig: c.Encode()} }

// precompile compiles on "the host" for this CPU. It must not change the
// features of a process that goes on to run code, so it asks for the same.
func precompile(t testing.TB, module []byte) *wasmcode.Code {
	t.Helper()
	if native.Supported {
		c, err := wasmcode.CompileRISCV64(context.Background(), module, native.CPU(), 1)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if !compilerServes() {
		t.Skip("the compiler does not serve this CPU")
	}
	c, err := wasmcode.Compile(context.Background(), module, wasmcode.CPU(sys.WazeroCPU()), 1)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var small = Config{Memory: 128 << 20}

func TestEndings(t *testing.T) {
	hello := wasm.Hello()
	for _, c := range []struct {
		name   string
		module []byte
		code   int
		stdout string
		stderr []string // each must occur; none: nothing on stderr
	}{
		{"hello", hello, 0, "hello, world\n", nil},
		{"stderr and exit code", wasm.Print(2, "bad\x00\xff\n", 3), 3, "", []string{"bad\x00\xff\n"}},
		{"exit 0", wasm.Exit(0), 0, "", nil},
		{"exit 42", wasm.Exit(42), 42, "", nil},
		{"exit 255", wasm.Exit(255), 255, "", nil},
		{"unreachable", wasm.Unreachable(), 134, "", []string{"loam: wasm trap: unreachable\nwasm stack trace:\n", "culprit()"}},
		{"divide by zero", wasm.DivideByZero(), 134, "", []string{"loam: wasm trap: integer divide by zero\n", "culprit()"}},
		{"out of bounds", wasm.OutOfBounds(), 134, "", []string{"loam: wasm trap: out of bounds memory access\n"}},
		{"indirect call", wasm.IndirectMismatch(), 134, "", []string{"loam: wasm trap: indirect call type mismatch\n"}},
		{"recursion", wasm.Recurse(), 134, "", []string{"loam: wasm trap: stack overflow\n"}},
		{"trap in start function", wasm.StartTrap(), 134, "", []string{"loam: wasm trap: unreachable\n"}},
		{"call without memory", wasm.NoMemory(), 134, "", []string{"loam: wasm trap: "}},
		{"bad data segment", wasm.BadData(), 126, "", []string{"loam: cannot run a.wasm: "}},
		{"missing import", wasm.MissingImport(), 126, "", []string{"it imports func env.emscripten_do_it, which nobody provides"}},
		{"unknown WASI function", wasm.UnknownWASI(), 126, "", []string{"fd_teleport"}},
		{"WASI function of other type", wasm.WrongWASI(), 126, "", []string{"fd_write", "signature mismatch"}},
		{"library", wasm.Library(), 126, "", []string{"not a WASI command: it exports no _start"}},
		{"_start with parameter", wasm.StartWithParameter(), 126, "", []string{"not a WASI command: its _start"}},
		{"component", wasm.Component(), 126, "", []string{"component"}},
		{"huge memory", wasm.HugeMemory(), 126, "", []string{"it needs at least 4096 MiB of memory, and this machine has 104 MiB"}},
		{"huge table", wasm.HugeTable(), 126, "", []string{"table"}},
		{"huge locals", wasm.HugeLocals(), 126, "", []string{"4294967295 local variables"}},
		{"invalid code", wasm.Invalid(), 126, "", []string{"loam: cannot run a.wasm: "}},
		{"empty", []byte{}, 126, "", []string{"the file is empty"}},
		{"text", []byte("#!/bin/sh\necho"), 126, "", []string{"not a WebAssembly module"}},
		{"truncated", hello[:len(hello)-5], 126, "", []string{"malformed"}},
		{"no module", nil, 125, "", []string{"no module in the boot archive"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := boot(c.module, conf(small))
			if r.code != c.code || r.stdout != c.stdout {
				t.Errorf("exit code %d, stdout %q; want %d, %q", r.code, r.stdout, c.code, c.stdout)
			}
			for _, s := range c.stderr {
				if !strings.Contains(r.stderr, s) {
					t.Errorf("stderr lacks %q:\n%s", s, r.stderr)
				}
			}
			if c.stderr == nil && r.stderr != "" {
				t.Errorf("stderr: %q", r.stderr)
			}
			if r.code == 126 && strings.Count(r.stderr, "\n") != 1 {
				t.Errorf("more than one line: %q", r.stderr)
			}
		})
	}
}

// TestTruncated cuts a module at every length. All but the cuts that leave a
// whole module, without its last sections, are refused in one line.
func TestTruncated(t *testing.T) {
	m := wasm.Hello()
	for n := range m {
		_, err := wasmfile.Check(m[:n:n])
		r := boot(m[:n:n], conf(small))
		if err != nil && r.code != 126 || r.code == 126 && strings.Count(r.stderr, "\n") != 1 || r.code == ExitRunner || r.stdout != "" {
			t.Errorf("cut to %d of %d bytes: %+v", n, len(m), r)
		}
	}
}

// TestCorrupted flips each byte: whatever comes of it, the runner survives and
// never reports a failure of its own.
func TestCorrupted(t *testing.T) {
	m := wasm.Hello()
	for i := range m {
		b := bytes.Clone(m)
		b[i] ^= 0x55
		if r := boot(b, conf(small)); r.code == ExitRunner {
			t.Errorf("byte %d: exit code %d: %s", i, r.code, r.stderr)
		}
	}
}

func TestArgumentsAndEnvironment(t *testing.T) {
	args := []string{"name.wasm", "", "two words", "ünï", "-v", strings.Repeat("x", 5000)}
	env := []string{"A=1", "B=", "C=x=y", "=bad", "alsobad"}
	set := func(m *Machine) { m.Args, m.Env = args, env }
	if r := boot(wasm.Strings(false), nil, set); r.stdout != strings.Join(args, "\x00")+"\x00" {
		t.Errorf("arguments: %q (exit code %d, %s)", r.stdout, r.code, r.stderr)
	}
	if r := boot(wasm.Strings(true), nil, set); r.stdout != "A=1\x00B=\x00C=x=y\x00" {
		t.Errorf("environment: %q", r.stdout)
	}
	none := func(m *Machine) { m.Args, m.Env = []string{"x"}, nil }
	if r := boot(wasm.Strings(true), nil, none); r.stdout != "" || r.code != 0 {
		t.Errorf("empty environment: %+v", r)
	}
}

func TestEchoBinary(t *testing.T) {
	in := make([]byte, 300_001)
	rand.Read(in)
	r := boot(wasm.Echo(), nil, func(m *Machine) { m.Stdin = bytes.NewReader(in) })
	if r.code != 0 || r.stdout != string(in) || r.stderr != "" {
		t.Fatalf("exit code %d, %d bytes, stderr %q", r.code, len(r.stdout), r.stderr)
	}
}

// broken fails every call.
type broken struct{}

func (broken) Read([]byte) (int, error)  { return 0, syscall.EIO }
func (broken) Write([]byte) (int, error) { return 0, syscall.EIO }

func TestBrokenStreams(t *testing.T) {
	const wasiEIO = 29
	if r := boot(wasm.Echo(), nil, func(m *Machine) { m.Stdin = broken{} }); r.code != wasiEIO {
		t.Errorf("stdin: exit code %d, want %d", r.code, wasiEIO)
	}
	in := func(m *Machine) { m.Stdin, m.Stdout = strings.NewReader("x"), broken{} }
	if r := boot(wasm.Echo(), nil, in); r.code != wasiEIO {
		t.Errorf("stdout: exit code %d, want %d", r.code, wasiEIO)
	}
}

func TestRandomAndClocks(t *testing.T) {
	a, b := boot(wasm.Random(), nil), boot(wasm.Random(), nil)
	if len(a.stdout) != 32 || a.stdout == b.stdout {
		t.Errorf("random: %x, %x", a.stdout, b.stdout)
	}
	r := boot(wasm.Clock(0), nil)
	wall := int64(binary.LittleEndian.Uint64([]byte(r.stdout)))
	if d := time.Since(time.Unix(0, wall)); d < 0 || d > time.Minute {
		t.Errorf("wall clock is %v off", d)
	}
	first, second := boot(wasm.Clock(1), nil), boot(wasm.Clock(1), nil)
	if binary.LittleEndian.Uint64([]byte(first.stdout)) >= binary.LittleEndian.Uint64([]byte(second.stdout)) {
		t.Error("the monotonic clock does not run")
	}
}

// TestGrow holds a greedy module to its memory and lets it find out itself.
func TestGrow(t *testing.T) {
	c := Config{Memory: 64 << 20}
	r := boot(wasm.Grow(), conf(c))
	if r.code != 7 || len(r.stdout) != 4 {
		t.Fatalf("exit code %d, stdout %q, stderr %s", r.code, r.stdout, r.stderr)
	}
	if pages := binary.LittleEndian.Uint32([]byte(r.stdout)); pages > c.pages(0) || pages < c.pages(0)-16 {
		t.Fatalf("it had %d pages, the limit is %d", pages, c.pages(0))
	}
}

// TestNoAddressSpace runs a module on a machine that has no memory to give.
func TestNoAddressSpace(t *testing.T) {
	r := boot(wasm.Hello(), nil, func(m *Machine) {
		m.Reserve = refuse{}
	})
	if r.code != ExitCannot || !strings.Contains(r.stderr, "not enough memory") || strings.Count(r.stderr, "\n") != 1 {
		t.Fatalf("exit code %d: %s", r.code, r.stderr)
	}
}

// TestCodeFromHost runs compiled code, whole, damaged and for something else,
// and checks that it is used exactly when it is good.
func TestCodeFromHost(t *testing.T) {
	module := wasm.Hello()
	good := precompile(t, module)
	loud := conf(Config{Verbose: true})
	const used, refused = ", code compiled on the host", "code compiled on the host refused"
	other := precompile(t, wasm.Exit(9))
	otherKey := *good
	otherKey.Key[0] ^= 1
	mixed := *good
	mixed.Entry = other.Entry[:len(other.Entry)-3]
	for _, c := range []struct {
		name string
		code []byte
		want string
	}{
		{"good", good.Encode(), used},
		{"other key", otherKey.Encode(), refused},
		{"truncated entry", mixed.Encode(), refused},
		{"truncated", good.Encode()[:100], refused},
		{"longer", append(good.Encode(), 0), refused},
		{"empty", nil, refused},
		{"garbage", bytes.Repeat([]byte("x"), 5000), refused},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := boot(module, map[string][]byte{FileConfig: loud[FileConfig], FileCode: c.code})
			if r.code != 0 || r.stdout != "hello, world\n" {
				t.Errorf("exit code %d, stdout %q", r.code, r.stdout)
			}
			if !strings.Contains(r.stderr, c.want) || c.want == refused && !strings.Contains(r.stderr, "compiling in the guest") {
				t.Errorf("stderr %q, want %q in it", r.stderr, c.want)
			}
		})
	}
	e := good.Entry
	for _, at := range []int{0, 10, len(e) / 2, len(e) - 20} {
		bad := *good
		bad.Entry = bytes.Clone(e)
		bad.Entry[at] ^= 0x10
		if r := boot(module, map[string][]byte{FileConfig: loud[FileConfig], FileCode: bad.Encode()}); r.code != 0 ||
			r.stdout != "hello, world\n" || !strings.Contains(r.stderr, refused) {
			t.Errorf("byte %d flipped: %+v", at, r)
		}
	}
}

// TestEndingsFromCode holds compiled-on-the-host runs to the same endings.
func TestEndingsFromCode(t *testing.T) {
	for name, module := range map[string][]byte{
		"hello": wasm.Hello(), "exit": wasm.Exit(5), "trap": wasm.DivideByZero(), "indirect": wasm.IndirectMismatch(),
		"recursion": wasm.Recurse(), "start": wasm.StartTrap(), "grow": wasm.Grow(), "echo": wasm.Echo(),
		"huge": wasm.HugeMemory(), "import": wasm.MissingImport(), "data": wasm.BadData(),
		"large": wasm.Large(100_000, 1), "environment": wasm.Strings(true),
	} {
		code := precompile(t, module).Encode()
		c := conf(small)
		c[FileCode] = code
		if here, there := boot(module, conf(small)), boot(module, c); here != there {
			t.Errorf("%s: compiled here %+v, on the host %+v", name, here, there)
		}
	}
}

func TestInterpreterSaysSo(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("every arm64 can be compiled for")
	}
	features := sys.WazeroCPU()
	defer sys.SetWazeroCPU(features)
	code := precompile(t, wasm.Hello()).Encode()
	sys.SetWazeroCPU(0)
	r := boot(wasm.Hello(), map[string][]byte{FileConfig: Config{Verbose: true}.Encode(), FileCode: code})
	if r.code != 0 || r.stdout != "hello, world\n" || !strings.Contains(r.stderr, "engine: interpreter") {
		t.Fatalf("%+v", r)
	}
}

// TestGoProgram runs what people run: a Go program built for WASI.
func TestGoProgram(t *testing.T) {
	module := goHello(t)
	in := func(m *Machine) { m.Args, m.Stdin = []string{"hello", "x y"}, strings.NewReader("abc") }
	r := boot(module, nil, in)
	if r.code != 3 || r.stdout != "[x y] abc\n" || r.stderr != "" {
		t.Fatalf("%+v", r)
	}
	again := boot(module, map[string][]byte{FileCode: precompile(t, module).Encode()}, in)
	if again != r {
		t.Fatalf("from the host's code %+v", again)
	}
}

var goHelloOnce = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "loam-hello")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	return buildGo(dir, `package main

import ("fmt"; "io"; "os"; "time")

func main() {
	in, _ := io.ReadAll(os.Stdin)
	time.Sleep(time.Millisecond)
	fmt.Println(os.Args[1:], string(in))
	os.Exit(3)
}
`)
})

func goHello(t testing.TB) []byte {
	if testing.Short() {
		t.Skip("builds a Go program")
	}
	b, err := goHelloOnce()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// BenchmarkStart measures a run from the host's code and from nothing.
func BenchmarkStart(b *testing.B) {
	for _, c := range []struct {
		name   string
		module []byte
	}{{"small", wasm.Hello()}, {"go", goHello(b)}} {
		code := map[string][]byte{FileCode: precompile(b, c.module).Encode()}
		b.Run(c.name+"/code", func(b *testing.B) {
			for b.Loop() {
				boot(c.module, code)
			}
		})
		b.Run(c.name+"/compile", func(b *testing.B) {
			for b.Loop() {
				boot(c.module, nil)
			}
		})
	}
}

func TestConfig(t *testing.T) {
	for _, c := range []Config{{}, {Verbose: true}, {Memory: 1 << 40}, {Verbose: true, Memory: 1}, {Folders: []preview1.Folder{{Path: "/a", Name: "/a"}, {Path: "/b = c ", Name: "/"}}}, {Listeners: []uint16{8080, 1, 65535}}} {
		if got, err := ParseConfig(c.Encode()); err != nil || !reflect.DeepEqual(got, c) {
			t.Errorf("%+v became %+v, %v", c, got, err)
		}
	}
	if c, err := ParseConfig([]byte("future=1\n\nverbose=1\r\nmemory=7")); err != nil || !reflect.DeepEqual(c, Config{Verbose: true, Memory: 7}) {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := ParseConfig([]byte("memory=lots")); err == nil {
		t.Error("memory=lots was accepted")
	}
	for _, bad := range []string{"listen=", "listen=65536", "listen=-1"} {
		if _, err := ParseConfig([]byte(bad)); err == nil {
			t.Error(bad + " was accepted")
		}
	}
	const mib = 16 // pages
	for _, c := range []struct {
		memory, archive uint64
		want            uint32
	}{
		{0, 0, 65536}, {1 << 40, 0, 65536}, {40 << 20, 0, 20 * mib}, {128 << 20, 0, 104 * mib},
		{128 << 20, 30 << 20, 74 * mib}, {128 << 20, 1 << 30, 64 * mib}, {1, 0, 0},
	} {
		if got := (Config{Memory: c.memory}).pages(c.archive); got != c.want {
			t.Errorf("memory %d, archive %d: %d pages, want %d", c.memory, c.archive, got, c.want)
		}
	}
}
