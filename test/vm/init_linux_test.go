// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"loam/test/vm/vmtest"
)

// TestInit: started by init, a program behaves and ends as it does alone.
func TestInit(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	tool := vmtest.Program(t, "tool")
	long := strings.Repeat("x", 10_000) // more than a program could hand on
	for _, c := range []struct {
		stdin string
		args  []string
	}{
		{"", []string{tool, "exit", "0"}},
		{"", []string{tool, "exit", "77"}},
		{"", []string{tool, "panic"}},
		{"", []string{"-e", "A=b", "-e", "C=" + long, tool, "env"}},
		{"", []string{tool, "args", "a b", "", long}},
		{"abc", []string{tool, "cat"}},
		{"", []string{vmtest.File(t, "zeros", (&vmtest.ELF{Segments: []vmtest.Segment{{Addr: 0x400000, Data: make([]byte, 16)}}}).Bytes())}},
	} {
		alone := vmtest.Command{Args: append([]string{"run"}, c.args...), Stdin: strings.NewReader(c.stdin)}.Do(t)
		r := vmtest.Command{Args: append([]string{"run", "--init"}, c.args...), Stdin: strings.NewReader(c.stdin)}.Do(t)
		if r.Code != alone.Code || string(r.Stdout) != string(alone.Stdout) || unnumbered(r.Stderr) != unnumbered(alone.Stderr) {
			t.Errorf("%.100q\nalone:  %s\nby init: %s", c.args, alone, r)
		}
	}
	r := vmtest.Run(t, "--init", "-v", vmtest.Program(t, "hello"))
	r.WantStdout(t, 0, "hello, world\n")
	wantNothingLeft(t, r)
}

var (
	goroutines = regexp.MustCompile(`(?s)\n\ngoroutine .*`)
	numbers    = regexp.MustCompile(`\(pid \d+|0x[0-9a-f]+`)
)

// unnumbered leaves out what isn't the same in each run.
func unnumbered(b []byte) string {
	return numbers.ReplaceAllString(goroutines.ReplaceAllString(string(b), ""), "N")
}

// services makes a folder with a manifest and the program services.
func services(t *testing.T, manifest string) string {
	t.Helper()
	dir := t.TempDir()
	program, err := os.ReadFile(vmtest.Program(t, "services"))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "services"), program, 0o666)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "manifest"), []byte("loam-manifest 1\n"+manifest), 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// edit changes text of the manifest in a folder.
func edit(t *testing.T, dir, from, to string) {
	t.Helper()
	file := filepath.Join(dir, "manifest")
	b, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(file, []byte(strings.ReplaceAll(string(b), from, to)), 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
}

const lifeManifest = `
service lazy
  file services
  args serve
  provides lazy
  uses stubborn
  machine read
  interrupt 5
  dma 8K
  DEVICE
  limit thread 20
  limit pages 16M
  priority 3
  start lazy
  restart failure after 0s to 0s at most 10 in 1h
service stubborn
  file services
  args serve
  provides stubborn
  restart always after 10ms at most 2 in 1h
service once
  file services
  args serve
  provides once
  restart never
service unmade
  file services
  provides unmade
  interrupt 65536                # there is no such line
  restart never
service slow
  file services
  args serve spin
  provides slow
  start lazy
  quota 1ms per 10ms
  restart never
program
  uses lazy
  uses stubborn
  uses once
  uses unmade
  uses slow
`

// TestServices follows services through their lives.
func TestServices(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for _, cpus := range vmtest.CPUs("1", "2") {
		t.Run(cpus, func(t *testing.T) {
			t.Parallel()
			device := "registers 0x10001000 0x200" // of a virtio device
			if vmtest.Arch() == "amd64" {          // which has ports, too
				device = "registers 0xfeb00e00 0x200\n  ports 0x2e8 8"
			}
			dir := services(t, strings.Replace(lifeManifest, "DEVICE", device, 1))
			r := vmtest.Run(t, "-m", "256M", "--cpus", cpus, "-v", "--services", dir, vmtest.Program(t, "services"), "life")
			r.Cases(t)
			wantNothingLeft(t, r)
			for _, want := range []string{
				"init: service lazy: exit code 3\n",
				"init: service stubborn does not come back: exit code 1, the last of too many ends (2 restarts in 1h0m0s)\n",
				"init: service unmade does not come back: not started: interrupt 65536: ",
			} {
				if !strings.Contains(string(r.Stderr), want) {
					t.Errorf("not said: %q\n%s", want, r.Stderr)
				}
			}
		})
	}
}

// TestServicesRefused: what is wrong with services is said before the machine starts,
// and what is essential takes the machine along.
func TestServicesRefused(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	hello := vmtest.Program(t, "hello")
	dir := services(t, "service a\n  file services\n  uses b\n")
	vmtest.Run(t, "--services", dir, hello).WantReason(t, 125, "manifest:4: no service provides b")
	dir = services(t, "service a\n  file nothing\n")
	vmtest.Run(t, "--services", dir, hello).WantReason(t, 125, "manifest:2: the file nothing of service a is not in ")
	vmtest.Run(t, "--services", t.TempDir(), hello).WantReason(t, 125, "has no file manifest")
	vmtest.Run(t, "--services", hello, hello).WantReason(t, 125, "--services", "not a directory")
	dir = services(t, "service a\n  file services\n  args exit 3\n  restart never\n  essential\n")
	r := vmtest.Run(t, "--services", dir, vmtest.Program(t, "tool"), "ready", "idle")
	r.Want(t, 125)
	for _, want := range []string{"init: service a does not come back: exit code 3\n", "loam: the essential service a has ended: exit code 3\n"} {
		if !strings.Contains(string(r.Stderr), want) {
			t.Errorf("not said: %q\n%s", want, r)
		}
	}
}

// killsVariable names the environment variable with the number of kills of
// TestSupervisor.
const killsVariable = "LOAM_KILLS"

// TestSupervisor kills a service under traffic, again and again: each time another
// instance comes, and no call is lost without its caller's knowing.
func TestSupervisor(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	kills := os.Getenv(killsVariable)
	if kills == "" {
		kills = "40"
	}
	const manifest = "service work\n  file services\n  args serve\n  provides work\n  restart always after 0s to 0s without limit\nprogram\n  uses work\n"
	for _, cpus := range vmtest.CPUs("1", "2") {
		t.Run(cpus, func(t *testing.T) {
			t.Parallel()
			c := vmtest.Command{Args: []string{"run", "-m", "256M", "--cpus", cpus, "-v", "--services", services(t, manifest),
				vmtest.Program(t, "services"), "kills", kills, "6"}, Limit: 20 * time.Minute}
			r := c.Do(t)
			r.Want(t, 0)
			t.Logf("%s", r.Stdout)
			if !strings.HasPrefix(string(r.Stdout), "killed "+kills+" times in ") {
				t.Error(r)
			}
			wantNothingLeft(t, r)
		})
	}
}

// TestPs: machines are found, with what runs in them, and are gone afterwards.
func TestPs(t *testing.T) {
	loam := vmtest.Loam(t)
	run, err := os.MkdirTemp("", "ps") // a short path: that of a socket is limited
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(run) })
	t.Setenv("XDG_RUNTIME_DIR", run)
	ps := func(args ...string) string {
		out, err := exec.Command(loam, append([]string{"ps"}, args...)...).Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	if out := ps(); out != "" {
		t.Fatal(out)
	}
	tool := vmtest.Program(t, "tool")
	dir := services(t, "service work\n  file services\n  args serve\n  provides work\n  start lazy\nservice bad\n  file services\n  args exit 9\n  restart never\n")
	with := start(t, "run", "--services", dir, tool, "ready", "idle")
	start(t, "run", "--bare", tool, "ready", "idle")
	out := ps()
	for _, want := range []string{
		`(?m)^machine \d+: .*tool \(.* 512 MiB, 1 CPU, up \d+s\)$`,
		`(?m)^  init  +1 .* (running|waiting for CPU|blocked)$`,
		`(?m)^  work  +- .* stopped: starts when it is called$`,
		`(?m)^  bad  +- .* ended: exit code 9$`,
		`(?m)^  streams  +\d+ .* (running|waiting for CPU|blocked)$`,
		`(?m)^  linux  +\d+ .* (running|waiting for CPU|blocked)$`,
		`(?m)^  program  +\d+ .* blocked$`,
	} {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("not listed: %s\n%s", want, out)
		}
	}
	var list []struct {
		Init     bool
		Trouble  string
		Programs []struct {
			Name   string
			Memory uint64 `json:"memory_bytes"`
			CPU    uint64 `json:"cpu_ns"`
		}
	}
	if err := json.Unmarshal([]byte(ps("--json")), &list); err != nil || len(list) != 2 {
		t.Fatal(err, list)
	}
	for _, m := range list {
		if m.Trouble != "" || m.Init != (len(m.Programs) >= 6) || !m.Init && len(m.Programs) != 0 {
			t.Errorf("%+v", m)
		}
		if !m.Init {
			continue
		}
		if p := m.Programs[len(m.Programs)-1]; p.Memory < 100<<10 || p.CPU == 0 {
			t.Errorf("%+v", p)
		}
	}
	_ = with.cmd.Process.Kill()
	_ = with.cmd.Wait()
	if out := ps(); strings.Count(out, "machine ") != 1 {
		t.Errorf("the machine of a loam that was killed is listed:\n%s", out)
	}
	if left, _ := filepath.Glob(filepath.Join(run, "loam", "*.sock")); len(left) != 1 {
		t.Errorf("sockets: %v", left)
	}
}

// TestConsoleDriver has a console that is driven in user mode: what is typed comes
// back in capitals, by way of the driver, both ways.
func TestConsoleDriver(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	device := "args uart=0x3f8\n  provides console\n  interrupt 4\n  ports 0x3f8 8\n"
	if vmtest.Arch() == "riscv64" {
		device = "args uart\n  provides console\n  interrupt 10 level\n  memory 0x10000000 4K\n"
	}
	dir := services(t, "service console\n  system console\n  "+device+"  restart always\n"+
		"service echo\n  file services\n  args echo\n  uses console\n  restart always\n")
	c := bootTo(t, "type\r", nil, "--services", dir)
	for _, word := range []string{"loam", "q", "t"} { // not keys of the kernel's any more
		c.press(word)
		for got := ""; got != strings.ToUpper(word); { // what is typed may come in parts
			line := strings.TrimRight(c.expect("\r"), "\r\n")
			if got += line; line == "" || !strings.HasPrefix(strings.ToUpper(word), got) {
				t.Fatalf("%q came back as %q", word, got)
			}
		}
	}
}
