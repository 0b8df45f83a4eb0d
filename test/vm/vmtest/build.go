// SPDX-License-Identifier: Apache-2.0

package vmtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

// Root is the repository's folder, seen from the tests' own.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("no go.mod here or above")
		}
	}
}

// folder holds what is built; Main makes and removes it.
var folder string

// Main runs the tests of a package with a folder for built programs.
func Main(m *testing.M) int {
	dir, err := os.MkdirTemp("", "loam-vmtest")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	folder = dir
	hearSignals()
	// What loam keeps must not come from, or go to, the person's own cache.
	if os.Getenv("LOAM_CACHE") == "" {
		_ = os.Setenv("LOAM_CACHE", filepath.Join(dir, "cache"))
	}
	return m.Run()
}

// hearSignals has programs that tests start on the host begin with the signals' defaults, as those in a machine do: what
// ignores a signal (nohup) hands that on, but not what handles it.
func hearSignals() {
	for _, s := range []os.Signal{syscall.SIGHUP, os.Interrupt} {
		if signal.Ignored(s) {
			signal.Notify(make(chan os.Signal, 1), s)
		}
	}
}

// Dir is a folder that lives as long as the package's tests.
func Dir() string { return folder }

// Go runs the go command in the repository for a target, without what the
// person's environment would add to its builds.
func Go(goos, goarch string, args ...string) error {
	return GoIn(".", goos, goarch, args...)
}

// GoIn runs it in a folder of the repository: one that is a module of its own.
func GoIn(dir, goos, goarch string, args ...string) error {
	root, err := Root()
	if err != nil {
		return err
	}
	cmd := exec.Command("go", args...)
	cmd.Dir = filepath.Join(root, dir)
	cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false", "GOAMD64=v1", "GORISCV64=rva20u64")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go %v: %w\n%s", args, err, out)
	}
	return nil
}

var programs = sync.OnceValue(func() error {
	dir := filepath.Join(folder, "programs")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	return Go("linux", Arch(), "build", "-trimpath", "-o", dir, "./test/programs/...")
})

// Program gives the path of a guest program, one of test/programs, for Arch. The first
// call builds them all.
func Program(t testing.TB, name string) string {
	t.Helper()
	if err := programs(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(folder, "programs", name)
}

// Foreign gives the path of a guest program built for another target.
func Foreign(t testing.TB, goos, goarch, name string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), name)
	if err := Go(goos, goarch, "build", "-o", out, "./test/programs/"+name); err != nil {
		t.Fatal(err)
	}
	return out
}

// File writes a file for a test and gives its path.
func File(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}
