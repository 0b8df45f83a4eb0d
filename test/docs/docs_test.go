// SPDX-License-Identifier: Apache-2.0

// Package docs holds the documents against what they describe: the tables of
// calls, exit statuses and kernel parameters against the code, and every link
// and picture against the tree. It reads the code as text, so that it needs no
// kernel build.
package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const root = "../.."

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// variable returns the composite literal of a package-level variable.
func variable(t *testing.T, file, name string) *ast.CompositeLit {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, s := range g.Specs {
			if v, ok := s.(*ast.ValueSpec); ok && v.Names[0].Name == name && len(v.Values) == 1 {
				if lit, ok := v.Values[0].(*ast.CompositeLit); ok {
					return lit
				}
			}
		}
	}
	t.Fatalf("%s: no variable %s", file, name)
	return nil
}

// code returns the calls that the kernel answers on either architecture, and the
// function of each.
func code(t *testing.T) map[string]string {
	calls := map[string]string{}
	for file, table := range map[string]string{"calls.go": "calls", "calls_amd64.go": "ownCalls", "calls_riscv64.go": "ownCalls"} {
		tableOf(t, calls, "kernel/core/"+file, table)
	}
	tableOf(t, calls, "kernel/core/calls.go", "otherCalls")
	return calls
}

// tableOf adds the calls of one table.
func tableOf(t *testing.T, calls map[string]string, file, table string) {
	for _, e := range variable(t, file, table).Elts {
		kv, ok := e.(*ast.KeyValueExpr)
		if !ok {
			t.Fatal("an entry of the table of calls has no key")
		}
		key, ok1 := kv.Key.(*ast.SelectorExpr)
		value, ok2 := kv.Value.(*ast.Ident)
		if !ok1 || !ok2 {
			t.Fatalf("an entry of the table of calls that can't be read: %v", kv)
		}
		name, ok := strings.CutPrefix(key.Sel.Name, "SYS_")
		if !ok {
			t.Fatalf("%s is no Linux call", key.Sel.Name)
		}
		if value.Name != "rareCall" { // which answers ENOSYS and counts
			calls[strings.ToLower(name)] = value.Name
		}
	}
}

var quoted = regexp.MustCompile("`([a-z0-9_]+)`")

// document returns the calls in the tables of the page, and the heading that
// each stands under.
func document(t *testing.T) map[string]string {
	calls := map[string]string{}
	heading := ""
	for line := range strings.Lines(read(t, "docs/linux-calls.md")) {
		if h, ok := strings.CutPrefix(line, "## "); ok {
			heading = strings.TrimSpace(h)
		}
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		first, _, _ := strings.Cut(line[1:], "|")
		for _, m := range quoted.FindAllStringSubmatch(first, -1) {
			if calls[m[1]] != "" {
				t.Errorf("docs/linux-calls.md has %s twice", m[1])
			}
			calls[m[1]] = heading
		}
	}
	return calls
}

func TestLinuxCalls(t *testing.T) {
	code, document := code(t), document(t)
	if len(code) < 50 {
		t.Fatalf("%d calls in the kernel's table: it was not read", len(code))
	}
	headings := map[string]string{
		"sysNothing": "Answered with 0, and nothing done",
		"sysNoEntry": "Answered with ENOENT",
	}
	for name, function := range code {
		got := document[name]
		if got == "" {
			t.Errorf("docs/linux-calls.md lacks %s (%s)", name, function)
			continue
		}
		for f, want := range headings {
			if (function == f) != (got == want) {
				t.Errorf("docs/linux-calls.md: %s, by %s, under %q", name, function, got)
			}
		}
	}
	for name := range document {
		if code[name] == "" {
			t.Errorf("docs/linux-calls.md has %s, which the kernel does not answer", name)
		}
	}
}

func TestKernelCommandLine(t *testing.T) {
	page := read(t, "docs/kernel-command-line.md")
	var known []string
	for _, e := range variable(t, "kernel/main.go", "known").Elts {
		s, err := strconv.Unquote(e.(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		known = append(known, s)
	}
	var said []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z]+)=").FindAllStringSubmatch(page, -1) {
		said = append(said, m[1])
	}
	slices.Sort(known)
	slices.Sort(said)
	if !slices.Equal(known, said) {
		t.Errorf("the kernel knows %v, docs/kernel-command-line.md %v", known, said)
	}
}

func TestExitCodes(t *testing.T) {
	source := read(t, "host/exit/exit.go")
	numbers := regexp.MustCompile(`(?m)^\t[A-Z][A-Za-z]+ = (\d+)$`).FindAllStringSubmatch(source, -1)
	if len(numbers) != 6 {
		t.Fatalf("%d exit statuses in host/exit, want 6: is there one to be described?", len(numbers))
	}
	for _, name := range []string{"docs/exit-codes.md", "README.md"} {
		page := read(t, name)
		for _, m := range numbers {
			if !strings.Contains(page, "| "+m[1]+" ") {
				t.Errorf("%s lacks the exit status %s", name, m[1])
			}
		}
	}
}

var (
	link   = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	fenced = regexp.MustCompile("(?ms)^```.*?^```")
	folder = regexp.MustCompile("`((?:abi|archive|bench|build|cmd|docs|host|internal|kernel|loader|machine|payload|test|tools|user)/[a-z0-9_/.]*[a-z0-9])`")
)

// TestLinks looks after every relative link, and every path in backquotes that
// begins with a top-level folder.
func TestLinks(t *testing.T) {
	for _, name := range pages(t) {
		text := fenced.ReplaceAllString(read(t, name), "")
		check := func(target, base string) {
			if _, err := os.Stat(filepath.Join(root, base, target)); err != nil {
				t.Errorf("%s: no %s", name, target)
			}
		}
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			target, _, _ := strings.Cut(m[1], "#")
			if target == "" || strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			check(target, filepath.Dir(name))
		}
		for _, m := range folder.FindAllStringSubmatch(text, -1) {
			if made := strings.HasPrefix(m[1], "build/out") || strings.HasPrefix(m[1], "payload/files/"); !made {
				check(strings.TrimSuffix(m[1], "/..."), ".")
			}
		}
	}
}

// pages are the Markdown files of the repository that this package answers
// for.
func pages(t *testing.T) []string {
	var names []string
	for _, dir := range []string{".", "docs"} {
		entries, err := os.ReadDir(filepath.Join(root, dir))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if !e.IsDir() && filepath.Ext(e.Name()) == ".md" {
				names = append(names, filepath.Join(dir, e.Name()))
			}
		}
	}
	if len(names) < 5 {
		t.Fatalf("only %v", names)
	}
	return names
}

// TestFolders wants a line in the README for every folder with Go code that is
// not below one that has a line.
func TestFolders(t *testing.T) {
	readme := read(t, "README.md")
	_, navigating, ok := strings.Cut(readme, "\n## Navigating\n")
	if !ok {
		t.Fatal("no Navigating in README.md")
	}
	entries, err := fs.ReadDir(os.DirFS(root), ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !e.IsDir() || strings.HasPrefix(e.Name(), ".") || slices.Contains([]string{"bin", "docs"}, e.Name()) {
			continue
		}
		if !strings.Contains(navigating, "`"+e.Name()+"`") && !strings.Contains(navigating, "`"+e.Name()+"/") {
			t.Errorf("README.md, Navigating: no line for %s", e.Name())
		}
	}
}

// figures are the rows of the README's table, by the names of the kept ones.
var figures = map[string]string{
	"power-on to a Go program's first instruction": "first_user",
	"null system call":                                          "null_call",
	"demand-zero page, from mmap to munmap":                     "page_fault",
	"call to another process and its answer, 8 words":           "ipc_call",
	"a byte to another process by a pipe, and one back, served": "pipe_processes",
	"start and end of a small process":                          "spawn_tiny",
	"futex round trip, two threads":                             "futex_threads",
	"channel round trip, two threads":                           "chan_threads",
	"channel round trip, one thread":                            "chan_goroutines",
	"`time.Now`":                                                "time_now",
	"**MiB:** smallest machine for a Go hello":                  "hello_least_ram",
	"the same by OpenSBI":                                       "first_user_opensbi",
}

// TestFigures wants the README's figures of Loam within a tenth of the kept ones: a
// table for each architecture, riscv64's behind a line that names it.
func TestFigures(t *testing.T) {
	amd64, riscv64, two := strings.Cut(read(t, "README.md"), "\nThe same on RISC-V")
	if !two {
		t.Fatal("no table for RISC-V in README.md")
	}
	checkFigures(t, amd64, "bench/amd64.txt", 11)
	checkFigures(t, riscv64, "bench/riscv64.txt", 10)
}

func checkFigures(t *testing.T, text, file string, want int) {
	t.Helper()
	kept := map[string]float64{}
	for line := range strings.Lines(read(t, file)) {
		if w := strings.Fields(line); len(w) == 3 && w[0] != "#" {
			kept[w[0]], _ = strconv.ParseFloat(w[1], 64)
		}
	}
	found := 0
	for line := range strings.Lines(text) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 || figures[strings.TrimSpace(cells[1])] == "" {
			continue
		}
		found++
		name := figures[strings.TrimSpace(cells[1])]
		said, err := strconv.ParseFloat(strings.ReplaceAll(strings.TrimSpace(cells[2]), ",", ""), 64)
		if want := kept[name]; err != nil || want == 0 || said < want*0.9 || said > want*1.1 {
			t.Errorf("README.md says %q of %s, %s has %v", cells[2], name, file, want)
		}
	}
	if found != want {
		t.Errorf("README.md has %d of the %d figures of %s", found, want, file)
	}
}
