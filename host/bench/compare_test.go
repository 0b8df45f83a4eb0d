// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"loam/host/vm"
)

func TestWorse(t *testing.T) {
	for _, c := range []struct {
		name      string
		now, kept float64
		worse     bool
		change    string
	}{
		{"null_call", 100, 100, false, "="}, {"null_call", 103, 100, false, "+3.0%"}, {"null_call", 103.1, 100, true, "+3.1%"},
		{"null_call", 50, 100, false, "-50.0%"}, {"null_call", 0, 0, false, "="}, {"null_call", 0.1, 0, true, "new"},
		{"null_call", 100.04, 100, false, "="},
		{"interrupt_driver", 105, 100, false, "+5.0%"}, {"interrupt_driver", 107, 100, true, "+7.0%"},
	} {
		if Worse(c.name, c.now, c.kept) != c.worse || change(c.now, c.kept) != c.change {
			t.Errorf("%v: %v %s", c, Worse(c.name, c.now, c.kept), change(c.now, c.kept))
		}
	}
	for name := range chances {
		if metric(name) == nil {
			t.Errorf("%s is nothing that is measured", name)
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
	if got := "\n" + string(Table(vm.AMD64, now, kept, rivals)); got != want {
		t.Errorf("got:%swant:%s", got, want)
	}
	want = "| figure | Loam | Linux | Linux, v3 | Nanos | target | unit | what |\n|---|---:|---:|---:|---:|---:|---|---|\n" +
		"| `null_call` | 151 | 365 |  |  | 150 missed | ns | gettid |\n"
	if got := string(Markdown(vm.AMD64, now[1:], rivals)); got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

// TestTableRISCV64: other columns, other targets: a goal of its own, or Linux's
// figure but for the control.
func TestTableRISCV64(t *testing.T) {
	now := Figures{{"hello_wasm_cold_end", 5, "ns"}, {"null_call", 201, "ns"}, {"clock_call", 755, "ns"}, {"time_now", 1, "ns"}, {"sha256_16mib", 9, "ms"}}
	rivals := Rivals{"linux": {{"null_call", 1, "ns"}}, "linux_riscv64": {{"null_call", 470, "ns"}, {"clock_call", 754, "ns"}, {"sha256_16mib", 8, "ms"}}}
	want := "| figure | Loam | Linux | target | unit | what |\n|---|---:|---:|---:|---|---|\n" +
		"| `hello_wasm_cold_end` | 5 |  |  | ns | the same, compiled in the guest |\n" +
		"| `null_call` | 201 | 470 | 200 missed | ns | gettid |\n" +
		"| `clock_call` | 755 | 754 | 754 missed | ns | clock_gettime by a call |\n" +
		"| `time_now` | 1 |  |  | ns | time.Now |\n" +
		"| `sha256_16mib` | 9 | 8 |  | ms | control: no kernel in it |\n"
	if got := string(Markdown(vm.RISCV64, now, rivals)); got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
	if got := string(Markdown(vm.RISCV64, nil, rivals)); got != "Not measured.\n" {
		t.Error(got)
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
	begin := string(tableBegin(vm.AMD64))
	doc := "before\n" + begin + "old\n" + string(tableEnd) + "between\n" + string(tableBegin(vm.RISCV64)) + "older\n" + string(tableEnd) + "after\n"
	for arch, old := range map[string]string{vm.AMD64: "old\n", vm.RISCV64: "older\n"} {
		got, err := Document([]byte(doc), arch, []byte("new\n"))
		if want := strings.Replace(doc, old, "new\n", 1); err != nil || string(got) != want {
			t.Fatalf("%q %v", got, err)
		}
	}
	for _, bad := range []string{"", begin, string(tableEnd) + begin, string(tableBegin(vm.RISCV64)) + string(tableEnd)} {
		if _, err := Document([]byte(bad), vm.AMD64, nil); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

// TestRepository holds the files of the tree together: figures that are
// measured, in their order, and the document's table made of them.
func TestRepository(t *testing.T) {
	root := filepath.Join("..", "..")
	rivals, err := ReadRivals(root)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile(filepath.Join(root, document))
	if err != nil {
		t.Fatal(err)
	}
	for _, arch := range vm.Arches {
		kept, err := Kept(root, arch)
		if err != nil {
			t.Fatal(err)
		}
		if ordered, strange := inOrder(arch, kept); strange != nil || !slices.Equal(ordered, kept) {
			t.Errorf("%s: not in order, or unknown: %v; ./x bench%s --keep mends it", keptFile(arch), strange, flagOf(arch))
		}
		renewed, err := Document(doc, arch, Markdown(arch, kept, rivals))
		if err != nil || string(renewed) != string(doc) {
			t.Errorf("%s does not show the kept figures for %s (%v); ./x bench%s --keep mends it", document, arch, err, flagOf(arch))
		}
	}
	for system, f := range rivals {
		arch := vm.AMD64
		if strings.HasSuffix(system, vm.RISCV64) {
			arch = vm.RISCV64
		}
		if _, strange := inOrder(arch, f); strange != nil {
			t.Errorf("%s: %s: no such figures: %v", rivalsFile, system, strange)
		}
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
	put(document, "x\n"+string(tableBegin(vm.AMD64))+string(tableEnd)+string(tableBegin(vm.RISCV64))+string(tableEnd))
	put(keptFile(vm.AMD64), "gc_cycle 5 us\nnull_call 100 ns\ngone_since 1 ns\n")
	if err := Keep(root, vm.AMD64, Figures{{"null_call", 90, "ns"}}, nil); err != nil {
		t.Fatal(err)
	}
	got, err := Kept(root, vm.AMD64)
	if want := (Figures{{"null_call", 90, "ns"}, {"gc_cycle", 5, "us"}}); err != nil || !slices.Equal(got, want) {
		t.Errorf("%v %v", got, err)
	}
	doc, _ := os.ReadFile(filepath.Join(root, document))
	if !strings.Contains(string(doc), "| `null_call` | 90 |") {
		t.Errorf("%s", doc)
	}
	if none, err := Kept(root, vm.RISCV64); none != nil || err != nil {
		t.Error(none, err)
	}
	if err := Keep(root, vm.RISCV64, Figures{{"null_call", 180, "ns"}}, nil); err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(filepath.Join(root, "bench/riscv64.txt"))
	if !strings.Contains(string(text), "./x bench --arch riscv64 --keep writes this") || !strings.Contains(string(text), "\nnull_call 180 ns\n") {
		t.Errorf("%s", text)
	}
	doc, _ = os.ReadFile(filepath.Join(root, document))
	if !strings.Contains(string(doc), "| `null_call` | 90 |") || !strings.Contains(string(doc), "| `null_call` | 180 |") {
		t.Errorf("%s", doc)
	}
	put(keptFile(vm.AMD64), "null_call x ns\n")
	if _, err := Kept(root, vm.AMD64); err == nil {
		t.Error("a bad file was taken")
	}
}
