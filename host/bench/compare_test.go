// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestWorse(t *testing.T) {
	for _, c := range []struct {
		now, kept float64
		worse     bool
		change    string
	}{
		{100, 100, false, "="}, {103, 100, false, "+3.0%"}, {103.1, 100, true, "+3.1%"}, {50, 100, false, "-50.0%"},
		{0, 0, false, "="}, {0.1, 0, true, "new"}, {100.04, 100, false, "="},
	} {
		if Worse(c.now, c.kept) != c.worse || change(c.now, c.kept) != c.change {
			t.Errorf("%v: %v %s", c, Worse(c.now, c.kept), change(c.now, c.kept))
		}
	}
}

func TestCompare(t *testing.T) {
	kept := Figures{{"null_call", 100, "ns"}, {"page_fault", 100, "ns"}, {"gc_cycle", 5, "us"}, {"sleep_1ms", 1, "us"}}
	now := Figures{{"null_call", 104, "ns"}, {"page_fault", 90, "ns"}, {"gc_cycle", 5, "ms"}, {"spawn_tiny", 1, "ns"}}
	got := strings.Join(Compare(now, kept, nil), "\n")
	want := "null_call: 104 ns, kept 100 (+4.0%)\ngc_cycle: kept in us, measured in ms\nsleep_1ms: kept 1 us, not measured"
	if got != want {
		t.Errorf("%s", got)
	}
	if got := Compare(now, kept, []string{"page_fault", "spawn_tiny"}); got != nil {
		t.Errorf("%s", got)
	}
}

func TestOnly(t *testing.T) {
	f := Figures{{"null_call", 1, "ns"}, {"page_fault", 2, "ns"}}
	if got := f.Only(nil); !slices.Equal(got, f) {
		t.Error(got)
	}
	if got := f.Only([]string{"page_fault"}); !slices.Equal(got, f[1:]) || f[0].Name != "null_call" {
		t.Error(got, f)
	}
}

func TestTable(t *testing.T) {
	now := Figures{{"first_user", 1422463, "ns"}, {"null_call", 151, "ns"}}
	kept := Figures{{"first_user", 1400000, "ns"}, {"page_fault", 963.6, "ns"}}
	rivals := Rivals{"linux": {{"null_call", 365, "ns"}, {"first_user", 1551000000, "ns"}}, "nanos": {{"null_call", 1083, "us"}}}
	want := `
  figure                        now       kept  change          Linux  Linux, v3  Nanos      target  unit
  first_user              1,422,463  1,400,000   +1.6%  1,551,000,000                     5,000,000    ns
  null_call                     151                               365                    150 missed    ns
  page_fault                             963.6                                                1,200    ns
`
	if got := "\n" + string(Table(now, kept, rivals)); got != want {
		t.Errorf("got:%swant:%s", got, want)
	}
	want = "| figure | Loam | Linux | Linux, v3 | Nanos | target | unit | what |\n|---|---:|---:|---:|---:|---:|---|---|\n" +
		"| `null_call` | 151 | 365 |  |  | 150 missed | ns | getppid |\n"
	if got := string(Markdown(now[1:], rivals)); got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

func TestShown(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 1.25: "1.3", 999.94: "999.9", 1000: "1,000", 12345.6: "12,346", 1e9: "1,000,000,000"} {
		if got := shown(v, true); got != want {
			t.Errorf("%v: %s, want %s", v, got, want)
		}
	}
	if shown(5, false) != "" {
		t.Error("a figure that isn't there is shown")
	}
}

func TestDocument(t *testing.T) {
	doc := []byte("before\n" + string(tableBegin) + "old\n" + string(tableEnd) + "after\n")
	got, err := Document(doc, []byte("new\n"))
	if want := strings.Replace(string(doc), "old", "new", 1); err != nil || string(got) != want {
		t.Fatalf("%q %v", got, err)
	}
	for _, bad := range []string{"", string(tableBegin), string(tableEnd) + string(tableBegin)} {
		if _, err := Document([]byte(bad), nil); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

// TestRepository holds the files of the tree together: figures that are
// measured, in their order, and the document's table made of them.
func TestRepository(t *testing.T) {
	root := filepath.Join("..", "..")
	kept, err := Kept(root)
	if err != nil {
		t.Fatal(err)
	}
	rivals, err := ReadRivals(root)
	if err != nil {
		t.Fatal(err)
	}
	if ordered, strange := inOrder(kept); strange != nil || !slices.Equal(ordered, kept) {
		t.Errorf("%s: not in order, or unknown: %v; ./x bench --keep mends it", keptFile, strange)
	}
	for system, f := range rivals {
		if _, strange := inOrder(f); strange != nil {
			t.Errorf("%s: %s: no such figures: %v", rivalsFile, system, strange)
		}
	}
	doc, err := os.ReadFile(filepath.Join(root, document))
	if err != nil {
		t.Fatal(err)
	}
	renewed, err := Document(doc, Markdown(kept, rivals))
	if err != nil || string(renewed) != string(doc) {
		t.Errorf("%s does not show the kept figures (%v); ./x bench --keep mends it", document, err)
	}
}

func TestKeep(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"bench", "docs"} {
		if err := os.Mkdir(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	put := func(name, text string) {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put(document, "x\n"+string(tableBegin)+string(tableEnd))
	put(keptFile, "gc_cycle 5 us\nnull_call 100 ns\ngone_since 1 ns\n")
	if err := Keep(root, Figures{{"null_call", 90, "ns"}}, nil); err != nil {
		t.Fatal(err)
	}
	got, err := Kept(root)
	if want := (Figures{{"null_call", 90, "ns"}, {"gc_cycle", 5, "us"}}); err != nil || !slices.Equal(got, want) {
		t.Errorf("%v %v", got, err)
	}
	doc, _ := os.ReadFile(filepath.Join(root, document))
	if !strings.Contains(string(doc), "| `null_call` | 90 |") {
		t.Errorf("%s", doc)
	}
	put(keptFile, "null_call x ns\n")
	if _, err := Kept(root); err == nil {
		t.Error("a bad file was taken")
	}
}
