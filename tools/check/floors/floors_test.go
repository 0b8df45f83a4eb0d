// SPDX-License-Identifier: Apache-2.0

package floors

import (
	"os"
	"strings"
	"testing"

	"loam/tools/check/finding"
	"loam/tools/check/source"
)

// TestRealTree holds the floors of this repository.
func TestRealTree(t *testing.T) {
	tree, err := source.Load("../../..", "")
	if err != nil {
		t.Fatal(err)
	}
	found, err := Check(tree)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		t.Error(f)
	}
}

// TestBadTree runs the whole check over a small module that breaks the rules,
// behind build constraints among other places.
func TestBadTree(t *testing.T) {
	tree, err := source.Load("testdata/bad", "")
	if err != nil {
		t.Fatal(err)
	}
	found, err := Check(tree)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	if err := finding.Print(&got, found); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/bad.want")
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
}

func TestJudge(t *testing.T) {
	tests := []struct {
		from, to string
		test, ok bool
	}{
		{"abi/channel", "loam/abi", false, true},
		{"abi", "loam/machine/frame", false, false},
		{"abi", "strconv", false, true},
		{"abi", "golang.org/x/sys/unix", false, false},
		{"machine/frame", "math/bits", false, true},
		{"machine/frame", "unsafe", false, true},
		{"machine/frame", "fmt", false, false},
		{"machine/frame", "sync", false, false},
		{"machine/frame", "errors", false, false},
		{"machine/frame", "fmt", true, true},
		{"machine/frame", "golang.org/x/sys/cpu", true, true},
		{"machine/frame", "golang.org/x/sys/cpu", false, false},
		{"machine/frame", "loam/kernel/sched", false, false},
		{"machine/frame", "loam/kernel/sched", true, false},
		{"machine/metal", "loam/machine/frame", false, true},
		{"machine/metal", "loam/abi", false, true},
		{"machine/metal", "loam/archive", false, false},
		{"archive", "loam/loader", false, true},
		{"loader", "loam/kernel/space", false, false},
		{"loader", "debug/elf", false, true},
		{"kernel", "loam/machine/metal", false, true},
		{"kernel", "loam/kernel/core", false, true},
		{"kernel/core", "loam/machine/metal", false, true},
		{"kernel/core", "loam/user/sys", false, false},
		{"kernel/core", "loam/host/vm", false, false},
		{"kernel/core", "golang.org/x/sys/unix", false, false},
		{"kernel/sched", "loam/machine/paging", false, true},
		{"kernel/sched", "loam/machine/metal", false, false},
		{"kernel/sched", "loam/kernel/core", false, false},
		{"kernel/sched", "loam/kernel", false, false},
		{"machine/metal", "runtime", false, true},
		{"machine/frame", "runtime", false, false},
		{"machine/frame", "loam/machine/metal", false, false},
		{"test/kernel", "loam/machine/metal", false, true},
		{"test/kernel", "loam/host/vm", false, false},
		{"internal/wasmcode", "loam/user/sys", false, true},
		{"internal/wasmcode", "loam/host/vm", false, false},
		{"internal/wasmcode", "loam/kernel/core", false, false},
		{"user/wasi", "loam/internal/wasmcode", false, true},
		{"user/wasi", "loam/host/vm", false, false},
		{"user/wasi", "loam/test/wasm", true, true},
		{"user/wasi", "loam/test/wasm", false, false},
		{"host/compile", "loam/user/wasi/runner", false, true},
		{"host/compile", "loam/user/sys", false, false},
		{"user/wasi", "loam/user/sys", false, true},
		{"user/wasi", "github.com/tetratelabs/wazero", false, true},
		{"user/wasi", "loam/kernel/core", false, false},
		{"user/wasi", "loam/machine/frame", false, false},
		{"build/image", "loam/machine/bootinfo", false, true},
		{"build/image", "loam/machine/frame", false, false},
		{"host/vm", "loam/machine/bootinfo", false, false},
		{"host/vm", "loam/archive", false, true},
		{"cmd/loam", "loam/host/vm", false, true},
		{"cmd/loam", "loam/kernel/core", false, false},
		{"cmd/loam", "github.com/spf13/cobra", false, true},
		{"test/story", "loam/host/vm", false, true},
		{"test/story", "loam/kernel/core", false, false},
		{"tools/check", "loam/abi", false, false},
		{"elsewhere", "fmt", false, false},
	}
	for _, tt := range tests {
		p := importer{Path: "loam/" + tt.from}
		if tt.test {
			p.TestImports = []string{tt.to}
		} else {
			p.Imports = []string{tt.to}
		}
		if got := len(judge("loam", []importer{p})) == 0; got != tt.ok {
			t.Errorf("%s imports %s (test %v): admitted %v, want %v", tt.from, tt.to, tt.test, got, tt.ok)
		}
	}
}

func TestParseRejectsGarbage(t *testing.T) {
	if _, err := parse(strings.NewReader(`{"ImportPath": 3}`)); err == nil {
		t.Error("no error for output that is not go list's")
	}
}
