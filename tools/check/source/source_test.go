// SPDX-License-Identifier: Apache-2.0

package source

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"loam/tools/check/finding"
)

// load reads a fixture.
func load(t *testing.T, dir string) *Tree {
	t.Helper()
	tree, err := Load(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// compare holds findings against a file of expected lines.
func compare(t *testing.T, found []finding.Finding, wantFile string) {
	t.Helper()
	var got strings.Builder
	if err := finding.Print(&got, finding.Sort(found)); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(wantFile)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
}

// TestBadTree proves that every rule can fail, and that it stays silent about
// the files beside them that are right.
func TestBadTree(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/bad")); err != nil {
		t.Fatal(err)
	}
	// Files that gofmt would change can't lie about under their own name.
	for from, to := range map[string]string{"broken.txt": "broken.go", "plain.txt": "plain/plain.go"} {
		text, err := os.ReadFile("testdata/ugly/" + from)
		if err != nil {
			t.Fatal(err)
		}
		to = filepath.Join(dir, filepath.FromSlash(to))
		if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	compare(t, Check(load(t, dir), []string{"frobnicate"}), "testdata/bad.want")
}

// TestFence holds the real tree to the unsafe fence.
func TestFence(t *testing.T) {
	for _, f := range Fence(load(t, "../../..")) {
		t.Error(f)
	}
}

// TestMirror holds the real tree to the mirrors, and to need each exception.
func TestMirror(t *testing.T) {
	found, needed := mirror(load(t, "../../.."))
	for _, f := range found {
		t.Error(f)
	}
	for name := range alone {
		if !needed[name] {
			t.Errorf("%s has a mirror, or isn't there: it needs no reason", name)
		}
	}
}

func TestMarks(t *testing.T) {
	marks, bad := Marks(load(t, "testdata/marks"), "amd64")
	compare(t, bad, "testdata/marks.want")
	want := []Mark{
		{Symbol: "marks/low.entry", Asm: true, File: "low/entry.s", Line: 5, End: 5, NoCall: true, NewStack: true},
		{Symbol: "other.gate", Asm: true, File: "low/entry.s", Line: 9, End: 9, NoFPU: true},
		{Symbol: "marks/low.handle", File: "low/low.go", Line: 9, End: 9, Trap: true, Stack: 4096, NoFPU: true},
		{Symbol: "marks/low.(*T).Ptr", File: "low/low.go", Line: 15, End: 15, NoAlloc: true,
			Indirect: []string{"marks/low.handle", "loam/x.y", "runtime.memmove", "marks/low.sys*"}},
		{Symbol: "marks/low.T.Val", File: "low/low.go", Line: 18, End: 18, Indirect: []string{"table=marks/low.calls"}},
		{Symbol: "marks/low.enter", Asm: true, File: "low/low.go", Line: 21, End: 21, NoCall: true},
		{Symbol: "marks/low.i", File: "low/low.go", Line: 50, End: 50, Trap: true, Stack: 4096},
		{Symbol: "marks/low.j", File: "low/low.go", Line: 54, End: 54, NoAlloc: true},
		{Symbol: "main.halt", File: "prog/main.go", Line: 7, End: 7, Fatal: true},
	}
	sameMarks(t, marks, want)
	marks, bad = Marks(load(t, "testdata/marks"), "riscv64")
	compare(t, bad, "testdata/marks.want")
	i := slices.IndexFunc(want, func(m Mark) bool { return m.Symbol == "marks/low.i" })
	want[i].Stack = 8192
	want[i+1].Trap, want[i+1].Stack = true, 512
	sameMarks(t, marks, slices.Insert(want, 2, Mark{Symbol: "marks/low.halt", File: "low/kept_riscv64.go", Line: 6, End: 6, Fatal: true}))
}

func sameMarks(t *testing.T, marks, want []Mark) {
	t.Helper()
	if len(marks) != len(want) {
		t.Fatalf("got %d marks, want %d: %+v", len(marks), len(want), marks)
	}
	for i := range want {
		if !reflect.DeepEqual(marks[i], want[i]) {
			t.Errorf("mark %d: got %+v, want %+v", i, marks[i], want[i])
		}
	}
}

func TestHostPath(t *testing.T) {
	// A bar stands for the first slash, so that this file passes itself.
	for text, want := range map[string]bool{
		"see |home/me/x": true, "cd |root/x": true, `"|work/a"`: true, "=|Users/a": true,
		"~|work/x": false, "a|root/b": false, "|root": false, "|tmp/x": false, "HOME=|root ": false,
	} {
		text = strings.ReplaceAll(text, "|", "/")
		if got := hostPath.MatchString(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestLoadNeedsModule(t *testing.T) {
	if _, err := Load("testdata", ""); err == nil {
		t.Error("no error for a folder with no go.mod")
	}
}
