// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tree writes a small module that keeps the rules and returns its folder.
func tree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "go.mod", "module loam\n\ngo 1.26\n")
	write(t, dir, "abi/abi.go", "// SPDX-License-Identifier: Apache-2.0\n\n// Package abi is empty.\npackage abi\n")
	return dir
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	name = filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestRun(t *testing.T) {
	good := tree(t)
	bad := tree(t)
	write(t, bad, "abi/more.go", "package abi\n\nimport _ \"unsafe\"\n")
	write(t, good, "words", "package\n\n")
	// A kernel must have trap handlers: this test program is not one.
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		args   []string
		status int
		stdout string // must be part of it
		stderr string
	}{
		{"good", []string{"-C", good}, 0, "check: 3 files keep the rules", ""},
		{"from below", []string{"-C", filepath.Join(good, "abi")}, 0, "check: 3 files", ""},
		{"bad", []string{"-C", bad}, 1, "abi/more.go:3: unsafe: ", "2 breaches"},
		{"words", []string{"-C", good, "-words", filepath.Join(good, "words")}, 1, "abi/abi.go:4: words: \"package\"", ""},
		{"words missing", []string{"-C", good, "-words", "nowhere"}, 2, "", "nowhere"},
		{"no tree", []string{"-C", t.TempDir()}, 2, "", "no go.mod"},
		{"no kernel", []string{"-C", good, "-kernel", "nowhere"}, 2, "", "nowhere"},
		{"no image", []string{"-C", good, "-image", filepath.Join(good, "go.mod")}, 2, "", "bad magic"},
		{"empty proof", []string{"-C", good, "-kernel", self}, 1, "no function is marked //loam:trap", ""},
		{"unknown flag", []string{"-nonsense"}, 2, "", "-nonsense"},
		{"arguments", []string{"here"}, 2, "", "-kernel"},
	}
	for _, tt := range tests {
		if tt.name == "empty proof" && !isELF(self) {
			continue
		}
		var stdout, stderr strings.Builder
		status := run(tt.args, &stdout, &stderr)
		if status != tt.status || !strings.Contains(stdout.String(), tt.stdout) || !strings.Contains(stderr.String(), tt.stderr) {
			t.Errorf("%s: status %d, want %d\nstdout: %s\nstderr: %s", tt.name, status, tt.status, stdout.String(), stderr.String())
		}
	}
}

// isELF reports whether this host's programs are what the proofs read.
func isELF(name string) bool {
	text, err := os.ReadFile(name)
	return err == nil && len(text) > 20 && string(text[:4]) == "\x7fELF" && text[18] == 62
}
