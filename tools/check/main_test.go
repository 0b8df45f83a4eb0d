// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
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
	// A kernel must have trap handlers: this is none.
	write(t, good, "cmd/none/main.go", "// SPDX-License-Identifier: Apache-2.0\n\n// None does nothing.\npackage main\n\nfunc main() {}\n")
	none := filepath.Join(t.TempDir(), "none.elf")
	build := exec.Command("go", "build", "-o", none, "./cmd/none")
	build.Dir = good
	build.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0", "GOFLAGS=")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, text)
	}
	tests := []struct {
		name   string
		args   []string
		status int
		stdout string // must be part of it
		stderr string
	}{
		{"good", []string{"-C", good}, 0, "check: all rules kept by 4 files", ""},
		{"from below", []string{"-C", filepath.Join(good, "abi")}, 0, "by 4 files", ""},
		{"bad", []string{"-C", bad}, 1, "abi/more.go:3: unsafe: ", "2 breaches"},
		{"words", []string{"-C", good, "-words", filepath.Join(good, "words")}, 1, "abi/abi.go:4: words: \"package\"", ""},
		{"words missing", []string{"-C", good, "-words", "nowhere"}, 2, "", "nowhere"},
		{"no tree", []string{"-C", t.TempDir()}, 2, "", "no go.mod"},
		{"no kernel", []string{"-C", good, "-kernel", "nowhere"}, 2, "", "nowhere"},
		{"no image", []string{"-C", good, "-image", filepath.Join(good, "go.mod")}, 2, "", "bad magic"},
		{"empty proof", []string{"-C", good, "-kernel", none}, 1, "no function is marked //loam:trap", ""},
		{"unknown flag", []string{"-nonsense"}, 2, "", "-nonsense"},
		{"arguments", []string{"here"}, 2, "", "-kernel"},
	}
	for _, tt := range tests {
		var stdout, stderr strings.Builder
		status := run(tt.args, &stdout, &stderr)
		if status != tt.status || !strings.Contains(stdout.String(), tt.stdout) || !strings.Contains(stderr.String(), tt.stderr) {
			t.Errorf("%s: status %d, want %d\nstdout: %s\nstderr: %s", tt.name, status, tt.status, stdout.String(), stderr.String())
		}
	}
}
