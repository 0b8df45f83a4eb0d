// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"loam/test/vm/vmtest"
)

// TestTrace has a program's calls told, line by line in a file, and in a table on standard error.
func TestTrace(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	file := filepath.Join(t.TempDir(), "trace")
	r := vmtest.Command{Served: true, Args: []string{"run", "-m", "256M", "--trace=" + file, vmtest.Program(t, "files"), "tree", "/tmp"}}.Do(t)
	r.Want(t, 0)
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`(?m)^\[pid \d+\] chdir\("/tmp"\) += 0 <0\.\d{6}>$`, `(?m)^\[pid \d+\] openat\(AT_FDCWD, "[^"]+", O_RDWR\|O_CREAT.*, 0\d+\) = \d+ <`} {
		if !regexp.MustCompile(want).Match(got) {
			t.Errorf("%s isn't in\n%s", want, got)
		}
	}
	r = vmtest.Command{Served: true, Args: []string{"run", "-m", "256M", "--syscalls", vmtest.Program(t, "files"), "tree", "/tmp"}}.Do(t)
	r.Want(t, 0)
	for _, want := range []string{`(?m)^% time +seconds +usecs/call +calls +errors syscall$`, `(?m)^ *\d+\.\d\d +\d+\.\d{6} +\d+ +\d+ +\d* openat$`, `(?m)^100\.00 .* total$`} {
		if !regexp.MustCompile(want).Match(r.Stderr) {
			t.Errorf("%s isn't in\n%s", want, r.Stderr)
		}
	}
	vmtest.Command{Args: []string{"run", "--bare", "--trace", vmtest.Program(t, "hello")}}.Do(t).Want(t, 125)
}
