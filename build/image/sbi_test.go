// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"loam/machine/bootinfo"
)

// sbiFiles are the kernel in testdata/sbi with the machine floor, but for its package
// metal, which that is.
func sbiFiles(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	list, err := os.ReadDir("../../machine")
	if err != nil {
		t.Fatal(err)
	}
	for _, pkg := range list {
		if pkg.Name() != "metal" {
			addFiles(t, files, "../../machine/"+pkg.Name(), "machine/"+pkg.Name())
		}
	}
	addFiles(t, files, "testdata/sbi", "machine/metal")
	return files
}

// addFiles adds the files of a folder, but for tests.
func addFiles(t *testing.T, files map[string]string, from, to string) {
	t.Helper()
	list, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		if strings.HasSuffix(f.Name(), "_test.go") || f.IsDir() {
			continue
		}
		text, err := os.ReadFile(filepath.Join(from, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[to+"/"+f.Name()] = string(text)
	}
}

// sbiKernel makes the image of that kernel.
func sbiKernel(t *testing.T, files map[string]string) string {
	t.Helper()
	img, err := Build(linkFiles(t, "riscv64", files))
	if err != nil {
		t.Fatal(err)
	}
	kernel := filepath.Join(t.TempDir(), "kernel")
	if err := os.WriteFile(kernel, img, 0o644); err != nil {
		t.Fatal(err)
	}
	return kernel
}

// runVirt boots a kernel and returns what it wrote and the exit status.
func runVirt(t *testing.T, kernel string, args ...string) (string, int) {
	t.Helper()
	qemu, err := exec.LookPath("qemu-system-riscv64")
	if err != nil {
		t.Skip(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, qemu, append([]string{"-accel", "tcg", "-kernel", kernel, "-nodefaults",
		"-no-user-config", "-no-reboot", "-display", "none", "-serial", "stdio"}, args...)...).Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if exit == nil {
		return string(out), 0
	}
	return string(out), exit.ExitCode()
}

// TestSBI makes every call under our machine mode and under OpenSBI, which answer the
// same where the specification fixes it.
func TestSBI(t *testing.T) {
	kernel := sbiKernel(t, sbiFiles(t))
	left := leftMemory(t, kernel)
	for _, c := range []struct {
		name, bios string
		harts      int
		args       []string
	}{
		{"ours, 1 hart", "none", 1, []string{"-M", "virt", "-m", "16"}},
		{"ours, 2 harts", "none", 2, []string{"-M", "virt", "-m", "32"}},
		{"ours, 4 harts", "none", 4, []string{"-M", "virt", "-m", "32"}},
		{"ours, 8 harts", "none", 8, []string{"-M", "virt", "-m", "32"}},
		{"ours, no Sstc", "none", 2, []string{"-M", "virt", "-m", "32", "-cpu", "rv64,sstc=off"}},
		{"ours, an older hart", "none", 2, []string{"-M", "virt", "-m", "32", "-cpu", "rv64,sstc=off,h=off,priv_spec=v1.10.0"}},
		{"ours, vectors", "none", 2, []string{"-M", "virt", "-m", "32", "-cpu", "rv64,v=on,svpbmt=on"}},
		{"ours, ACLINT", "none", 2, []string{"-M", "virt,aclint=on", "-m", "32"}},
		{"ours, ACLINT without Sstc", "none", 4, []string{"-M", "virt,aclint=on", "-m", "32", "-cpu", "rv64,sstc=off"}},
		{"ours, two nodes", "none", 4, []string{"-M", "virt", "-m", "64", "-object", "memory-backend-ram,size=32M,id=a",
			"-object", "memory-backend-ram,size=32M,id=b", "-numa", "node,memdev=a", "-numa", "node,memdev=b"}},
		{"ours, memory left from before", "none", 2, []string{"-M", "virt", "-m", "32", "-device", left}},
		{"OpenSBI, 1 hart", "default", 1, []string{"-M", "virt", "-m", "32"}},
		{"OpenSBI, 2 harts", "default", 2, []string{"-M", "virt", "-m", "32"}},
		{"OpenSBI, 4 harts", "default", 4, []string{"-M", "virt", "-m", "32"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, status := runVirt(t, kernel, append([]string{"-bios", c.bios, "-smp", strconv.Itoa(c.harts)}, c.args...)...)
			ours := c.bios == "none"
			if i := strings.Index(out, "hart "); !ours && i >= 0 {
				out = out[i:] // behind the banner
			}
			wantStatus := 0 // OpenSBI tells no status
			if ours {
				wantStatus = 35
			}
			if status != wantStatus {
				t.Errorf("exit status %d, want %d", status, wantStatus)
			}
			compare(t, wantSBI(c.harts, ours), out)
		})
	}
}

// TestReboot resets the machine when all harts run: the next start finds memory as the
// last left it, but for the image.
func TestReboot(t *testing.T) {
	files := sbiFiles(t)
	const name, place = "machine/metal/metal.go", "\tconsole()\n\treset()\n"
	files[name] = strings.Replace(files[name], place, "\treboot()\n"+place, 1)
	out, status := runVirt(t, sbiKernel(t, files), "-M", "virt", "-m", "32", "-smp", "2", "-bios", "none", "-action", "reboot=reset")
	before, after, ok := strings.Cut(out, "reboot\n")
	if !ok || status != 35 {
		t.Fatalf("exit status %d with %q", status, out)
	}
	want := wantSBI(2, true)
	compare(t, want[:strings.Index(want, "~putchar")-1], before)
	compare(t, want, after)
}

// leftMemory is a device of QEMU's that fills the stage's block, as if the machine had
// run before.
func leftMemory(t *testing.T, kernel string) string {
	t.Helper()
	img, err := os.ReadFile(kernel)
	if err != nil {
		t.Fatal(err)
	}
	var h bootinfo.ImageHeader
	if !h.Decode(img[flatHeaderOff:]) {
		t.Fatal("no header")
	}
	file := filepath.Join(t.TempDir(), "left")
	if err := os.WriteFile(file, bytes.Repeat([]byte{0xa5}, bootinfo.StageSize), 0o644); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("loader,force-raw=on,file=%s,addr=%#x", file, 0x80000000+h.StageStart)
}

// TestHarts has harts that may not be used: which one boots, and how many follow its
// number 0 without a gap, which is as far as the kernel counts.
func TestHarts(t *testing.T) {
	kernel := sbiKernel(t, sbiFiles(t))
	for name, c := range map[string]struct {
		off  []int
		boot string
		n    string
	}{
		"none":         {nil, "hart *", "harts 4"},
		"the first":    {[]int{0}, "hart *", "harts 0"},
		"a gap":        {[]int{2}, "hart *", "harts 2"},
		"all but last": {[]int{0, 1, 2}, "hart 3", "harts 0"},
		"all but one":  {[]int{1, 2, 3}, "hart 0", "harts 1"},
	} {
		t.Run(name, func(t *testing.T) {
			tree := changedTree(t, kernel, 4)
			b, err := os.ReadFile(tree)
			if err != nil {
				t.Fatal(err)
			}
			for _, hart := range c.off {
				at := bytes.Index(b, fmt.Appendf(nil, "cpu@%d\x00", hart))
				at += bytes.Index(b[at:], []byte("okay\x00"))
				copy(b[at:], "fail")
			}
			if err := os.WriteFile(tree, b, 0o644); err != nil {
				t.Fatal(err)
			}
			out, _ := runVirt(t, kernel, "-M", "virt", "-m", "32", "-smp", "4", "-bios", "none", "-dtb", tree)
			lines := strings.Split(out, "\n")
			compare(t, c.boot, lines[0])
			if !strings.Contains(out, "\n"+c.n+"\n") || slices.ContainsFunc(c.off, func(h int) bool { return lines[0] == fmt.Sprint("hart ", h) }) {
				t.Errorf("%s\nwant %q", out, c.n)
			}
		})
	}
}

// TestCosts counts the instructions of calls, with all harts on one processor: in
// ECALL's hart and, where it waits for another, in that one. The limits are a third
// above what it was when they were set.
func TestCosts(t *testing.T) {
	out, _ := runVirt(t, sbiKernel(t, sbiFiles(t)), "-M", "virt", "-m", "32", "-smp", "2", "-bios", "none",
		"-icount", "shift=0,sleep=off")
	cost := map[string]uint64{}
	for line := range strings.Lines(out) {
		if words := strings.Fields(line); len(words) > 1 {
			name := strings.Join(words[:max(len(words)-4, 1)], " ") // error, value, registers, instructions
			if n, err := strconv.ParseUint(words[len(words)-1], 16, 64); err == nil {
				cost[name] = n
			}
		}
	}
	for name, limit := range map[string]uint64{"entered": 120000, "version": 310, "set no timer": 330, "status of itself": 390,
		"interrupt itself": 515, "interrupt": 525, "fence code itself": 555, "fence code": 1250, "fence tables": 1250, "start": 595} {
		t.Logf("%-20s %6d", name, cost[name])
		if cost[name] == 0 || cost[name] > limit {
			t.Errorf("%s takes %d instructions, limit %d", name, cost[name], limit)
		}
	}
}

// compare holds lines against patterns: a star is any word, and what follows, the
// instructions that a call took, is not looked at.
func compare(t *testing.T, want, out string) {
	t.Helper()
	wants, lines := strings.Split(want, "\n"), strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	for i, line := range lines {
		if i == len(wants) {
			t.Fatalf("after all that was expected: %q", line)
		}
		w, got := strings.Fields(wants[i]), strings.Fields(line)
		ok := len(got) >= len(w)
		for k := range w {
			ok = ok && (w[k] == "*" || w[k] == got[k])
		}
		if !ok {
			t.Fatalf("%q, want %q, after\n%s", line, wants[i], strings.Join(lines[max(i-5, 0):i], "\n"))
		}
	}
	if len(lines) < len(wants) {
		t.Fatalf("ends before %q", wants[len(lines)])
	}
}

// wantSBI is what the kernel writes. A line of the texts below is one call: name,
// error, value, registers changed (0). What begins with ! is ours only, with ? the
// firmware's.
func wantSBI(harts int, ours bool) string {
	text := wantFirst
	if harts > 1 {
		for range 2 {
			for range harts - 1 {
				text += wantStart
			}
			text += strings.Repeat("rounds 5\n", harts-1)
		}
	}
	text = strings.ReplaceAll(text+wantLast, "HARTS", fmt.Sprintf("%x", harts))
	var lines []string
	for line := range strings.Lines(strings.TrimPrefix(text, "\n")) {
		line = strings.TrimSuffix(line, "\n")
		rest, mine := strings.CutPrefix(line, "!")
		rest, other := strings.CutPrefix(rest, "?")
		if mine && !ours || other && ours {
			continue
		}
		lines = append(lines, rest)
	}
	return strings.Join(lines, "\n")
}

const wantFirst = `
hart *
tree edfe0dd0
state 0
entered *
!version 0 2000000 0
!implementation 0 4c6f616d 0
?version 0 1000000 0
?implementation 0 1 0
vendor 0 0 0
architecture 0 * 0
machine 0 * 0
probe base 0 1 0
probe time 0 1 0
probe ipi 0 1 0
probe fence 0 1 0
probe hsm 0 1 0
probe reset 0 1 0
!probe console 0 1 0
?probe console 0 0 0
probe none 0 0 0
no function -2 0 0
no extension -2 0 0
time no function -2 0 0
ipi no function -2 0 0
fence no function -2 0 0
hsm no function -2 0 0
reset no function -2 0 0
timer pends 0
set timer 0 0 0
timer comes 1
timer was early 0
set no timer 0 0 0
timer is gone 0
set past timer 0 0 0
timer comes 1
set timer 0 0 0
suspend 0 0 0
timer comes 1
set no timer 0 0 0
timer is gone 0
harts HARTS
status of itself 0 0 0
status of none -3 0 0
!status of far -3 0 0
?status of far 0 0 0
start itself -6 0 0
start none -3 0 0
suspend reserved -3 0 0
!suspend deep -2 0 0
suspend platform -2 0 0
interrupt itself 0 0 0
interrupt comes 1
interrupt is gone 0
interrupt nobody 0 0 0
interrupt all 0 0 0
interrupt comes 1
interrupt none -3 0 0
fence code itself 0 0 0
fence tables itself 0 0 0
fence tables some 0 0 0
fence tables asid 0 0 0
fence none -3 0 0
fence all 0 0 0
below stage 0
!read stage 5
!write stage 7
!read stage end 5
!write stage end 7
?read stage 0
?write stage 0
?read stage end 0
?write stage end 0
above stage 0
!write from stage -3 0 0
!write into stage -3 0 0
!write from behind 0 0 0
!read into stage -3 0 0
?write from stage -2 0 0
?write into stage -2 0 0
?write from behind -2 0 0
?read into stage -2 0 0
`

const wantStart = `stopped 1
!start odd -5 0 0
!start nowhere -5 0 0
start 0 0 0
begun 1
state 0
started 0
start again -6 0 0
interrupt 0 0 0
interrupted 1
fence code 0 0 0
fence tables 0 0 0
not interrupted 1
`

const wantLast = `~putchar 0 0 0
getchar -1 0 0
!gotext!console write 0 7 0
?console write -2 0 0
!console high -3 0 0
!console nowhere -3 0 0
!~console byte 0 0 0
!console read 0 0 0
?console high -2 0 0
?console nowhere -2 0 0
?console byte -2 0 0
?console read -2 0 0
console no function -2 0 0
reset reserved * 0 0
reset reason -3 0 0
reset warm -2 0 0`
