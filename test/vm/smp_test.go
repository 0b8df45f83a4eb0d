// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"loam/host/bench"
	"loam/test/vm/vmtest"
)

// The assistant for several CPUs, see test/programs/smp. LOAM_ROUNDS makes its
// loops longer.
func TestSMP(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	run := func(kind, cpus string) {
		t.Run(kind+"/"+cpus, func(t *testing.T) {
			t.Parallel()
			vmtest.Run(t, on(kind, "--cpus", cpus, "-e", "CPUS="+cpus, "-e", "ROUNDS="+os.Getenv("LOAM_ROUNDS"),
				vmtest.Program(t, "smp"))...).Cases(t)
		})
	}
	for _, cpus := range vmtest.CPUs("1", "2") {
		run(quick(), cpus)
	}
	for _, cpus := range vmtest.CPUs("4") {
		run(full(), cpus)
	}
}

// Everything at once, see test/programs/smpstress, while the kernel's own
// collector runs all the time: nothing may be left behind. LOAM_SMP_SECONDS
// makes it longer.
func TestSMPStress(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	seconds := number(t, "LOAM_SMP_SECONDS", 1)
	for _, cpus := range vmtest.CPUs("1", "2", "4") {
		memory := "512M"
		if cpus == "2" {
			memory = "64M"
		}
		t.Run(cpus+"/"+memory, func(t *testing.T) {
			t.Parallel()
			stress(t, seconds, "--cpus", cpus, "-m", memory)
		})
	}
}

func stress(t *testing.T, seconds uint64, flags ...string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "stats")
	args := append([]string{"run", "--stats", file, "--param", "collect=1"}, flags...)
	r := vmtest.Command{
		Args: append(args, vmtest.Program(t, "smpstress"),
			"-seconds", fmt.Sprint(max(0.3, float64(seconds))), "-seed", fmt.Sprint(time.Now().UnixNano()%1e6)),
		Limit: vmtest.Limit + time.Duration(seconds)*time.Second,
	}.Do(t)
	if r.Code != 0 || !strings.HasPrefix(string(r.Stdout), "stress: done") {
		t.Fatalf("the program did not get to its end, or not well\n%s", r)
	}
	figures := stats(t, file)
	for _, name := range []string{"left", "frames_leaked"} {
		if f, ok := figures.Get(name); !ok || f.Value != 0 {
			t.Errorf("%s: %v (known: %v)", name, f.Value, ok)
		}
	}
	if f, _ := figures.Get("collections"); f.Value == 0 {
		t.Error("the kernel's collector did not run")
	}
}

// stats reads the kernel's figures.
func stats(t *testing.T, file string) bench.Figures {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	f, err := bench.KernelFigures(b)
	if err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	return f
}

// Machines of every size come up, up to the largest.
func TestSMPBoots(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	hello := vmtest.Program(t, "hello")
	for kind, most := range map[string]string{quick(): "64", full(): "8"} {
		for _, cpus := range vmtest.CPUs("3", most) {
			t.Run(kind+"/"+cpus, func(t *testing.T) {
				t.Parallel()
				vmtest.Run(t, on(kind, "--cpus", cpus, hello)...).WantStdout(t, 0, "hello, world\n")
			})
		}
	}
}
