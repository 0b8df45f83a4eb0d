// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"loam/abi/channel"
	"loam/abi/channel/stream"
	"loam/host/vm"
)

// The test binary plays the part that this variable names.
const roleVariable = "LOAM_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case "loam":
		kernelImage = []byte("no kernel")
		os.Exit(execute(os.Args[1:], os.Stdout, os.Stderr))
	case "qemu":
		os.Exit(fakeQEMU())
	}
	os.Exit(m.Run())
}

// fakeQEMU passes the probe; as a machine it writes its pid to the file
// LOAM_TEST_PID and ends with LOAM_TEST_STATUS, or stays if that is not set.
func fakeQEMU() int {
	args := strings.Join(os.Args[1:], " ")
	if args == "--version" {
		fmt.Println("QEMU emulator version 9.9.9")
		return 0
	}
	virt := strings.Contains(args, "-machine virt")
	_, rest, _ := strings.Cut(args, map[bool]string{false: "socket,id=out,fd=", true: "socket,id=channel,fd="}[virt])
	number, _, _ := strings.Cut(rest, " ")
	fd, err := strconv.Atoi(number)
	if err != nil {
		return 98
	}
	out := os.NewFile(uintptr(fd), "out")
	console := os.NewFile(uintptr(fd-1), "log") // the descriptor before it
	if strings.Contains(args, "mode=boot") {
		_, _ = console.WriteString("booted\n")
		line := make([]byte, 5)
		n, _ := console.Read(line)
		_, _ = console.WriteString("typed " + string(line[:n]))
		time.Sleep(time.Minute)
	}
	switch probe := strings.Contains(args, "-m 16M"); {
	case probe && virt:
		_, _ = console.WriteString("RISC")
		return 33
	case probe:
		_, _ = out.WriteString("LONG")
		return 33
	}
	if err := os.WriteFile(os.Getenv("LOAM_TEST_PID"), []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
		return 97
	}
	if strings.Contains(args, " log=1") {
		_, _ = console.WriteString("a line of the log\n")
	}
	w := stream.NewWriter(out)
	_ = w.Write(channel.Hello, []byte{channel.Version, 0, 0, 0})
	if strings.Contains(args, " map=") {
		sendMap(w, strings.Contains(args, " map=end"))
	}
	_ = w.Write(channel.Stdout, []byte("output"))
	status, err := strconv.Atoi(os.Getenv("LOAM_TEST_STATUS"))
	if err != nil {
		time.Sleep(time.Minute)
		return 99
	}
	var b [channel.ExitSize]byte
	channel.PutExit(&b, channel.Exited, uint32(status))
	_ = w.Write(channel.Exit, b[:])
	return 33
}

// sendMap sends a map of a machine of 4 KiB, made at the program's end.
func sendMap(w *stream.Writer, whole bool) {
	var begin [channel.MapBeginSize]byte
	channel.PutMapBegin(&begin, channel.MapAtEnd, 5, 7)
	_ = w.Write(channel.MemoryMap, begin[:])
	b := make([]byte, 1+2*channel.MapWordSize)
	b[0] = byte(channel.MapBlocks)
	channel.PutMapWord(b[1:], channel.NewMapWord(channel.MapRegion, 0, 16, false))
	channel.PutMapWord(b[9:], channel.NewMapWord(channel.MapFree, 0, 1, false))
	_ = w.Write(channel.MemoryMap, b)
	if whole {
		var end [channel.MapEndSize]byte
		channel.PutMapEnd(&end, 2)
		_ = w.Write(channel.MemoryMap, end[:])
	}
}

// loam is a loam process with a fake QEMU.
type loam struct {
	*exec.Cmd
	out, err bytes.Buffer
	pidFile  string
}

// newLoam is loam with these arguments. Its QEMU answers for a kernel alone.
func newLoam(t *testing.T, args ...string) *loam {
	t.Helper()
	if len(args) > 0 && args[0] == "run" {
		args = slices.Insert(slices.Clone(args), 1, "--bare")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	l := &loam{Cmd: exec.Command(self, args...), pidFile: filepath.Join(dir, "pid")}
	qemu := filepath.Join(dir, "qemu")
	script := "#!/bin/sh\n" + roleVariable + "=qemu exec " + self + " \"$@\"\n"
	if err := os.WriteFile(qemu, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	l.Env = append(os.Environ(), roleVariable+"=loam", "LOAM_QEMU="+qemu, "LOAM_QEMU_RISCV64="+qemu,
		"LOAM_CACHE="+filepath.Join(dir, "cache"), "LOAM_TEST_PID="+l.pidFile)
	l.Stdout, l.Stderr = &l.out, &l.err
	l.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return l
}

// qemuPid waits for the fake QEMU to be up.
func (l *loam) qemuPid(t *testing.T) int {
	t.Helper()
	for range 200 {
		if b, err := os.ReadFile(l.pidFile); err == nil && len(b) > 0 {
			pid, err := strconv.Atoi(string(b))
			if err != nil {
				t.Fatal(err)
			}
			return pid
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("QEMU did not start: %s", l.err.String())
	return 0
}

func gone(pid int) bool {
	for range 100 {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if syscall.Kill(pid, 0) == syscall.ESRCH || err == nil && bytes.Contains(b, []byte(") Z ")) {
			return true
		}
		time.Sleep(50 * time.Millisecond)
	}
	return false
}

// native writes the smallest executable that the loader accepts.
func native(t *testing.T) string { return nativeFor(t, elf.EM_X86_64) }

func nativeFor(t *testing.T, machine elf.Machine) string {
	t.Helper()
	b := make([]byte, 0x1000)
	copy(b, "\x7fELF\x02\x01\x01")
	le := binary.LittleEndian
	for at, v := range map[int]uint16{
		16: 2, 18: uint16(machine), 20: 1, 32: 64, 52: 64, 54: 56, 56: 1, 64: 1, 68: 5, 96: 0x1000, 104: 0x1000, 112: 0x1000,
	} {
		le.PutUint16(b[at:], v)
	}
	le.PutUint64(b[24:], 0x400100)
	le.PutUint64(b[80:], 0x400000)
	path := filepath.Join(t.TempDir(), "prog")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestExitStatus(t *testing.T) {
	progs := []string{native(t), nativeFor(t, elf.EM_RISCV), native(t)}
	for i, status := range []int{0, 7, 255} {
		l := newLoam(t, "run", progs[i], "--help", "-v")
		l.Env = append(l.Env, "LOAM_TEST_STATUS="+strconv.Itoa(status))
		_ = l.Run()
		if got := l.ProcessState.ExitCode(); got != status || l.out.String() != "output" || l.err.String() != "" {
			t.Errorf("%d, want %d: %q %q", got, status, l.out.String(), l.err.String())
		}
	}
}

// TestMemoryMap: the map gets to its file or to standard output, a failure says so
// and leaves what was there.
func TestMemoryMap(t *testing.T) {
	prog := native(t)
	file := filepath.Join(t.TempDir(), "map")
	old := filepath.Join(t.TempDir(), "old.txt")
	if err := os.WriteFile(old, bytes.Repeat([]byte("old\n"), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	const table = "4 KiB free of 4 KiB"
	for _, c := range []struct {
		name, at, status string
		want             int
		out, err, file   string // "": nothing
	}{
		{file + ".svg", "end", "3", 3, "", "", "</svg>"},
		{file + ".txt", "end", "0", 0, "", "", table},
		{"-", "end", "0", 0, table, "", ""},
		{file + "2.svg", "start", "0", 125, "", "did not come to its end", ""},
		{file + "3.svg", "2s", "4", 4, "", "did not come to its end", ""}, // the program's own failure counts
		{old, "start", "0", 125, "", "did not come to its end", "old\n"},
		{old, "end", "0", 0, "", "", table},
	} {
		l := newLoam(t, "run", "--memory-map", c.name, "--memory-map-at", c.at, prog)
		l.Env = append(l.Env, "LOAM_TEST_STATUS="+c.status)
		_ = l.Run()
		content, _ := os.ReadFile(c.name)
		if got := l.ProcessState.ExitCode(); got != c.want || !strings.Contains(l.out.String(), c.out) ||
			!strings.Contains(l.err.String(), c.err) || (c.err == "") != (l.err.Len() == 0) ||
			!strings.Contains(string(content), c.file) || (c.file == "") != (content == nil) {
			t.Errorf("%s at %s: status %d, %q, %q, file %.100q", c.name, c.at, got, l.out.String(), l.err.String(), content)
		}
		if c.want == 0 && strings.Contains(string(content), "old") {
			t.Errorf("%s: something of the old file is left", c.name)
		}
	}
	l := newLoam(t, "run", "--memory-map", "/nonexistent/map.svg", prog)
	_ = l.Run()
	if _, err := os.Stat(l.pidFile); err == nil || l.ProcessState.ExitCode() != 125 {
		t.Error("the machine was started, and the file can't be written")
	}
}

func TestMoments(t *testing.T) {
	for in, want := range map[string]string{
		"end": "end", "start": "start", "250ms": "250000000", "2s": "2000000000", "1.5": "1500000000",
		"": "", "peak": "", "-1s": "", "0": "",
	} {
		var m momentFlag
		if err := m.Set(in); (err == nil) != (want != "") || err == nil && m.parameter() != want {
			t.Errorf("%q: %q, %v", in, m.parameter(), err)
		}
	}
	var m momentFlag
	if m.parameter() != "end" {
		t.Errorf("without a flag: %q", m.parameter())
	}
}

// TestSignals ends loam by each signal a person or a system sends, to its
// whole process group as a terminal does. QEMU must go with it.
func TestSignals(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("no parent-death signal here")
	}
	prog := native(t)
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGKILL} {
		t.Run(s.String(), func(t *testing.T) {
			l := newLoam(t, "run", prog)
			if err := l.Start(); err != nil {
				t.Fatal(err)
			}
			pid := l.qemuPid(t)
			_ = syscall.Kill(-l.Process.Pid, s)
			_ = l.Wait()
			if !gone(pid) {
				_ = syscall.Kill(pid, syscall.SIGKILL)
				t.Error("QEMU was left behind")
			}
			want := 128 + int(s)
			if s == syscall.SIGKILL {
				want = -1
			}
			if got := l.ProcessState.ExitCode(); got != want {
				t.Errorf("status %d, want %d: %s", got, want, l.err.String())
			}
			if s == syscall.SIGINT && l.err.String() != "" {
				t.Errorf("Ctrl-C said %q", l.err.String())
			}
		})
	}
}

// TestLog: into a file, or to standard error.
func TestLog(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log")
	for _, name := range []string{file, "-"} {
		l := newLoam(t, "run", "--log", name, native(t))
		l.Dir = t.TempDir()
		l.Env = append(l.Env, "LOAM_TEST_STATUS=0")
		_ = l.Run()
		text, _ := os.ReadFile(file)
		if name == "-" {
			text = l.err.Bytes()
		} else if l.err.Len() > 0 {
			t.Errorf("on standard error: %q", l.err.String())
		}
		if got := l.ProcessState.ExitCode(); got != 0 || string(text) != "a line of the log\n" {
			t.Errorf("%s: status %d, %q", name, got, text)
		}
		if left, _ := os.ReadDir(l.Dir); len(left) > 0 {
			t.Errorf("%s: made %v", name, left)
		}
	}
}

func TestTimeoutFlag(t *testing.T) {
	l := newLoam(t, "run", "--timeout", "0.5", native(t))
	_ = l.Run()
	if got := l.ProcessState.ExitCode(); got != 124 || !strings.Contains(l.err.String(), "loam: timeout") {
		t.Fatalf("%d %q", got, l.err.String())
	}
}

func TestCommandLines(t *testing.T) {
	prog, riscv := native(t), nativeFor(t, elf.EM_RISCV)
	for _, c := range []struct {
		args   []string
		status int
		want   string // on stdout if the status is 0, else on stderr
	}{
		{[]string{}, 0, "loam run hello.wasm"},
		{[]string{"--help"}, 0, "doctor"},
		{[]string{"ps", "--help"}, 0, "loam ps --json"},
		{[]string{"ps", "x"}, 125, "takes no arguments"},
		{[]string{"run", "--help"}, 0, "loam run --services ./services ./server"},
		{[]string{"run", "--help"}, 0, "134"},
		{[]string{"exec", "--help"}, 0, "go test -exec 'loam exec'"},
		{[]string{"exec"}, 125, "which program"},
		{[]string{"exec", "--bare", prog}, 125, "no folders"},
		{[]string{"exec", "--deterministic", prog}, 125, "no folders"},
		{[]string{"version"}, 0, "loam "},
		{[]string{"version", "x"}, 125, "takes no arguments"},
		{[]string{"hello.wasm"}, 125, "loam run hello.wasm"},
		{[]string{"frobnicate"}, 125, "no command"},
		{[]string{"run"}, 125, "which program"},
		{[]string{"run", "--no-such-flag", prog}, 125, "no-such-flag"},
		{[]string{"run", "-m", "512", prog}, 125, "512M"},
		{[]string{"run", "-m", "1M", prog}, 125, "possible"},
		{[]string{"run", "-m", "lots", prog}, 125, "not a size"},
		{[]string{"run", "--timeout", "soon", prog}, 125, "not a time"},
		{[]string{"run", "--timeout", "-1s", prog}, 125, "more than nothing"},
		{[]string{"run", "--machine", "pdp11", prog}, 125, "pdp11"},
		{[]string{"run", "--param", "collect", prog}, 125, "not K=V"},
		{[]string{"run", "--param", "a=b c", prog}, 125, "kernel parameter a"},
		{[]string{"run", "--cpus", "0", prog}, 125, "at least one"},
		{[]string{"run", "--cpus", "-1", prog}, 125, "at least one"},
		{[]string{"run", "--cpus", "1000", prog}, 125, "1000 CPUs"},
		{[]string{"run", "-e", "=x", prog}, 125, "without a name"},
		{[]string{"run", "--arch", "riscv64", prog}, 126, "is for amd64, not riscv64"},
		{[]string{"run", "--arch", "amd64", riscv}, 126, "is for riscv64, not amd64\nwithout --arch"},
		{[]string{"run", "--machine", "q35", riscv}, 126, "is for riscv64, not amd64"},
		{[]string{"run", "--arch", "amd64", "--machine", "virt", prog}, 125, "virt is for riscv64, not amd64"},
		{[]string{"run", "--arch", "vax", prog}, 125, "no such architecture"},
		{[]string{"run", "--firmware", "uefi", riscv}, 125, "no such firmware"},
		{[]string{"run", "--firmware", "opensbi", prog}, 125, "no choice of firmware"},
		{[]string{"run", "--cpu", "v=on,x", riscv}, 125, "property"},
		{[]string{"run", "--accel", "kvm", riscv}, 125, "kvm"},
		{[]string{"run", "--help"}, 0, "loam run --arch riscv64 hello.wasm"},
		{[]string{"run", "-t", prog}, 125, "--bare has nothing in the machine"},
		{[]string{"run", "--dir", "/tmp", prog}, 125, "--bare has nothing in the machine"},
		{[]string{"run", "-t", "--bare=false", prog}, 125, "-t: neither"},
		{[]string{"run", "-t", "--deterministic", prog}, 125, "no terminal"},
		{[]string{"run", "--bare=false", "--dir", "/tmp", "--deterministic", prog}, 125, "a deterministic machine has no devices"},
		{[]string{"run", "--deterministic", "--accel", "kvm", prog}, 125, "tcg"},
		{[]string{"run", "--log", "/nonexistent/log", prog}, 125, "/nonexistent/log"},
		{[]string{"run", "--help"}, 0, "--memory-map ram.svg --memory-map-at 250ms"},
		{[]string{"run", "--memory-map", "/nonexistent/map.svg", prog}, 125, "/nonexistent/map.svg"},
		{[]string{"run", "--memory-map", "map.png", prog}, 125, ".svg"},
		{[]string{"run", "--memory-map-at", "end", prog}, 125, "without --memory-map"},
		{[]string{"run", "--memory-map", "-", "--memory-map-at", "noon", prog}, 125, "not start, end, or a time"},
		{[]string{"run", "no-such-program"}, 127, "does not search PATH"},
		{[]string{"run", "/dev/null"}, 126, "device"},
		{[]string{"run", os.DevNull + "/x"}, 126, "not a directory"},
		{[]string{"boot", "--display", "curses"}, 125, "curses"},
		{[]string{"boot", "x"}, 125, "takes no arguments"},
		{[]string{"boot", "--arch", "riscv64", "--machine", "q35"}, 125, "q35 is for amd64, not riscv64"},
		{[]string{"boot", "--arch", "riscv64", "--display", "gtk"}, 125, "no screen"},
		{[]string{"boot", "--arch", "riscv64", "--screendump", "x.ppm"}, 125, "no screen"},
	} {
		l := newLoam(t, c.args...)
		_ = l.Run()
		got := l.ProcessState.ExitCode()
		text := l.err.String()
		if c.status == 0 {
			text = l.out.String()
		} else if l.out.Len() > 0 {
			t.Errorf("%q: on stdout: %q", c.args, l.out.String())
		}
		if got != c.status || !strings.Contains(text, c.want) {
			t.Errorf("%q: status %d, want %d: %q", c.args, got, c.status, text)
		}
	}
}

func TestBoot(t *testing.T) {
	for _, args := range [][]string{{"--display", "none"}, {"--arch", "riscv64"}, {"--machine", "virt", "--firmware", "opensbi"}} {
		l := newLoam(t, append([]string{"boot", "--for", "700ms"}, args...)...)
		l.Stdin = strings.NewReader("keys\n")
		_ = l.Run()
		if got := l.ProcessState.ExitCode(); got != 0 || l.out.String() != "booted\ntyped keys\n" {
			t.Fatalf("%q: %d: %q %q", args, got, l.out.String(), l.err.String())
		}
	}
}

func TestDoctor(t *testing.T) {
	l := newLoam(t, "doctor")
	_ = l.Run()
	for _, want := range []string{"QEMU, amd64          9.9.9", "QEMU, riscv64        9.9.9", "firmware", "acceleration", "guest CPU",
		"cache folder", "kernel, amd64", "kernel, riscv64", "WASI runner, amd64", "WASI runner, riscv64"} {
		if !strings.Contains(l.out.String(), want) {
			t.Errorf("no %q in:\n%s", want, l.out.String())
		}
	}
	bad := strings.Contains(l.out.String(), "BAD")
	if got := l.ProcessState.ExitCode(); got != 0 && got != 1 || (got == 1) != bad {
		t.Errorf("status %d:\n%s", got, l.out.String())
	}
	l = newLoam(t, "doctor")
	l.Env = append(l.Env, "LOAM_QEMU=/nonexistent/qemu")
	_ = l.Run()
	if got := l.ProcessState.ExitCode(); got != 1 || !strings.Contains(l.out.String(), "BAD   QEMU") || !strings.Contains(l.out.String(), "to mend it") {
		t.Errorf("without QEMU: %d\n%s", got, l.out.String())
	}
	l = newLoam(t, "doctor")
	l.Env = append(l.Env, "LOAM_QEMU_RISCV64=/nonexistent/qemu")
	_ = l.Run()
	if !strings.Contains(l.out.String(), "note  QEMU, riscv64") || !strings.Contains(l.out.String(), "no machines for riscv64") || !strings.Contains(l.out.String(), "to mend it") {
		t.Errorf("without that for riscv64: %s", l.out.String())
	}
}

func TestSizes(t *testing.T) {
	for in, want := range map[string]int{
		"64M": 64, "64m": 64, "1G": 1024, "1g": 1024, "512MB": 512, "512MiB": 512, "8192K": 8, "1T": vm.MaxMemory,
		"": 0, "M": 0, "64": 0, "-1G": 0, "1.5G": 0, "3M": 0, "2T": 0, "100K": 0, "99999999999999999999G": 0, "64 M": 0, "B": 0, "iB": 0,
	} {
		var s sizeFlag
		err := s.Set(in)
		if (err == nil) != (want != 0) || int(s) != want {
			t.Errorf("%q: %d, %v", in, s, err)
		}
	}
}

func TestDurations(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"10": 10 * time.Second, "1.5": 1500 * time.Millisecond, "1m30s": 90 * time.Second,
		"": 0, "x": 0, "0": 0, "-5": 0, "NaN": 0, "Inf": 0, "1e300": 0,
	} {
		var d durationFlag
		if err := d.Set(in); (err == nil) != (want != 0) || d.Duration != want {
			t.Errorf("%q: %v, %v", in, d.Duration, err)
		}
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("LOAM_TEST_HERE", "from here")
	os.Unsetenv("LOAM_TEST_ABSENT")
	var e envFlag
	for _, v := range []string{"A=1", "B=", "LOAM_TEST_HERE", "LOAM_TEST_ABSENT", "A=2=3", "AB=4"} {
		if err := e.Set(v); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(e.values, "|"); got != "A=2=3|B=|LOAM_TEST_HERE=from here|AB=4" {
		t.Fatalf("%q", got)
	}
	if e.Set("=x") == nil {
		t.Fatal("a variable without a name")
	}
}
