// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWASIJudge(t *testing.T) {
	text := "b\na\n"
	sorted := "a\nb\n"
	for _, c := range []struct {
		name   string
		c      wasiCase
		exit   int
		stdout string
		want   string // in the verdict; none: it passes
	}{
		{"anything", wasiCase{}, 0, "text", ""},
		{"status", wasiCase{exit: 33}, 33, "", ""},
		{"another status", wasiCase{exit: 33}, 0, "", "exit status 0, not 33"},
		{"output", wasiCase{stdout: &text}, 0, text, ""},
		{"another output", wasiCase{stdout: &text}, 0, "a", "stdout"},
		{"nothing instead", wasiCase{stdout: &text}, 0, "", "stdout"},
		{"in any order", wasiCase{stdout: &sorted, sorted: true}, 0, text, ""},
		{"in order", wasiCase{stdout: &sorted}, 0, text, "stdout"},
	} {
		err := c.c.judge(c.exit, c.stdout, "loam: wasm: engine\nwords\n")
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if err := (&wasiCase{}).judge(exitTrap, "", "loam: x\nwords\n"); !errors.Is(err, errTrapped) || !strings.Contains(err.Error(), "words") {
		t.Errorf("a trap: %v", err)
	}
}

func TestSuiteCases(t *testing.T) {
	dir := t.TempDir()
	if _, err := suiteCases(dir); err == nil {
		t.Error("a folder without modules is none")
	}
	at := filepath.Join(dir, "tests/c/testsuite/wasm32-wasip1")
	for name, content := range map[string]string{
		"plain.wasm": "1", "with.wasm": "2", "root/file": "text",
		"with.json": `{"args": ["a"], "env": {"k": "v"}, "root": "root", "stdout": "", "exit_code": 3}`,
	} {
		file := filepath.Join(at, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	list, err := suiteCases(dir)
	if err != nil || len(list) != 2 {
		t.Fatal(list, err)
	}
	if list, err := threadCases(dir); err == nil {
		t.Errorf("%d modules with threads in a folder without", len(list))
	}
	plain, with := list[0], list[1]
	if plain.name != "c/plain" || plain.stdout != nil || plain.root != "" {
		t.Errorf("%+v", plain)
	}
	if with.exit != 3 || with.stdout == nil || *with.stdout != "" || with.args[0] != "a" || with.env["k"] != "v" {
		t.Errorf("%+v", with)
	}
	root := filepath.Join(t.TempDir(), "root")
	if granted, err := with.makeRoot(root); !granted || err != nil {
		t.Error(granted, err)
	}
	if b, err := os.ReadFile(filepath.Join(root, "file")); string(b) != "text" {
		t.Errorf("%q, %v", b, err)
	}
	if granted, err := plain.makeRoot(root); granted || err != nil {
		t.Error(granted, err)
	}
	if _, err := os.Stat(filepath.Join(root, "file")); err == nil {
		t.Error("the folder of the module before is still there")
	}
	c := wasiCase{files: map[string]string{"d/": "", "e/f": "x"}}
	if granted, err := c.makeRoot(root); !granted || err != nil {
		t.Error(granted, err)
	}
	if info, err := os.Stat(filepath.Join(root, "d")); err != nil || !info.IsDir() {
		t.Error(info, err)
	}
}
