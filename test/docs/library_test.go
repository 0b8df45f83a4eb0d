// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// unwrapped are the calls that no package for programs makes yet. The list only gets
// shorter: a call that is new gets a function, and its line goes with that.
var unwrapped = []string{
	"CallEndpointWatch",
	"CallMessageWrite",
	"CallSpawn",
}

// library are the folders of the packages through which programs make Loam's calls.
var library = []string{"user/object", "user/sys", "user/ipc"}

// TestLibrary wants every Loam call to be made by a package for programs.
func TestLibrary(t *testing.T) {
	left := map[string]bool{}
	for _, file := range []string{"abi/call.go", "abi/callipc.go"} {
		parsed(t, file, func(n ast.Node) {
			if v, ok := n.(*ast.ValueSpec); ok && v.Comment != nil && strings.HasPrefix(v.Names[0].Name, "Call") {
				left[v.Names[0].Name] = true
			}
		})
	}
	if len(left) < 50 {
		t.Fatalf("%d calls in abi: they were not read", len(left))
	}
	for _, file := range libraryFiles(t) {
		parsed(t, file, func(n ast.Node) {
			if s, ok := n.(*ast.SelectorExpr); ok {
				delete(left, s.Sel.Name)
			}
		})
	}
	for _, name := range unwrapped {
		if !left[name] {
			t.Errorf("%s is made by a package for programs, or is no more: strike it from unwrapped", name)
		}
		delete(left, name)
	}
	for name := range left {
		t.Errorf("no package of %v makes %s", library, name)
	}
}

// parsed calls f with every node of a file.
func parsed(t *testing.T, file string, f func(ast.Node)) {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(tree, func(n ast.Node) bool {
		f(n)
		return true
	})
}

// libraryFiles are the library's sources, for all architectures, without tests.
func libraryFiles(t *testing.T) []string {
	var files []string
	for _, dir := range library {
		entries, err := fs.ReadDir(os.DirFS(root), dir)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		for _, e := range entries {
			if name := e.Name(); strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
				files = append(files, filepath.Join(dir, name))
			}
		}
	}
	return files
}
