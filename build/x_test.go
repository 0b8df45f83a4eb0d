// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// x runs a copy of the script in a folder of its own, with fake as the only go
// in PATH ("" for none), and returns its output and exit code.
func x(t *testing.T, fake string, args ...string) (string, int) {
	t.Helper()
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip(err)
	}
	root, bin := t.TempDir(), t.TempDir()
	script, err := os.ReadFile("../x")
	if err != nil {
		t.Fatal(err)
	}
	put := func(name string, text []byte) {
		if err := os.WriteFile(name, text, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	put(filepath.Join(root, "x"), script)
	if fake != "" {
		put(filepath.Join(bin, "go"), []byte("#!"+sh+"\n"+fake))
	}
	for _, tool := range []string{"dirname", "mkdir", "cat", "chmod"} {
		if p, err := exec.LookPath(tool); err != nil || os.Symlink(p, filepath.Join(bin, tool)) != nil {
			t.Skipf("no %s here", tool)
		}
	}
	cmd := exec.Command(sh, append([]string{filepath.Join(root, "x")}, args...)...)
	cmd.Env = []string{"PATH=" + bin}
	cmd.Dir = t.TempDir()
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// answering is a go that knows its version and "builds" a program which shows
// its arguments and ends with code 7.
func answering(version string) string {
	return `case $1 in
env) echo ` + version + `;;
version) echo go version ` + version + ` linux/amd64;;
build) mkdir -p build/out
	echo '#!/bin/sh' >build/out/build
	echo 'echo "args: $* root: ${LOAM_ROOT##*/}"; exit 7' >>build/out/build
	chmod +x build/out/build;;
esac
`
}

func TestXAcceptsGo(t *testing.T) {
	for _, version := range []string{"go1.26", "go1.26.0", "go1.26rc1", "go1.27.4", "go1.100.1", "'devel go1.27-d5a4f2 Mon'"} {
		out, code := x(t, answering(version), "run", "a b")
		if code != 7 || !strings.HasPrefix(out, "args: run a b root: ") {
			t.Errorf("%s: exit code %d, output %q", version, code, out)
		}
	}
}

func TestXRefusesGo(t *testing.T) {
	none := "echo 'no such subcommand' >&2; exit 2"
	for name, c := range map[string]struct{ fake, want string }{
		"none":    {"", "there is no go in PATH"},
		"1.19":    {answering("go1.19.8"), "this is go1.19.8"},
		"1.25":    {answering("go1.25.9"), "this is go1.25.9"},
		"1.3":     {answering("go1.3"), "this is go1.3:"},
		"1.10":    {"[ $1 = version ] && echo go version go1.10 linux/amd64 || echo", "this is go1.10:"},
		"broken":  {none, "this is unknown"},
		"offline": {"case $1 in env) echo 'go.mod requires go >= 1.26.3' >&2; exit 1;; version) echo go version go1.22.1 linux/amd64;; esac", "this is go1.22.1:"},
	} {
		out, code := x(t, c.fake, "build")
		if code != 1 || !strings.Contains(out, c.want) || !strings.Contains(out, "1.26.3 or newer") ||
			!strings.Contains(out, "https://go.dev/dl/") || strings.Count(out, "\n") != 1 {
			t.Errorf("%s: exit code %d, output %q, want one line with %q", name, code, out, c.want)
		}
	}
}
