// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"loam/test/vm/vmtest"
)

// What the kernel does when memory runs out, see test/programs/greedy: it ends the
// largest process, the others do their work, and at the end nothing is missing.
func TestOutOfMemory(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for _, args := range vmtest.Machines([][]string{
		{"--cpus", "1"},
		{"--cpus", "2"},
		on(full(), "--cpus", "4"),
	}...) {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			r := vmtest.Run(t, append(args, "-m", "64M", "-v", vmtest.Program(t, "greedy"), "family")...)
			r.Cases(t)
			wantNothingLeft(t, r)
			const deaths = 8 // one in each case
			if n := strings.Count(string(r.Stderr), "loam: out of memory: "); n != deaths {
				t.Errorf("%d processes were killed, want %d\n%s", n, deaths, r)
			}
		})
	}
}

// Essential processes are spared, and only they.
func TestEssentialProcesses(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for _, cpus := range vmtest.CPUs("1", "2") {
		t.Run(cpus, func(t *testing.T) {
			t.Parallel()
			r := vmtest.Run(t, "--cpus", cpus, "-m", "64M", "-v", "--param", "essential=1", vmtest.Program(t, "greedy"), "essential")
			r.Cases(t)
			wantNothingLeft(t, r)
		})
	}
}

// With no memory left but the kernel's reserve, no call that takes memory of the
// kernel's gets at the part of it that is the kernel's alone. On the larger machine
// one process can have more areas than the reserve has room for.
func TestKernelReserve(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for _, args := range vmtest.Machines([][]string{
		{"--cpus", "2", "-m", "64M"},
		{"--cpus", "1", "-m", "96M"},
	}...) {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			r := vmtest.Run(t, append(args, "-v", vmtest.Program(t, "greedy"), "kernel")...)
			r.Cases(t)
			wantNothingLeft(t, r)
		})
	}
}

// What a process gets at its limit: SIGBUS and ENOMEM, and it goes on when it can.
func TestMemoryLimits(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for _, cpus := range vmtest.CPUs("1", "2", "4") {
		t.Run(cpus, func(t *testing.T) {
			t.Parallel()
			r := vmtest.Run(t, "--cpus", cpus, "-m", "96M", "-v", vmtest.Program(t, "greedy"), "limits")
			r.Cases(t)
			wantNothingLeft(t, r)
		})
	}
}

// loam run --memory-limit: a program within it doesn't see it, one beyond it gets
// SIGBUS, and the person is told that the limit was why.
func TestMemoryLimitFlag(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	hello, greedy := vmtest.Program(t, "hello"), vmtest.Program(t, "greedy")
	vmtest.Run(t, "--memory-limit", "8M", hello).WantStdout(t, 0, "hello, world\n")
	r := vmtest.Run(t, "--memory-limit", "16M", greedy)
	r.Want(t, 2) // Go's runtime
	for _, want := range []string{"unexpected fault address", "SIGBUS",
		"loam: memory limit: greedy (pid 1) wanted more than the 16 MiB that it may have (--memory-limit gives it more)"} {
		if !strings.Contains(string(r.Stderr), want) {
			t.Errorf("not said: %q\n%s", want, r)
		}
	}
	// More than there is is as good as none.
	vmtest.Run(t, "-m", "32M", "--memory-limit", "1G", greedy).WantReason(t, 137, "out of memory", "-m")
	// The smallest limit that the flag takes is enough to start anything; the kernel's isn't.
	vmtest.Run(t, "--param", "limit=4K", hello).WantReason(t, 125, "limit", "--memory-limit")
	vmtest.Run(t, "--param", "limit=0", hello).WantReason(t, 125, "limit", "--memory-limit")
	for _, size := range []string{"0", "3M", "x", ""} {
		vmtest.Run(t, "--memory-limit", size, hello).WantReason(t, 125, "memory-limit")
	}
}

// A person whose program wants more than the machine has is told which process it
// was, how much it had, and what to do; the log says who else there was.
func TestGreedyProgram(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	log := filepath.Join(t.TempDir(), "log")
	r := vmtest.Run(t, "-m", "32M", "--log", log, vmtest.Program(t, "greedy"))
	r.WantReason(t, 137, "out of memory: greedy (pid 1, ", " MiB) was killed; the machine has ", " MiB (-m gives it more)")
	if string(r.Stdout) != "hungry\n" {
		t.Errorf("what it wrote before is lost: %s", r)
	}
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`out of memory: candidate 1: greedy \(pid 1, \d+ MiB\)`).Match(text) {
		t.Errorf("the log doesn't say who there was to choose from:\n%s", text)
	}
	vmtest.Run(t, "-m", "64M", vmtest.Program(t, "hello")).Want(t, 0)
}
