// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"loam/abi/channel"
)

// Roles that the test binary plays, named by this variable.
const roleVariable = "LOAM_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case "qemu": // a QEMU that never ends by itself
		time.Sleep(time.Minute)
		os.Exit(99)
	case "non-blocking":
		os.Exit(nonBlocking())
	case "loam": // a loam that starts a QEMU, says its pid, and waits
		os.Setenv(roleVariable, "qemu")
		p, err := Start(config(os.Getenv("LOAM_TEST_QEMU")), nil)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(p.Pid())
		time.Sleep(time.Minute)
		os.Exit(99)
	}
	os.Exit(m.Run())
}

// config is a machine with a kernel that is none.
func config(qemu string) *Config {
	k, err := MemFileOf("kernel", strings.NewReader("no kernel"))
	if err != nil {
		panic(err)
	}
	return &Config{QEMU: qemu, Machine: MicroVM, Accel: TCG, CPUs: 1, MemoryMiB: 16, Kernel: k}
}

func TestCheck(t *testing.T) {
	good := func() *Config { return config("q") }
	if err := good().Check(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Config){
		"machine":       func(c *Config) { c.Machine = "pc,accel=kvm" },
		"accelerator":   func(c *Config) { c.Accel = "tcg,thread=multi" },
		"no CPU":        func(c *Config) { c.CPUs = 0 },
		"CPUs":          func(c *Config) { c.CPUs = MaxCPUs + 1 },
		"little memory": func(c *Config) { c.MemoryMiB = MinMemory - 1 },
		"much memory":   func(c *Config) { c.MemoryMiB = MaxMemory + 1 },
		"icount on KVM": func(c *Config) { c.Deterministic, c.Accel = true, KVM },
		"icount on two": func(c *Config) { c.Deterministic, c.CPUs = true, 2 },
		"VGA":           func(c *Config) { c.VGA = true },
		"no kernel":     func(c *Config) { c.Kernel = nil },
		"parameter":     func(c *Config) { c.Params = []Param{{"a", "b c"}} },
	} {
		c := good()
		change(c)
		if c.Check() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestCommandLineQuoting(t *testing.T) {
	line, err := cmdline([]Param{{"mode", "run"}, {"seed", "00ff"}, {"empty", ""}, {"x", "a=b,c\"'\\"}})
	if err != nil || line != `mode=run seed=00ff empty= x=a=b,c"'\` {
		t.Fatalf("%q %v", line, err)
	}
	for _, p := range []Param{
		{"", "x"}, {"a b", ""}, {"a=b", ""}, {"a\n", ""}, {"a", "b c"}, {"a", "b\tc"}, {"a", "\n"}, {"a", "\x00"},
		{"a", "é"}, {"a", "\x7f"}, {"a", "b mode=boot"},
	} {
		if line, err := cmdline([]Param{p}); err == nil {
			t.Errorf("%q became %q", p, line)
		}
	}
}

func TestArgs(t *testing.T) {
	c := config("q")
	c.Archive = c.Kernel
	c.Machine, c.VGA, c.CPUs, c.Sandbox, c.Missing = Q35, true, 2, true, []string{"smap"}
	c.Params = []Param{{"mode", "boot"}, {"x", "a,b"}}
	args, files := c.args(wires{os.Stdin, os.Stdin, os.Stdin})
	s := strings.Join(args, " ")
	for _, want := range []string{
		"-machine q35,", "-smp 2", "-vga std", "-display none", "-kernel /dev/fd/3", "-initrd /dev/fd/4",
		"id=log,fd=5", "id=out,fd=6", "id=in,fd=7", "-append mode=boot x=a,b", "spawn=deny",
	} {
		if !strings.Contains(s, want) {
			t.Errorf("no %q in %s", want, s)
		}
	}
	if len(files) != 5 || strings.Contains(s, "smap") || strings.Contains(s, "icount") {
		t.Errorf("%d files, %s", len(files), s)
	}
}

// TestThreads holds which machines QEMU emulates with a thread for each CPU.
func TestThreads(t *testing.T) {
	multi := map[bool]string{false: "tcg", true: "tcg,thread=multi"}[ordered]
	for _, x := range []struct {
		accel string
		cpus  int
		want  string
	}{
		{TCG, 1, "tcg"},
		{TCG, 2, multi},
		{TCG, MaxCPUs, multi},
		{KVM, 4, "kvm"},
		{HVF, 4, "hvf"},
	} {
		c := config("q")
		c.Accel, c.CPUs = x.accel, x.cpus
		if got := c.accelArg(); got != x.want {
			t.Errorf("%+v: %s", x, got)
		}
		if err := c.Check(); err != nil {
			t.Errorf("%+v: %v", x, err)
		}
	}
}

func TestRefusedCPUs(t *testing.T) {
	for said, want := range map[string]string{
		"qemu-system-x86_64: Invalid SMP CPUs 64. The max CPUs supported by machine 'microvm' is 32\n":        "Invalid SMP CPUs 64. The max CPUs supported by machine 'microvm' is 32",
		"warning: x\nqemu: Number of SMP cpus requested (64) exceeds the maximum cpus supported by KVM (8)\n": "Number of SMP cpus requested (64) exceeds the maximum cpus supported by KVM (8)",
		"warning: Number of SMP cpus requested (64) exceeds the recommended cpus supported by KVM (2)\n":      "",
		"qemu-system-x86_64: cannot set up guest memory 'high': Cannot allocate memory\n":                     "",
		"": "",
	} {
		p := &Process{Stderr: NewTail(1000)}
		_, _ = io.WriteString(p.Stderr, said)
		if got := p.RefusedCPUs(); got != want {
			t.Errorf("%q: %q, want %q", said, got, want)
		}
	}
}

// TestRingArgs holds that the pieces of memory with a ring make up the whole.
func TestRingArgs(t *testing.T) {
	c := config("q")
	ring, err := c.NewRing()
	if err != nil || ring.Addr != channel.RingAddr {
		t.Fatal(ring, err)
	}
	defer ring.Close()
	c.Ring = ring
	args, files := c.args(wires{os.Stdin, os.Stdin, os.Stdin})
	s := strings.Join(args, " ")
	for _, want := range []string{
		"-m 16M", "-object memory-backend-ram,id=low,size=1728K", "share=on",
		"-object memory-backend-file,id=ring,size=320K,mem-path=/dev/fd/3,",
		"-object memory-backend-ram,id=high,size=14336K",
		"-numa node,memdev=low -numa node,memdev=ring -numa node,memdev=high",
	} {
		if !strings.Contains(s, want) {
			t.Errorf("no %q in %s", want, s)
		}
	}
	if len(files) != 5 || 1728+320+14336 != 16<<10 {
		t.Errorf("%d files", len(files))
	}
}

func TestCPU(t *testing.T) {
	if !slices.Contains(Features(nil), "avx2") || slices.Contains(Features([]string{"avx2"}), "avx2") {
		t.Fatal("features")
	}
	if n := Needed([]string{"smap", "avx2", "pni", "unheard-of"}); !slices.Equal(n, []string{"avx2", "pni"}) {
		t.Fatalf("needed: %q", n)
	}
	if n := Needed([]string{"erms"}); n != nil {
		t.Fatalf("needed: %q", n)
	}
}

func TestTail(t *testing.T) {
	var all []byte
	tail := NewTail(10)
	for i := range 60 { // against keeping everything
		p := []byte(strings.Repeat(strconv.Itoa(i%10), i%25))
		all = append(all, p...)
		if n, err := tail.Write(p); n != len(p) || err != nil {
			t.Fatal(n, err)
		}
		if want := all[max(0, len(all)-10):]; !bytes.Equal(tail.Bytes(), want) {
			t.Fatalf("after write %d: %q, want %q", i, tail.Bytes(), want)
		}
	}
	tail = NewTail(100)
	_, _ = io.WriteString(tail, "one\r\n\n\x1b[1mtwo\xff\nthree  ")
	if l := tail.Lines(2); !slices.Equal(l, []string{"[1mtwo", "three"}) {
		t.Fatalf("%q", l)
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                "plain",
		"tab\there":            "tab here",
		"\x1b]0;x\x07\x9b\r\n": "]0;x",
		"über 漢字":              "über 漢字",
		"\u202egnp.exe":        "gnp.exe",
		"\u009b31m":            "31m",
	} {
		if got := Printable(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// gone waits for the end of a process.
func gone(pid int) bool {
	for range 100 {
		if errGone(pid) {
			return true
		}
		time.Sleep(50 * time.Millisecond)
	}
	return false
}

// errGone reports whether a process has ended; a zombie that an init process
// has yet to reap has.
func errGone(pid int) bool {
	if syscall.Kill(pid, 0) == syscall.ESRCH {
		return true
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && bytes.Contains(b, []byte(") Z "))
}

// qemus are programs to play QEMU: this test binary, and QEMU where it is.
func qemus(t *testing.T) []string {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	list := []string{exe}
	if path, err := exec.LookPath("qemu-system-x86_64"); err == nil {
		list = append(list, path)
	}
	return list
}

func TestKill(t *testing.T) {
	for _, qemu := range qemus(t)[:1] {
		t.Setenv(roleVariable, "qemu")
		p, err := Start(config(qemu), nil)
		if err != nil {
			t.Fatal(err)
		}
		p.Kill()
		p.Close()
		if e := p.Ending(); e.Signal != syscall.SIGKILL || !errGone(p.Pid()) {
			t.Fatalf("%+v", e)
		}
		p.Kill() // once more does no harm
	}
}

// TestDeathOfLoam kills a loam by SIGKILL: its QEMU must go, too.
func TestDeathOfLoam(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("no parent-death signal here")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, qemu := range qemus(t) {
		if qemu != self {
			qemu = stopped(t, qemu)
		}
		loam := exec.Command(self)
		loam.Env = append(os.Environ(), roleVariable+"=loam", "LOAM_TEST_QEMU="+qemu)
		out, err := loam.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := loam.Start(); err != nil {
			t.Fatal(err)
		}
		var pid int
		if _, err := fmt.Fscan(out, &pid); err != nil {
			t.Fatal(err)
		}
		time.Sleep(300 * time.Millisecond)
		if errGone(pid) {
			t.Fatalf("%s was gone before", qemu)
		}
		_ = loam.Process.Kill()
		_ = loam.Wait()
		if !gone(pid) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
			t.Fatalf("%s was left behind", qemu)
		}
	}
}

// stopped writes a script that starts a real QEMU with a machine that stays.
func stopped(t *testing.T, qemu string) string {
	path := t.TempDir() + "/qemu"
	script := "#!/bin/sh\nexec " + qemu + " -nodefaults -no-user-config -display none -M none -S\n"
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestStartFails(t *testing.T) {
	before := descriptors(t)
	for range 3 {
		c := config("/nonexistent/qemu")
		if p, err := Start(c, nil); err == nil {
			p.Close()
			t.Fatal("started nothing")
		}
		c.Kernel.Close()
	}
	if after := descriptors(t); after > before {
		t.Fatalf("%d descriptors, then %d", before, after)
	}
}

// descriptors counts the open descriptors of this process.
func descriptors(t *testing.T) int {
	fds, err := os.ReadDir("/dev/fd")
	if err != nil {
		t.Skip(err)
	}
	return len(fds)
}
