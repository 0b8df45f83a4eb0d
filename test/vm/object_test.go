// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"loam/test/vm/vmtest"
)

// TestObjects runs the program that tries every call about objects, and wants
// that nothing is left of it, and that it has tried every error that is
// documented.
func TestObjects(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for _, args := range vmtest.Machines([][]string{
		on(quick(), "-m", "256M"),
		on(quick(), "-m", "256M", "--cpus", "4"),
		on(full(), "-m", "64M", "--cpus", "2"),
	}...) {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			r := vmtest.Run(t, slices.Concat(args, []string{"-v", vmtest.Program(t, "objects")})...)
			r.Cases(t)
			wantNothingLeft(t, r)
			wantErrorsTried(t, string(r.Stdout))
		})
	}
}

// wantNothingLeft wants the kernel to say that all that programs had is back.
func wantNothingLeft(t *testing.T, r *vmtest.Result) {
	t.Helper()
	for _, want := range []string{"kernel: left 0 ", "kernel: frames_leaked 0 "} {
		if !strings.Contains(string(r.Stderr), want) {
			t.Errorf("not said: %q\n%s", want, r)
		}
	}
}

// untried are documented errors that the program doesn't provoke: they need a
// machine without a node for an area, and one without a place for a process.
var untried = []string{"memory_unmap ENOMEM", "process_create EAGAIN"}

// triedElsewhere are the calls, by the beginnings of their names, that other programs
// than this one try.
var triedElsewhere = []string{
	"boot_file", "spawn", // test/programs/misbehave
	"endpoint_", "message_", "interrupt_", "port_", "ports_", "timer_", "device_", "registers_", "host_", "machine_",
	"thread_bind", "thread_schedule", "thread_info", "process_quota", "process_forward", "process_signal", "process_clone", "process_copy", "process_replace", "process_continue", "process_open",
	"process_post", "process_watch", "process_news", "process_write", "process_area", "process_thread", "process_signals",
	"memory_create_dma", "memory_address", "memory_create_paged", "memory_supply",
}

var errorNames = regexp.MustCompile(`\bE[A-Z0-9]{2,}\b`)

// wantErrorsTried compares the last column of the table of calls with the cases
// that ran.
func wantErrorsTried(t *testing.T, out string) {
	root, err := vmtest.Root()
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(root, "docs/loam-calls.md"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(line, "|")
		if len(cells) != 7 || !strings.HasPrefix(cells[2], " 0x1") {
			continue
		}
		call := strings.Trim(cells[1], " `")
		if slices.ContainsFunc(triedElsewhere, func(begin string) bool { return strings.HasPrefix(call, begin) }) {
			continue
		}
		for _, e := range errorNames.FindAllString(cells[5], -1) {
			n++
			name := call + " " + e
			if !strings.Contains(out, "ok "+name+"\n") && !slices.Contains(untried, name) {
				t.Errorf("%s is documented, and not tried", name)
			}
		}
	}
	if n < 60 {
		t.Errorf("only %d errors found in docs/loam-calls.md", n)
	}
}

// TestObjectStress has threads and processes make random calls on shared handles,
// on all CPUs at once; in the end nothing is left.
func TestObjectStress(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for _, cpus := range vmtest.CPUs("1", "2", "4") {
		t.Run(cpus, func(t *testing.T) {
			t.Parallel()
			r := vmtest.Run(t, "-m", "256M", "--cpus", cpus, "-v", vmtest.Program(t, "objects"), "role", "stress", "4", cpus)
			r.Want(t, 0)
			wantNothingLeft(t, r)
		})
	}
}

// TestObjectGarbage has children make the calls with whatever is in their
// registers. They may die of it; the kernel and their creator don't.
func TestObjectGarbage(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for _, cpus := range vmtest.CPUs("1", "4") {
		t.Run(cpus, func(t *testing.T) {
			t.Parallel()
			r := vmtest.Run(t, "-m", "256M", "--cpus", cpus, "-v", vmtest.Program(t, "objects"), "role", "garbage", "4", cpus)
			r.Want(t, 0)
			wantNothingLeft(t, r)
		})
	}
}
