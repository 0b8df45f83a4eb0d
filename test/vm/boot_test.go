// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"loam/host/exit"
	"loam/host/run"
	"loam/test/vm/vmtest"
)

// ready is what the machine says when it answers keys.
const ready = "ready. Keys:"

// console is a loam boot that somebody types at.
type console struct {
	t    *testing.T
	cmd  *exec.Cmd
	keys io.WriteCloser
	r    *bufio.Reader
	log  strings.Builder // what r has given
}

// boot starts loam boot without a window and waits until the machine is ready.
func boot(t *testing.T, args ...string) *console {
	t.Helper()
	return bootTo(t, ready, nil, args...)
}

// bootTo is boot with more in its environment, and waits for another line.
func bootTo(t *testing.T, until string, env []string, args ...string) *console {
	t.Helper()
	t.Cleanup(vmtest.Slot())
	if cpus := os.Getenv(vmtest.CPUsVariable); cpus != "" && !slices.Contains(args, "--cpus") {
		args = append([]string{"--cpus", cpus}, args...)
	}
	c := &console{t: t, cmd: exec.Command(vmtest.Loam(t), append([]string{"boot", "--arch", vmtest.Arch(), "--display", "none"}, args...)...)}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if c.keys, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	c.cmd.Stderr, c.cmd.Env = os.Stderr, append(os.Environ(), env...)
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	hang := time.AfterFunc(vmtest.Limit, func() { _ = c.cmd.Process.Kill() })
	t.Cleanup(func() { hang.Stop(); _ = c.cmd.Process.Kill(); _ = c.cmd.Wait() })
	c.r = bufio.NewReader(out)
	c.expect(until)
	return c
}

// expect reads up to a line with text.
func (c *console) expect(text string) string {
	c.t.Helper()
	for {
		line, err := c.r.ReadString('\n')
		c.log.WriteString(line)
		if strings.Contains(line, text) {
			return line
		}
		if err != nil {
			c.t.Fatalf("the console ended without %q: %v\n%s", text, err, c.log.String())
		}
	}
}

func (c *console) press(keys string) {
	c.t.Helper()
	if _, err := io.WriteString(c.keys, keys); err != nil {
		c.t.Fatal(err)
	}
}

// The serial console takes keys, and stays for more of them.
func TestBootKeys(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for _, kind := range kinds() {
		t.Run(kind, func(t *testing.T) {
			c := boot(t, on(kind, "-m", "64M")...)
			for range 3 {
				c.press("m")
				var usable, free int
				if _, err := fmt.Sscanf(after(c.expect("usable"), "memory:"), "%d KiB usable, %d KiB free", &usable, &free); err != nil {
					t.Error(err)
				}
				if usable < 56<<10 || usable > 64<<10 || free <= 0 || free >= usable {
					t.Errorf("%d KiB of 64 MiB are usable, %d free", usable, free)
				}
			}
			c.press("p")
			for _, name := range []string{"PROGRAM", "  init ", "  console ", "  monitor "} {
				c.expect(name)
			}
			c.press("t")
			if date := c.expect("up "); !strings.Contains(date, time.Now().UTC().Format("2006-01-02 ")) {
				t.Errorf("today is not %s", date)
			}
			c.press("\x00\x1b\xff~") // no keys that mean anything
			c.press("q")
			c.expect("power off")
			if err := c.cmd.Wait(); err != nil {
				t.Errorf("after q: %v\n%s", err, c.log.String())
			}
		})
	}
}

// after is what follows word in s.
func after(s, word string) string {
	_, rest, _ := strings.Cut(s, word)
	return rest
}

// Each line of the kernel's log has its time, and the times do not run backwards.
func TestBootLog(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	file := filepath.Join(t.TempDir(), "log")
	c := boot(t, "--log", file, "--cpus", "2")
	c.press("q")
	c.expect("power off")
	if err := c.cmd.Wait(); err != nil {
		t.Error(err)
	}
	last := 0.0
	log, _, _ := strings.Cut(c.log.String(), ready)
	for line := range strings.Lines(log) {
		var at float64
		if _, err := fmt.Sscanf(line, "[%f]", &at); err != nil || at < last {
			t.Errorf("after %fs: %q", last, line)
		}
		last = at
	}
	for _, word := range []string{"processor", "guards", "memory", "kernel", "time", "date", "consoles", "archive"} {
		if !regexp.MustCompile(`\] ` + word + ` +\S`).MatchString(c.log.String()) {
			t.Errorf("the boot log says nothing about %s\n%s", word, c.log.String())
		}
	}
	b, err := os.ReadFile(file)
	if err != nil || string(b) != c.log.String() {
		t.Errorf("--log kept %q, %v, and the console showed %q", b, err, c.log.String())
	}
}

// The VGA console shows the lines that the serial one does, one below the
// other from the top of the screen.
func TestBootScreen(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	onlyAMD64(t, "screen")
	file := filepath.Join(t.TempDir(), "vga.ppm")
	r := vmtest.Command{Args: []string{"boot", "--display", "none", "--for", "8s", "--screendump", file}}.Do(t)
	r.Want(t, 0)
	if r.Took < 8*time.Second || !bytes.Contains(r.Stdout, []byte(ready)) {
		t.Errorf("it did not stay up for 8s: %s", r)
	}
	ppm, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var logged []int // length of each line
	for line := range strings.Lines(string(r.Stdout)) {
		logged = append(logged, len(strings.TrimRight(line, "\r\n")))
	}
	shown := textRows(t, ppm)
	if len(logged) < 10 {
		t.Errorf("the log is short:\n%s", r.Stdout)
	}
	for i, columns := range shown {
		want := 0
		if i < len(logged) {
			want = min(logged[i], 80)
		}
		if columns != want && i != len(logged) { // there the cursor blinks
			t.Errorf("row %d of the screen has %d columns, want %d\n%s", i, columns, want, r.Stdout)
		}
	}
}

// textRows gives, for each row of a picture of an 80 by 25 text screen, where
// its text ends: the column behind the last cell with a lit pixel.
func textRows(t *testing.T, ppm []byte) []int {
	t.Helper()
	const columns, rows = 80, 25
	var width, height, most int
	if _, err := fmt.Sscanf(string(ppm[:min(len(ppm), 40)]), "P6\n%d %d\n%d\n", &width, &height, &most); err != nil {
		t.Fatalf("no picture: %v", err)
	}
	if width%columns != 0 || height%rows != 0 || len(ppm) < 3*width*height {
		t.Fatalf("a picture of %d by %d in %d bytes, not one of text", width, height, len(ppm))
	}
	pixels := ppm[len(ppm)-3*width*height:]
	ends := make([]int, rows)
	for i := range width * height {
		if p := pixels[3*i:][:3]; p[0]|p[1]|p[2] != 0 {
			row, column := i/width/(height/rows), i%width/(width/columns)
			ends[row] = max(ends[row], column+1)
		}
	}
	return ends
}

// A machine too small for the kernel is refused here too.
func TestBootTooSmall(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for _, kind := range kinds() {
		args := append([]string{"boot", "--display", "none", "--for", "2s"}, on(kind, "-m", "4M")...)
		vmtest.Command{Args: args}.Do(t).
			WantReason(t, 125, "4", "memory", "-m")
		t.Run(kind+"/small", func(t *testing.T) {
			c := boot(t, on(kind, "-m", fmt.Sprintf("%dM", 13+firmwareMiB(kind)))...)
			c.press("q")
			c.expect("power off")
		})
	}
}

// A kernel that ends in a panic is loam's failure, with the end of its log. The
// test kernel does when nobody names a test.
func TestBootPanic(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	path, err := testKernel()
	if err != nil {
		t.Fatal(err)
	}
	kernel, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer vmtest.Slot()()
	var log bytes.Buffer
	_, err = run.Run(t.Context(), run.Options{Path: vmtest.Program(t, "hello"), Kernel: kernel, Log: &log})
	var e *exit.Error
	if !errors.As(err, &e) || e.Code != exit.Loam || !strings.Contains(e.Text, "kernel panic") {
		t.Fatalf("the run's end: %v\n%s", err, &log)
	}
	if words := "no test named"; !strings.Contains(e.Detail, "end of the kernel's log") || !strings.Contains(e.Detail, words) {
		t.Errorf("the log's end is not shown: %s", e.Detail)
	}
}

// withoutQEMU is a folder for PATH that has a package manager and nothing else.
var withoutQEMU = sync.OnceValues(func() (string, error) {
	dir := filepath.Join(vmtest.Dir(), "path")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", err
	}
	return dir, os.WriteFile(filepath.Join(dir, "apt-get"), []byte("#!/bin/sh\nexit 1\n"), 0o777)
})

func TestDoctor(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	r := vmtest.Command{Args: []string{"doctor"}}.Do(t)
	r.Want(t, 0)
	if !regexp.MustCompile(`(?m)^ok +QEMU, amd64 +\d+\.\d+.* at /.*qemu-system-x86_64$`).Match(r.Stdout) {
		t.Errorf("it does not say which QEMU: %s", r)
	}
	if bytes.Contains(r.Stdout, []byte("BAD")) {
		t.Errorf("bad, and yet exit status 0: %s", r)
	}
	r = vmtest.Command{Args: []string{"version"}}.Do(t)
	r.Want(t, 0)
	if !regexp.MustCompile(`^loam \S+ \w+/\w+, go1\.\S+`).Match(r.Stdout) || len(r.Stderr) > 0 {
		t.Errorf("version: %s", r)
	}
}

// Without QEMU each command says what to type, and types nothing itself.
func TestDoctorWithoutQEMU(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	const install = "apt-get install -y --no-install-recommends qemu-system-x86"
	dir, err := withoutQEMU()
	if err != nil {
		t.Fatal(err)
	}
	env := append(vmtest.QEMU(""), "PATH="+dir)
	r := vmtest.Command{Args: []string{"doctor"}, Env: env}.Do(t)
	if r.Code != 1 || !regexp.MustCompile(`(?m)^BAD +QEMU, amd64 `).Match(r.Stdout) || !bytes.Contains(r.Stdout, []byte(install)) {
		t.Errorf("doctor: %s", r)
	}
	for _, args := range [][]string{{"run", vmtest.Program(t, "hello")}, {"boot", "--display", "none", "--for", "2s"}} {
		r := vmtest.Command{Args: args, Env: env}.Do(t)
		r.WantReason(t, 125, "QEMU", "missing")
		if !bytes.Contains(r.Stderr, []byte(install)) {
			t.Errorf("%v: no word of what mends it: %s", args, r)
		}
	}
	// A QEMU that is none.
	env = vmtest.QEMU(filepath.Join(dir, "apt-get"))
	vmtest.Command{Args: []string{"run", vmtest.Program(t, "hello")}, Env: env}.Do(t).WantReason(t, 125, "apt-get")
}
