// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"loam/test/vm/vmtest"
)

// goExec has the go command start what it builds, for a target, by loam exec, and gives its output and exit status.
func goExec(t *testing.T, dir, goos, goarch, verb string, args ...string) (string, int) {
	t.Helper()
	defer vmtest.Slot()()
	wrapper := vmtest.Loam(t) + " exec --arch " + vmtest.Arch() + " -e GRANTED=yes"
	cmd := exec.Command("go", append([]string{verb, "-exec", wrapper}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off", "LOAM_SECRET=secret")
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// TestGoExec: the go command tests and runs by loam exec, native programs and modules: what they are granted, what
// they are not, and files that they write for the go command.
func TestGoExec(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for _, target := range [][2]string{{"linux", vmtest.Arch()}, {"wasip1", "wasm"}} {
		t.Run(target[0], func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "goexec"))); err != nil {
				t.Fatal(err)
			}
			profile := filepath.Join(dir, "cover.out")
			out, status := goExec(t, dir, target[0], target[1], "test", "-coverprofile", profile, "./sub")
			if status != 0 || !regexp.MustCompile(`(?m)^ok  \tgoexec/sub\t.*coverage: 100.0% of statements$`).MatchString(out) {
				t.Errorf("status %d\n%s", status, out)
			}
			if b, err := os.ReadFile(profile); err != nil || !regexp.MustCompile(`goexec/sub/sub.go:.* 1 1\n$`).Match(b) {
				t.Errorf("%s, %v", b, err)
			}
			out, status = goExec(t, dir, target[0], target[1], "run", ".", "7")
			if status != 1 || out != "exit status 7\n" {
				t.Errorf("status %d\n%s", status, out)
			}
			if b, err := os.ReadFile(filepath.Join(dir, "written")); string(b) != "7" {
				t.Errorf("written to the working directory: %q, %v", b, err)
			}
			// Go's own library.
			out, status = goExec(t, dir, target[0], target[1], "test", "-short", map[string]string{"linux": "path/filepath", "wasip1": "errors"}[target[0]])
			if status != 0 {
				t.Errorf("status %d\n%s", status, out)
			}
		})
	}
}
