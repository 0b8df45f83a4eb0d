// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"loam/test/vm/vmtest"
)

// The assistant that behaves is not lost in much memory. It makes some of its
// own: with little, the program of chance stands in for it.
func TestMachineSizes(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for _, c := range [][]string{
		{quick(), "1G"}, {full(), "2G"},
	} {
		t.Run(strings.Join(c, "/"), func(t *testing.T) {
			t.Parallel()
			vmtest.Run(t, on(c[0], "-m", c[1], vmtest.Program(t, "behave"))...).Cases(t)
		})
	}
	for _, kind := range kinds() {
		chance(t, on(kind, "-m", "64M")...)
	}
}

// Numbers of processors that can't be.
func TestMachineProcessors(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	hello := vmtest.Program(t, "hello")
	vmtest.Run(t, "--cpus", "0", hello).WantReason(t, 125, "--cpus 0")
	vmtest.Run(t, "--cpus", "65", hello).WantReason(t, 125, "65 CPUs", "1 to 64")
	vmtest.Run(t, "--cpus", "2", "--deterministic", hello).WantReason(t, 125, "deterministic", "one CPU")
}

// chance runs the program whose every line is left to chance, and gives its
// output and the kernel's figures.
func chance(t *testing.T, flags ...string) (out, figures string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "stats")
	args := append([]string{"run", "--stats", file}, flags...)
	r := vmtest.Command{Args: append(args, vmtest.Program(t, "chance"))}.Do(t)
	r.Want(t, 0)
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(r.Stdout, []byte("\ninput 0 <nil>\ntook ")) || len(b) == 0 {
		t.Errorf("no output, or no figures\n%s\n%s", r, b)
	}
	return string(r.Stdout), string(b)
}

// What is left to chance comes out the same on a deterministic machine, to the
// nanosecond, and the kernel has done the same for it. On an ordinary machine
// it does not, or this test would not show anything.
func TestDeterministicChance(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for _, kind := range kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			flags := on(kind, "--deterministic")
			first, figures := chance(t, flags...)
			for range 2 {
				again, same := chance(t, flags...)
				if again != first {
					t.Errorf("stdout was\n%s\nthen\n%s", first, again)
				}
				if same != figures {
					t.Errorf("the figures were\n%s\nthen\n%s", figures, same)
				}
			}
			ordinary, _ := chance(t, on(kind)...)
			differ(t, first, ordinary)
		})
	}
}

// differ checks that two outputs of chance share no line but that of the
// input. What the collector did may be the same but for its pauses.
func differ(t *testing.T, a, b string) {
	t.Helper()
	one, two := strings.Split(a, "\n"), strings.Split(b, "\n")
	if len(one) != len(two) {
		t.Fatalf("%d lines and %d", len(one), len(two))
	}
	for i, line := range one {
		if line == two[i] && line != "" && !strings.HasPrefix(line, "input ") {
			t.Errorf("not left to chance: %s", line)
		}
	}
}
