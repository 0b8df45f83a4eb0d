// SPDX-License-Identifier: Apache-2.0

package run

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"loam/archive"
	"loam/host/accel"
	"loam/host/exit"
	"loam/host/memorymap"
	"loam/host/setup"
	"loam/host/vm"
)

// buffer is a bytes.Buffer for several goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer // mu must be held
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// session is one run in a test.
type session struct {
	Options
	out, err, messages, log buffer
}

func newSession(t *testing.T, scenario string) *session { return newSessionOn(t, vm.AMD64, scenario) }

// newSessionOn is a run of a program for an architecture.
func newSessionOn(t *testing.T, arch, scenario string) *session {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(fakeVariable, scenario)
	s := &session{}
	s.Options = Options{
		Path: testProgram(t, arch), QEMU: exe, Kernel: testKernel(arch), Accel: vm.TCG,
		Stdout: &s.out, Stderr: &s.err, Messages: &s.messages, Timeout: 20 * time.Second, Bare: true,
	}
	return s
}

// testProgram writes the smallest executable that the loader accepts.
func testProgram(t *testing.T, arch string) string {
	machine := elf.EM_X86_64
	if arch == vm.RISCV64 {
		machine = elf.EM_RISCV
	}
	b := make([]byte, 0x1000)
	copy(b, "\x7fELF\x02\x01\x01")
	le := binary.LittleEndian
	for _, f := range []struct {
		at int
		v  uint16
	}{{16, 2}, {18, uint16(machine)}, {20, 1}, {32, 64}, {52, 64}, {54, 56}, {56, 1}, {64, 1}, {68, 5}, {96, 0x1000}, {104, 0x1000}, {112, 0x1000}} {
		le.PutUint16(b[f.at:], f.v)
	}
	le.PutUint64(b[24:], 0x400100)
	le.PutUint64(b[80:], 0x400000)
	path := filepath.Join(t.TempDir(), "prog")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func (s *session) run() (Result, error) { return Run(context.Background(), s.Options) }

func TestEndings(t *testing.T) { both(t, testEndings) }

func testEndings(t *testing.T, arch string) {
	for name, c := range map[string]struct {
		code int
		text string // in the error; empty: there must be none
		more string // in its detail or hint
	}{
		"exit 0": {0, "", ""}, "exit 7": {7, "", ""}, "exit 255": {255, "", ""}, "trap": {134, "", ""},
		"segv": {139, "", ""}, "killed": {137, "", ""},
		"refused":       {126, "segments overlap", ""},
		"no room":       {125, "no memory for its text", "-m"},
		"no quota":      {125, "its limit is too low", "--memory-limit"},
		"no slot":       {125, "no memory for its thread", "-m"},
		"no memory":     {125, "kernel panic: no memory for page tables", "CPU 0"},
		"panic":         {125, "kernel panic", "panic: the kernel's end[31m"},
		"early panic":   {125, "kernel panic", "panic: early"},
		"no exit frame": {125, "without saying", ""},
		"reset":         {125, "reset", ""},
		"qemu error":    {125, "status 1", "no luck today"},
		"qemu killed":   {125, "signal 9", ""},
		"first frame":   {125, "not Hello", ""},
		"version":       {125, "version", ""},
		"ring in v1":    {125, "frame type", ""},
		"ring length":   {125, "length", ""},
		"ring exit":     {125, "exit frame", ""},
		"ring cut":      {125, "cut short", ""},
		"second hello":  {125, "second Hello", ""},
		"bad type":      {125, "frame type", ""},
		"bad length":    {125, "length", ""},
		"empty map":     {125, "length", ""},
		"bad exit":      {125, "exit frame", ""},
		"exit 256":      {125, "exit frame", ""},
		"closes out":    {125, "without ending", ""},
		"kvm error":     {125, "KVM internal error", "--accel tcg"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSessionOn(t, arch, name)
			r, err := s.run()
			if r.Code != c.code || (err == nil) != (c.text == "") {
				t.Fatalf("code %d, %v", r.Code, err)
			}
			if err == nil {
				return
			}
			e := err.(*exit.Error)
			if !strings.Contains(e.Error(), c.text) || !strings.Contains(e.Error()+e.Detail+e.Hint, c.more) {
				t.Fatalf("%v\n%s%s", e, e.Detail, e.Hint)
			}
			if strings.ContainsAny(e.Error()+e.Detail, "\x1b\x07") {
				t.Fatalf("control characters in %q", e.Detail)
			}
		})
	}
}

func TestStreams(t *testing.T) {
	both(t, func(t *testing.T, arch string) {
		for _, scenario := range []string{"streams", "ring streams"} {
			t.Run(scenario, func(t *testing.T) { testStreams(t, arch, scenario) })
		}
	})
}

func testStreams(t *testing.T, arch, scenario string) {
	s := newSessionOn(t, arch, scenario)
	r, err := s.run()
	if err != nil || r.Code != 0 {
		t.Fatalf("%d %v", r.Code, err)
	}
	if s.out.String() != "out\x00\xff\r\nput" || s.err.String() != "err\x1b[1m" {
		t.Fatalf("stdout %q stderr %q", s.out.String(), s.err.String())
	}
	if s.messages.String() != "loam: watch out]0;title\n" {
		t.Fatalf("messages %q", s.messages.String())
	}
	if string(r.Stats) != "calls 12 count\n" || r.Boot <= 0 || r.Total < r.Boot {
		t.Fatalf("%+v", r)
	}
}

func TestReason(t *testing.T) {
	s := newSession(t, "killed")
	if r, err := s.run(); err != nil || r.Code != 137 || s.messages.String() != "loam: out of memory[2J\n" {
		t.Fatalf("%+v %v %q", r, err, s.messages.String())
	}
}

func TestLastWords(t *testing.T) {
	s := newSession(t, "last words")
	r, err := s.run()
	if err != nil || r.Code != 3 || len(s.out.String()) != 64*65536 {
		t.Fatalf("%d %v, %d bytes", r.Code, err, len(s.out.String()))
	}
}

func TestTimeout(t *testing.T) {
	for _, scenario := range []string{"hang", "mute"} {
		s := newSession(t, scenario)
		s.Timeout = 300 * time.Millisecond
		start := time.Now()
		r, err := s.run()
		if r.Code != 124 || err == nil || time.Since(start) > 10*time.Second {
			t.Fatalf("%s: %d %v after %v", scenario, r.Code, err, time.Since(start))
		}
	}
}

func TestMute(t *testing.T) {
	old := helloLimit
	helloLimit = 200 * time.Millisecond
	defer func() { helloLimit = old }()
	s := newSession(t, "mute")
	if r, err := s.run(); r.Code != 125 || err == nil || !strings.Contains(err.Error(), "did not start") {
		t.Fatalf("%d %v", r.Code, err)
	}
}

func TestInterrupt(t *testing.T) {
	s := newSession(t, "hang")
	stop := make(chan int, 1)
	s.Interrupt = stop
	time.AfterFunc(300*time.Millisecond, func() { stop <- 130 })
	if r, err := s.run(); r.Code != 130 || err == nil {
		t.Fatalf("%d %v", r.Code, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	if r, err := Run(ctx, newSession(t, "hang").Options); r.Code != 125 || err == nil {
		t.Fatalf("%d %v", r.Code, err)
	}
}

// blocked is an output whose reader has gone to sleep.
type blocked struct{ wake chan struct{} }

func (b blocked) Write(p []byte) (int, error) {
	<-b.wake
	return len(p), nil
}

// TestNoRing: a deterministic machine is not offered a ring, and may not take it.
func TestNoRing(t *testing.T) { both(t, testNoRing) }

func testNoRing(t *testing.T, arch string) {
	s := newSessionOn(t, arch, "not offered")
	s.Deterministic = true
	if r, err := s.run(); r.Code != 125 || err == nil || !strings.Contains(err.Error(), "version") {
		t.Fatalf("%d %v", r.Code, err)
	}
	s = newSessionOn(t, arch, "command line")
	s.Deterministic = true
	if _, err := s.run(); err != nil || strings.Contains(s.out.String(), "ring") {
		t.Fatalf("%v %q", err, s.out.String())
	}
}

func TestFlood(t *testing.T) {
	both(t, func(t *testing.T, arch string) {
		t.Run("frames", func(t *testing.T) { testFlood(t, arch, "flood") })
		t.Run("ring", func(t *testing.T) { testFlood(t, arch, "ring flood") })
	})
}

func testFlood(t *testing.T, arch, scenario string) {
	s := newSessionOn(t, arch, scenario)
	b := blocked{make(chan struct{})}
	defer close(b.wake)
	s.Stdout, s.Log, s.Timeout = b, &s.log, 1500*time.Millisecond
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r, _ := s.run()
	runtime.ReadMemStats(&after)
	if r.Code != 124 {
		t.Fatalf("code %d", r.Code)
	}
	if n := strings.Count(s.log.String(), "\n"); n > 32 {
		t.Errorf("the guest sent %d frames of 64 KiB to a reader that takes none", n)
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 8<<20 {
		t.Errorf("%d bytes allocated", grown)
	}
}

func TestBoundedTexts(t *testing.T) {
	s := newSession(t, "notices")
	r, err := s.run()
	if err != nil || len(r.Stats) > maxStats || strings.Count(s.messages.String(), "again") != maxNotices {
		t.Fatalf("%v, %d bytes of statistics, %q", err, len(r.Stats), s.messages.String())
	}
	if !strings.Contains(s.messages.String(), "900 more notices") {
		t.Fatal("nothing said about the notices left out")
	}
}

func TestBrokenOutput(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	s := newSession(t, "hang")
	s.Stdout = w
	if res, err := s.run(); res.Code != 141 || err == nil {
		t.Fatalf("%d %v", res.Code, err)
	}
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

func TestStdin(t *testing.T) {
	both(t, func(t *testing.T, arch string) {
		t.Run("frames", func(t *testing.T) { testStdin(t, arch, "echo") })
		t.Run("ring", func(t *testing.T) { testStdin(t, arch, "ring echo") })
	})
}

func testStdin(t *testing.T, arch, scenario string) {
	s := newSessionOn(t, arch, scenario)
	r, w := pipe(t)
	s.Stdin = r
	text := strings.Repeat("binary \x00\xff\x03\x04\r\n", 20000)
	go func() {
		_, _ = io.WriteString(w, text)
		w.Close()
	}()
	if res, err := s.run(); err != nil || res.Code != 0 || s.out.String() != text {
		t.Fatalf("%d %v, %d bytes came back", res.Code, err, len(s.out.String()))
	}
	s = newSessionOn(t, arch, scenario) // no input at all
	if res, err := s.run(); err != nil || res.Code != 0 || s.out.String() != "" {
		t.Fatalf("%d %v", res.Code, err)
	}
}

func TestStdinBackPressure(t *testing.T) {
	both(t, func(t *testing.T, arch string) {
		for _, scenario := range []string{"deaf", "ring deaf", "ring liar"} {
			t.Run(scenario, func(t *testing.T) { testStdinBackPressure(t, arch, scenario) })
		}
	})
}

func testStdinBackPressure(t *testing.T, arch, scenario string) {
	s := newSessionOn(t, arch, scenario)
	r, w := pipe(t)
	s.Stdin = r
	sent := make(chan int)
	go func() {
		n, _ := w.Write(make([]byte, 8<<20))
		sent <- n
	}()
	if res, err := s.run(); err != nil || res.Code != 0 {
		t.Fatalf("%d %v", res.Code, err)
	}
	time.Sleep(200 * time.Millisecond) // a late reader would show
	r.Close()
	if n := <-sent; n > 2<<20 {
		t.Fatalf("%d bytes were taken for a program that reads none", n)
	}
}

func TestStdinAfterEnd(t *testing.T) {
	s := newSession(t, "exit 0")
	r, w := pipe(t)
	s.Stdin = r
	if res, err := s.run(); err != nil || res.Code != 0 {
		t.Fatalf("%d %v", res.Code, err)
	}
	_, _ = io.WriteString(w, "for the next program")
	time.Sleep(200 * time.Millisecond)
	w.Close()
	if b, _ := io.ReadAll(r); string(b) != "for the next program" {
		t.Fatalf("left: %q", b)
	}
}

func TestCommandLine(t *testing.T) {
	s := newSession(t, "command line")
	s.MemoryMiB, s.MemoryLimitMiB, s.CPUs, s.Params = 64, 48, 3, []vm.Param{{Key: "collect", Value: "1"}, {Key: "x", Value: ""}}
	if _, err := s.run(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"-m 64M", "-smp 3", "-accel tcg", "-append mode=run time=", " limit=48M ", " collect=1 x= ", "-display none", "-cpu " + vm.CPU(nil), "microvm,"} {
		if !strings.Contains(s.out.String(), want) {
			t.Errorf("no %q in %s", want, s.out.String())
		}
	}
	if strings.Contains(s.out.String(), "seed=") || strings.Contains(s.out.String(), "v=1") || strings.Contains(s.out.String(), "cpus=") || strings.Contains(s.out.String(), "map=") {
		t.Errorf("too much in %s", s.out.String())
	}
	s = newSession(t, "command line")
	s.Accel, s.Deterministic, s.Statistics = "", true, true
	s.MemoryMap, s.MapAt = new(memorymap.Decoder), "250000000"
	if _, err := s.run(); err != nil {
		t.Fatal(err)
	}
	want := "-append mode=run tsc=1000000000 time=1767225600000000000 seed=" + fixedSeed + " cpus=1 eof=1 v=1 map=250000000"
	for _, want := range []string{want, "-icount shift=0,sleep=off", "-rtc base=2026-01-01,clock=vm", "-seed 1"} {
		if !strings.Contains(s.out.String(), want) {
			t.Errorf("no %q in %s", want, s.out.String())
		}
	}
}

// TestMemoryMap: the pieces of a map get to who asked for it, and to nobody else.
func TestMemoryMap(t *testing.T) {
	s := newSession(t, "map")
	s.MemoryMap, s.MapAt = new(memorymap.Decoder), "end"
	if r, err := s.run(); err != nil || r.Code != 3 || s.out.String() != "between" {
		t.Fatalf("%v, %v, %q", r.Code, err, s.out.String())
	}
	m, err := s.MemoryMap.Map()
	if err != nil || len(m.Blocks) != 1 || m.Blocks[0].Frames != 5 || m.Owners[m.Blocks[0].Owner] != "user" {
		t.Fatalf("%+v, %v", m, err)
	}
	for scenario, want := range map[string]error{"half a map": memorymap.ErrIncomplete, "exit 0": memorymap.ErrNone, "bad map": nil} {
		s := newSession(t, scenario)
		s.MemoryMap, s.MapAt = new(memorymap.Decoder), "start"
		if _, err := s.run(); err != nil {
			t.Fatal(err)
		}
		if m, err := s.MemoryMap.Map(); err == nil || m != nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%s: %v, %v", scenario, m, err)
		}
	}
	s = newSession(t, "map") // which sends one all the same
	if r, err := s.run(); err != nil || r.Code != 3 {
		t.Fatalf("%v, %v", r.Code, err)
	}
}

// TestRefusedCPUs: QEMU's reason in one line, and no second attempt.
func TestRefusedCPUs(t *testing.T) {
	s := newSession(t, "few CPUs")
	s.CPUs = 64
	r, err := s.run()
	if r.Code != 125 || err == nil || err.Error() != "QEMU can't make a machine of 64 CPUs: Invalid SMP CPUs 64. The max CPUs supported by machine 'microvm' is 2" {
		t.Fatalf("%d %v", r.Code, err)
	}
	m := &machine{Options: &s.Options}
	m.Accel, m.facts.Accel = accel.Auto, vm.KVM
	if again, _ := m.worthRepeating(outcome{refused: true}, err); again {
		t.Error("another attempt")
	}
	if again, _ := m.worthRepeating(outcome{}, err); !again {
		t.Error("no other attempt after another failure")
	}
}

func TestProcessors(t *testing.T) {
	if Processors(1) != "1 CPU" || Processors(4) != "4 CPUs" {
		t.Error(Processors(1), Processors(4))
	}
}

func TestArchive(t *testing.T) { both(t, testArchive) }

func testArchive(t *testing.T, arch string) {
	s := newSessionOn(t, arch, "archive")
	s.Args, s.Env = []string{"-v", "two words", ""}, []string{"A=b c", "E="}
	if r, err := s.run(); err != nil || r.Code != 0 {
		t.Fatalf("%d %v", r.Code, err)
	}
	got := s.out.String()
	if !strings.HasSuffix(got, "a kernel") {
		t.Fatal("the kernel is not there")
	}
	prog, err := os.ReadFile(s.Path)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"args":    s.Path + "\x00-v\x00two words\x00\x00",
		"env":     "A=b c\x00E=\x00",
		"program": string(prog),
	} {
		data, ok := find(t, []byte(got), name)
		if !ok || string(data) != want {
			t.Errorf("%s: %q", name, data)
		}
	}
}

func TestImpossible(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"64 CPUs too many":   func(o *Options) { o.CPUs = 65 },
		"no CPU":             func(o *Options) { o.CPUs = -1 },
		"memory":             func(o *Options) { o.MemoryMiB = 1 },
		"machine":            func(o *Options) { o.Machine = "pdp11" },
		"accelerator":        func(o *Options) { o.Accel = "magic" },
		"CPUs in lockstep":   func(o *Options) { o.Deterministic, o.CPUs = true, 2 },
		"KVM in lockstep":    func(o *Options) { o.Deterministic, o.Accel = true, vm.KVM },
		"QEMU":               func(o *Options) { o.QEMU = "/nonexistent/qemu" },
		"not QEMU":           func(o *Options) { o.QEMU = "/bin/true" },
		"kernel parameter":   func(o *Options) { o.Params = []vm.Param{{Key: "a", Value: "b c"}} },
		"NUL in an argument": func(o *Options) { o.Args = []string{"a\x00b"} },
		"firmware on a PC":   func(o *Options) { o.Firmware = vm.OpenSBI },
		"architecture":       func(o *Options) { o.Arch = "vax" },
	} {
		s := newSession(t, "exit 0")
		change(&s.Options)
		if r, err := s.run(); r.Code != 125 || err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %d %v", name, r.Code, err)
		}
	}
	s := newSession(t, "exit 0")
	s.Path += "x"
	if r, _ := s.run(); r.Code != 127 {
		t.Errorf("not found: %d", r.Code)
	}
}

// TestPatience: a limit or an interrupt during compiling ends that, too.
func TestPatience(t *testing.T) {
	stop := make(chan int, 1)
	stop <- 130
	for want, o := range map[int]*Options{124: {Timeout: time.Millisecond}, 130: {Interrupt: stop}, 0: {}} {
		o.setDefaults()
		ctx, done := o.limited(context.Background())
		if want != 0 {
			<-ctx.Done()
		}
		if got := exit.Code(done()); got != want || ctx.Err() == nil {
			t.Errorf("%d, want %d", got, want)
		}
	}
}

func TestMissingQEMU(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for _, arch := range vm.Arches {
		t.Setenv(setup.Variable(arch), "")
		_, err := FindQEMU(arch, "")
		e, ok := err.(*exit.Error)
		if !ok || e.Code != 125 || !strings.Contains(e.Error(), setup.QEMU(arch)) || !strings.Contains(e.Error(), "missing") || !strings.Contains(e.Hint, "install") {
			t.Fatalf("%+v", err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("LOAM_QEMU_RISCV64", self)
	if path, err := FindQEMU(vm.RISCV64, ""); path != self || err != nil {
		t.Error(path, err)
	}
	if path, err := FindQEMU(vm.AMD64, ""); err == nil {
		t.Errorf("the one for riscv64 was taken: %s", path)
	}
}

// find looks a file up in an archive that has something behind it.
func find(t *testing.T, b []byte, name string) ([]byte, bool) {
	t.Helper()
	for off := 0; ; {
		f, next, code := archive.Next(b, off)
		if code != archive.OK {
			return nil, false
		}
		if string(f.Name) == name {
			return f.Data, true
		}
		off = next
	}
}

// TestFallBack needs a KVM that opens; what it then does is the fake's choice.
func TestFallBack(t *testing.T) {
	f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	f.Close()
	old := fastHelloLimit
	fastHelloLimit = 300 * time.Millisecond
	defer func() { fastHelloLimit = old }()
	s := newSession(t, "kvm mute")
	s.Accel, s.Cache, s.Verbose = accel.Auto, t.TempDir(), true
	r, err := s.run()
	if err != nil || r.Code != 5 || r.Facts.Accel != vm.TCG || !strings.Contains(s.messages.String(), "kvm failed") {
		t.Fatalf("%+v %v %q", r, err, s.messages.String())
	}
	if r, err = s.run(); err != nil || r.Code != 5 || !r.Facts.Cached || !strings.Contains(r.Facts.Reason, "did not start") {
		t.Fatalf("the second run: %+v %v", r, err)
	}
	s.Accel = vm.KVM // asked for: no fall-back
	s.Cache = t.TempDir()
	if r, err = s.run(); r.Code != 125 || err == nil {
		t.Fatalf("asked for: %+v %v", r, err)
	}
}
