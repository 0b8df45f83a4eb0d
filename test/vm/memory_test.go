// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"loam/test/vm/vmtest"
	"loam/test/wasm"
)

// From the smallest machine that loam takes to the first in which a program
// runs, each says what is the matter: loam before it starts one, the kernel, or
// the program's own runtime.
func TestMemoryFloor(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for _, kind := range kinds() {
		for _, name := range []string{"hello", "chance", "module.wasm"} {
			t.Run(kind+"/"+name, func(t *testing.T) {
				isModule := strings.HasSuffix(name, ".wasm")
				program := ""
				if isModule {
					program = vmtest.File(t, name, wasm.Hello())
				} else {
					program = vmtest.Program(t, name)
				}
				for mib := 4; ; mib++ {
					if mib > 16+int(number(t, vmtest.CPUsVariable, 0)) {
						t.Fatalf("%d MiB are not enough", mib-1)
					}
					r := vmtest.Run(t, on(kind, "-m", fmt.Sprintf("%dM", mib), program)...)
					if r.Code == 0 {
						return
					}
					floorReason(t, mib, r)
					if r.Code == 2 && isModule {
						t.Errorf("the runner's end looks like the module's own")
					}
				}
			})
		}
	}
}

// floorReason checks what a run with too little memory ended with.
func floorReason(t *testing.T, mib int, r *vmtest.Result) {
	t.Helper()
	text := string(r.Stderr)
	switch {
	case r.Code == 125:
		r.WantReason(t, 125, "memory", "-m")
		var n int
		if _, size, _ := strings.Cut(text, "(-m "); size != "" {
			_, _ = fmt.Sscanf(size, "%dM)", &n) // not: "(-m gives it more)"
		}
		if n != 0 && n <= mib {
			t.Errorf("%d MiB are refused, and %d are the advice", mib, n)
		}
	case r.Code == 137:
		r.WantReason(t, 137, "out of memory", "-m")
	case r.Code == 2 && strings.Contains(text, "memory"): // Go's runtime,
	case r.Code == 2 && strings.Contains(text, "newosproc"): // as on Linux
	default:
		t.Errorf("%d MiB: %s", mib, r)
	}
}

// A size that is none at all is refused as a flag.
func TestMemoryFlag(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	hello := vmtest.Program(t, "hello")
	for _, size := range []string{"0", "3M", "1025G", "-1", "64X", "", "99999999999999999999G"} {
		vmtest.Run(t, "-m", size, hello).WantReason(t, 125, "memory")
	}
}

// A program that eats all memory is killed, loam says why, and nothing of it
// is left in the way of the next.
func TestMemoryGone(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	tool := vmtest.Program(t, "tool")
	for _, kind := range kinds() {
		for _, memory := range []string{"64M", "512M"} {
			r := vmtest.Run(t, on(kind, "-m", memory, tool, "eat")...)
			r.WantReason(t, 137, "out of memory", "tool", "-m")
			if string(r.Stdout) != "hungry\n" {
				t.Errorf("what it wrote before is lost: %s", r)
			}
			vmtest.Run(t, on(kind, "-m", memory, tool, "args", "next")...).WantStdout(t, 0, "next\x00")
		}
	}
}

// Large memory comes in large pages, whoever changes parts of it; all of it comes
// back; and a small program, or one on a small machine, has none.
func TestLargePages(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for _, c := range []struct {
		memory, program, cases string
		least, most            float64 // large pages
	}{
		{"256M", "behave", "large memory in large pages", 11, 1000},
		{"256M", "behave", "large memory of many threads", 40, 1000},
		{"256M", "behave", "large memory in small pages", 0, 0},
		{"256M", "hello", "", 0, 0},
		{"12M", "hello", "", 0, 0},
	} {
		t.Run(c.memory+"/"+c.program+"/"+c.cases, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "stats")
			args := []string{"run", "--stats", file, "-m", c.memory, vmtest.Program(t, c.program)}
			if c.cases != "" {
				args = append(args, c.cases)
			}
			r := vmtest.Command{Args: args, Limit: vmtest.Limit}.Do(t)
			if r.Code != 0 {
				t.Fatal(r)
			}
			figures := stats(t, file)
			if f, ok := figures.Get("large_pages"); !ok || f.Value < c.least || f.Value > c.most {
				t.Errorf("%v large pages, want %v to %v", f.Value, c.least, c.most)
			}
			if f, ok := figures.Get("frames_leaked"); !ok || f.Value != 0 {
				t.Errorf("%v frames leaked", f.Value)
			}
		})
	}
}
