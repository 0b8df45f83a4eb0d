// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"loam/test/wasm"
)

// runWASI runs this test binary as the program itself: as a command, since the host has no boot archive.
func runWASI(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	c := exec.Command(os.Args[0], args...)
	c.Env = []string{"LOAM_TEST_WASI=1"}
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); c.ProcessState == nil {
		t.Fatal(err)
	}
	return c.ProcessState.ExitCode(), out.String(), errs.String()
}

func TestCommand(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for name, data := range map[string][]byte{"hello": wasm.Hello(), "exit": wasm.Exit(5), "args": wasm.Strings(false), "file": nil} {
		if err := os.WriteFile(at(name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(dir, at("link")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		args   []string
		code   int
		stdout string
		stderr string // what it contains; nothing: it is empty
	}{
		{"hello", []string{at("hello")}, 0, "hello, world\n", ""},
		{"exit code", []string{at("exit")}, 5, "", ""},
		{"arguments", []string{at("args"), "-v", "b c"}, 0, at("args") + "\x00-v\x00b c\x00", ""},
		{"no module", []string{"-v"}, 125, "", "no module\nusage: "},
		{"no such flag", []string{"--cash", at("x"), at("hello")}, 125, "", "cash"},
		{"no such file", []string{at("none")}, 126, "", "loam: cannot run " + at("none") + ": no such file or directory\n"},
		{"no module in it", []string{at("file")}, 126, "", "the file is empty"},
		{"cache in a file", []string{"--cache", at("file/x"), at("hello")}, 125, "", "not a directory"},
		{"cache in a folder", []string{"--dir", dir + "::/", "--cache", at("sub/cache"), at("hello")}, 125, "", "it lies in --dir"},
		{"cache is the folder", []string{"--dir", dir, "--cache", dir, at("hello")}, 125, "", "it lies in --dir"},
		{"cache behind a link", []string{"--dir", dir, "--cache", at("link/sub/cache"), at("hello")}, 125, "", "it lies in --dir"},
		{"no such folder", []string{"--dir", at("none"), "--cache", t.TempDir(), at("hello")}, 125, "", "--dir " + at("none")},
		{"two lines", []string{"--cache", "a\ndir=/", at("hello")}, 125, "", "not a path"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, stdout, stderr := runWASI(t, c.args...)
			if code != c.code || stdout != c.stdout || !contains(stderr, c.stderr) {
				t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
			}
		})
	}
}

// contains reports whether a text has a part; it is empty if there is none.
func contains(text, part string) bool {
	return strings.Contains(text, part) && (part != "" || text == "")
}
