// SPDX-License-Identifier: Apache-2.0

package abi

import (
	"go/ast"
	"go/parser"
	"go/token"
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

var errnoWord = regexp.MustCompile(`\bE[A-Z0-9]{3,}\b|\bE2BIG\b`)

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

// TestCalls holds the comments of the calls, their numbers and their names against
// each other. The page of calls is made of the comments (tools/abidoc).
func TestCalls(t *testing.T) {
	source := sourceCalls(t)
	if len(source) != int(callEnd-CallBase) {
		t.Errorf("%d calls are described, %d have numbers", len(source), callEnd-CallBase)
	}
	for name, c := range source {
		if got := Name(AMD64, c.number); got != name {
			t.Errorf("number %#x is %q by Name, %q by its comment", c.number, got, name)
		}
		for _, e := range c.errors {
			if !slices.Contains(errnoName[:], e) {
				t.Errorf("%s: no such error as %s", name, e)
			}
		}
	}
}
