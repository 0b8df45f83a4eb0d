// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"loam/host/exit"
	"loam/test/vm/vmtest"
)

// Whatever a program takes, and whatever the kernel has to do meanwhile, the kernel
// has memory for itself: the program is refused, or ended, but the kernel goes on. See
// test/programs/everything.
func TestKernelKeepsMemory(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	const least = 64 // KiB that must have been left when the kernel took a page for itself
	for _, c := range []struct {
		cpus, memory int
		collect      bool // the kernel's collector runs all the time
	}{
		{1, 8, false}, {1, 8, true}, {1, 10, true}, {1, 16, false}, {1, 16, true}, {1, 64, true},
		{2, 9, false}, {2, 12, true}, {2, 64, true},
		{4, 12, true}, {4, 24, true}, {4, 64, false},
	} {
		t.Run(fmt.Sprintf("%d CPUs/%d MiB/%v", c.cpus, c.memory, c.collect), func(t *testing.T) {
			t.Parallel()
			stats := filepath.Join(t.TempDir(), "stats")
			args := []string{"--cpus", strconv.Itoa(c.cpus), "-m", fmt.Sprintf("%dM", c.memory), "--stats", stats}
			if c.collect {
				args = append(args, "--param", "collect=1")
			}
			r := vmtest.Run(t, append(args, vmtest.Program(t, "everything"), "3")...)
			// A machine that is too small for the program says so before it starts it,
			// or loam before it starts the machine.
			said := string(r.Stderr)
			tooSmall := r.Code == exit.Loam &&
				(strings.Contains(said, "too little memory for the program") || strings.Contains(said, "too little: kernel and program"))
			if tooSmall && c.memory < 12 {
				return
			}
			// Or the program's own runtime doesn't get a thread or a page, and says that.
			noMemory := r.Code == 2 && c.memory <= 12 &&
				(strings.Contains(said, "failed to create new OS thread") || strings.Contains(said, "cannot allocate memory"))
			if r.Code != 0 && r.Code != exit.Signal+9 && !noMemory {
				t.Fatal(r)
			}
			text, err := os.ReadFile(stats)
			if err != nil {
				t.Fatal(err)
			}
			m := regexp.MustCompile(`(?m)^least_free (\d+) KiB$`).FindSubmatch(text)
			if m == nil {
				t.Fatalf("no least_free among the figures:\n%s", text)
			}
			if n, _ := strconv.Atoi(string(m[1])); n < least {
				t.Errorf("only %d KiB were left, want %d\n%s", n, least, text)
			}
			if !strings.Contains(string(text), "frames_leaked 0 ") {
				t.Errorf("frames are missing:\n%s", text)
			}
		})
	}
}
