// SPDX-License-Identifier: Apache-2.0

package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestWritten: every generated file in the tree is what the generator writes.
func TestWritten(t *testing.T) {
	mark := regexp.MustCompile(`(?m)^//go:generate go run loam/tools/ipcgen (\w+)$`)
	found := 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range mark.FindAllSubmatch(text, -1) {
			found++
			var said strings.Builder
			if status := run([]string{"-C", filepath.Dir(path), "-check", string(m[1])}, &said); status != 0 {
				t.Error(said.String())
			}
		}
		return nil
	})
	if err != nil || found == 0 {
		t.Errorf("%d interfaces found, %v", found, err)
	}
}

// TestRefused: an interface that can't be served is refused, with a reason.
func TestRefused(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "testdata/refused.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	wants := regexp.MustCompile(`^(\w+) wants ([\w.]+)\.\n`)
	tried := 0
	for _, c := range file.Comments {
		m := wants.FindStringSubmatch(c.Text())
		if m == nil {
			continue
		}
		tried++
		_, err := generate("testdata", "none.go", m[1])
		if err == nil || !strings.Contains(err.Error(), m[2]) {
			t.Errorf("%s: %v, want something about %s", m[1], err, m[2])
		}
	}
	if tried < 20 {
		t.Errorf("only %d found", tried)
	}
	if _, err := generate("testdata", "none.go", "Absent"); err == nil {
		t.Error("an interface that isn't there was accepted")
	}
}

// TestWrites: the file is written, and -check tells when it isn't that any more.
func TestWrites(t *testing.T) {
	dir := t.TempDir()
	source := "package p\nimport \"context\"\ntype Echo interface{ Say(ctx context.Context, s string) (string, error) }\n"
	if err := os.WriteFile(filepath.Join(dir, "p.go"), []byte(source), 0o666); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	if status := run([]string{"-C", dir, "-check", "Echo"}, &said); status != 1 {
		t.Error("what isn't there is as it should be")
	}
	if status := run([]string{"-C", dir, "Echo"}, &said); status != 0 {
		t.Fatal(said.String())
	}
	if status := run([]string{"-C", dir, "-check", "Echo"}, &said); status != 0 {
		t.Error(said.String())
	}
	changed := strings.Replace(source, "s string)", "s string, n int)", 1)
	if err := os.WriteFile(filepath.Join(dir, "p.go"), []byte(changed), 0o666); err != nil {
		t.Fatal(err)
	}
	if status := run([]string{"-C", dir, "-check", "Echo"}, &said); status != 1 {
		t.Error("the change wasn't seen")
	}
	if run(nil, &said) != 2 || run([]string{"-x"}, &said) != 2 {
		t.Error("a wrong command line was accepted")
	}
}
