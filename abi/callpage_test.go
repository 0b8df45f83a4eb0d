// SPDX-License-Identifier: Apache-2.0

package abi

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// described is what is said of a Loam call.
type described struct {
	number uint64
	errors []string
}

var (
	errnoWord  = regexp.MustCompile(`\bE[A-Z0-9]{3,}\b|\bE2BIG\b`)
	callNumber = regexp.MustCompile(`^0x1[0-9a-f]{3}$`)
)

// sourceCalls reads the Loam calls out of call.go and callipc.go: the number in the comment at
// the end of the line, the errors in the sentence that begins with "Errors:".
func sourceCalls(t *testing.T) map[string]described {
	t.Helper()
	calls := map[string]described{}
	for _, name := range []string{"call.go", "callipc.go"} {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		sourceFile(t, f, calls)
	}
	return calls
}

// sourceFile is sourceCalls for one file.
func sourceFile(t *testing.T, f *ast.File, calls map[string]described) {
	t.Helper()
	upper := regexp.MustCompile(`(DMA|[A-Z])`)
	ast.Inspect(f, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok || v.Comment == nil || !strings.HasPrefix(v.Names[0].Name, "Call") {
			return true
		}
		number, err := strconv.ParseUint(strings.TrimSpace(v.Comment.Text()), 0, 64)
		if err != nil {
			return true
		}
		name := strings.TrimPrefix(v.Names[0].Name, "Call")
		name = strings.TrimPrefix(strings.ToLower(upper.ReplaceAllString(name, "_$1")), "_")
		_, errors, ok := strings.Cut(v.Doc.Text(), "\nErrors:")
		if !ok {
			_, errors, ok = strings.Cut(v.Doc.Text(), "Errors:")
		}
		if !ok {
			t.Errorf("%s: nothing is said about its errors", v.Names[0].Name)
		}
		if calls[name].number != 0 {
			t.Errorf("%s: twice", name)
		}
		calls[name] = described{number, words(errors)}
		return true
	})
}

func words(s string) []string {
	all := errnoWord.FindAllString(s, -1)
	slices.Sort(all)
	return slices.Compact(all)
}

// pageRows reads the rows of docs/loam-calls.md whose first cell is in
// backquotes, without these.
func pageRows(t *testing.T) [][]string {
	t.Helper()
	b, err := os.ReadFile("../docs/loam-calls.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	for line := range strings.Lines(string(b)) {
		if cells := strings.Split(strings.TrimSpace(line), "|"); len(cells) > 3 {
			for i := range cells {
				cells[i] = strings.Trim(strings.TrimSpace(cells[i]), "`")
			}
			rows = append(rows, cells[1:len(cells)-1])
		}
	}
	return rows
}

// TestLoamCallsPage holds the page, the comments, the numbers and the names
// against each other.
func TestLoamCallsPage(t *testing.T) {
	source := sourceCalls(t)
	if len(source) != int(callEnd-CallBase) {
		t.Errorf("%d calls are described in call.go, %d have numbers", len(source), callEnd-CallBase)
	}
	for name, c := range source {
		if got := Name(AMD64, c.number); got != name {
			t.Errorf("number %#x is %q by Name, %q by call.go", c.number, got, name)
		}
		for _, e := range c.errors {
			if !slices.Contains(errnoName[:], e) {
				t.Errorf("%s: no such error as %s", name, e)
			}
		}
	}
	for _, row := range pageRows(t) {
		if len(row) != 5 || !callNumber.MatchString(row[1]) {
			continue
		}
		c, ok := source[row[0]]
		switch {
		case !ok:
			t.Errorf("docs/loam-calls.md has %s twice, or the kernel hasn't", row[0])
		case row[1] != fmt.Sprintf("%#x", c.number):
			t.Errorf("docs/loam-calls.md: %s is %s, want %#x", row[0], row[1], c.number)
		case !slices.Equal(words(row[4]), c.errors):
			t.Errorf("docs/loam-calls.md: %s has the errors %v, call.go %v", row[0], words(row[4]), c.errors)
		}
		delete(source, row[0])
	}
	for name, c := range source {
		if c.number <= CallMemoryClone {
			t.Errorf("docs/loam-calls.md lacks %s", name)
		}
	}
}

// rightNames are the rights as the page has them, by bit.
var rightNames = []string{"Duplicate", "Transfer", "Read", "Write", "Wait", "Manage", "Execute", "Map"}

func TestLoamCallsPageRights(t *testing.T) {
	kinds, rights := 0, 0
	for _, row := range pageRows(t) {
		if len(row) != 3 {
			continue
		}
		for k := KindProcess; k <= NumKinds; k++ {
			if row[0] != k.String() || !strings.Contains(row[2], "Duplicate") {
				continue
			}
			kinds++
			var want []string
			for i, name := range rightNames {
				if RightsOf(k).Has(1 << i) {
					want = append(want, name)
				}
			}
			if got := strings.Split(row[2], ", "); !slices.Equal(got, want) {
				t.Errorf("docs/loam-calls.md: a %v has the rights %v, want %v", k, got, want)
			}
		}
		if i := slices.Index(rightNames, row[0]); i >= 0 {
			rights++
			if row[1] != fmt.Sprintf("%#x", 1<<i) {
				t.Errorf("docs/loam-calls.md: right %s is %s, want %#x", row[0], row[1], 1<<i)
			}
		}
	}
	if kinds < int(KindMemory) || rights != len(rightNames) {
		t.Errorf("docs/loam-calls.md: %d of %d kinds, %d of %d rights", kinds, NumKinds, rights, len(rightNames))
	}
}
