// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"debug/elf"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"loam/host/program"
	"loam/test/vm/vmtest"
)

// Paths that lead to no file that could be a program.
func TestRefusePaths(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	dir := t.TempDir()
	refused := func(name string, code int, words ...string) {
		t.Helper()
		r := vmtest.Run(t, filepath.Join(dir, name))
		r.WantReason(t, code, append(words, filepath.Base(name))...)
		r.WantStdout(t, code, "")
	}
	for name, target := range map[string]string{"loop": "loop", "dangling": "nothing"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	refused("loop", 126, "symbolic links")
	refused("dangling", 127, "no such file")
	refused(strings.Repeat("n", 300), 126, "name too long")

	large := filepath.Join(dir, "large")
	if err := os.WriteFile(large, []byte("\x7fELF"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(large, program.MaxSize+1); err != nil { // a hole: it takes no space
		t.Fatal(err)
	}
	refused("large", 126, "is larger than 1024 MiB")

	t.Run("unreadable", func(t *testing.T) {
		if os.Geteuid() == 0 {
			t.Skip("root may read everything")
		}
		if err := os.WriteFile(filepath.Join(dir, "secret"), exitCode(0), 0); err != nil {
			t.Fatal(err)
		}
		refused("secret", 126, "permission denied")
	})
}

// A program that a real linker made for a dynamic linker to load.
func TestRefuseDynamic(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	const file = "/bin/ls"
	f, err := elf.Open(file)
	if err != nil {
		t.Skip(err)
	}
	defer f.Close()
	if f.Machine != elf.EM_X86_64 || f.Section(".interp") == nil {
		t.Skipf("%s is not a dynamic program for amd64", file)
	}
	r := vmtest.Run(t, file)
	r.WantReason(t, 126, file, "dynamic linker", "CGO_ENABLED=0")
	r.WantStdout(t, 126, "")
}

// Each kind of wrong flag is loam's own failure, and names the flag.
func TestRefuseFlags(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	hello := vmtest.Program(t, "hello")
	for _, c := range []struct {
		flags []string
		words []string
	}{
		{[]string{"--no-such-flag"}, []string{"--no-such-flag"}},
		{[]string{"-Z"}, []string{"-Z"}},
		{[]string{"-m", "lots"}, []string{"memory", "lots"}},
		{[]string{"--timeout", "soon"}, []string{"--timeout", "soon"}},
		{[]string{"--timeout", "0"}, []string{"--timeout"}},
		{[]string{"--timeout", "-1s"}, []string{"--timeout"}},
		{[]string{"--cpus", "many"}, []string{"--cpus", "many"}},
		{[]string{"--machine", "pdp11"}, []string{"pdp11"}},
		{[]string{"--accel", "warp"}, []string{"warp"}},
		{[]string{"--arch", "vax"}, []string{"vax"}},
		{[]string{"-e", "=x"}, []string{"=x"}},
	} {
		r := vmtest.Command{Args: append(append([]string{"run"}, c.flags...), hello)}.Do(t)
		r.WantReason(t, 125, c.words...)
		r.WantStdout(t, 125, "")
		if n := bytes.Count(r.Stderr, []byte("\n")); n > 2 { // the reason, and where to read on
			t.Errorf("%q: %d lines: %s", c.flags, n, r.Stderr)
		}
	}
}
