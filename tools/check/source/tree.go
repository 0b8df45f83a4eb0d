// SPDX-License-Identifier: Apache-2.0

// Package source checks what can be seen in the source text alone: licence
// lines and documentation, formatting, where unsafe and assembly may live,
// words that must not appear, and the //loam: directives that tell the
// machine-code proofs where to start.
//
// Every Go file of the tree is read once, whatever its build constraints, so
// a file that no build on this host compiles is held to the rules as well.
// Folders named testdata are fixtures and are skipped.
package source

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"loam/tools/check/finding"
)

// maxText is the size in bytes above which a file is taken for data.
const maxText = 2 << 20

// File is one text file of the tree.
type File struct {
	Path string    // slash-separated, relative to the root
	Text []byte    // whole contents
	AST  *ast.File // nil unless it is a Go file that parses
}

// Dir returns the folder of the file, "." for the root.
func (f *File) Dir() string { return path.Dir(f.Path) }

// IsGo reports whether the file is Go source.
func (f *File) IsGo() bool { return strings.HasSuffix(f.Path, ".go") }

// IsAsm reports whether the file is Go assembly.
func (f *File) IsAsm() bool { return strings.HasSuffix(f.Path, ".s") }

// IsTest reports whether the file is a Go test.
func (f *File) IsTest() bool { return strings.HasSuffix(f.Path, "_test.go") }

// Tree is the text of a source tree, in path order.
type Tree struct {
	Root   string // absolute path on this host
	Module string // import path of the root folder
	Files  []*File
	Fset   *token.FileSet
	broken []finding.Finding // files that do not parse
}

// Load reads the tree under root, whose import path is module; an empty
// module is taken from root/go.mod.
func Load(root, module string) (*Tree, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	if module == "" {
		if module, err = modulePath(root); err != nil {
			return nil, err
		}
	}
	t := &Tree{Root: root, Module: module, Fset: token.NewFileSet()}
	err = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		return t.visit(filepath.ToSlash(rel), d)
	})
	if err != nil {
		return nil, err
	}
	return t, nil
}

// visit adds one directory entry; rel is its path below the root.
func (t *Tree) visit(rel string, d fs.DirEntry) error {
	if d.IsDir() {
		if rel != "." && skipDir(rel, d.Name()) {
			return fs.SkipDir
		}
		return nil
	}
	if rel == ".git" {
		return nil // of a worktree: says where the repository is
	}
	info, err := d.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return nil // removed while we walked
	}
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Size() > maxText {
		return nil
	}
	text, err := os.ReadFile(filepath.Join(t.Root, filepath.FromSlash(rel)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if bytes.IndexByte(text, 0) >= 0 {
		return nil // data
	}
	f := &File{Path: rel, Text: text}
	if f.IsGo() {
		f.AST, err = parser.ParseFile(t.Fset, rel, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			f.AST = nil
			t.broken = append(t.broken, finding.Finding{File: rel, Rule: "headers",
				Text: fmt.Sprintf("does not parse (%v); run gofmt on it", err)})
		}
	}
	t.Files = append(t.Files, f)
	return nil
}

// skipDir names the folders that hold no source of ours: fixtures, what a
// build leaves behind, and hidden folders other than the CI configuration.
func skipDir(rel, name string) bool {
	switch {
	case name == "testdata", rel == "bin", rel == "build/out", rel == "payload/files":
		return true
	case strings.HasPrefix(name, "."):
		return name != ".ci" && name != ".github"
	}
	return false
}

// modulePath returns the module path of root/go.mod.
func modulePath(root string) (string, error) {
	text, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) >= 2 && f[0] == "module" {
			return strings.Trim(f[1], `"`), nil
		}
	}
	return "", fmt.Errorf("%s: no module line", filepath.Join(root, "go.mod"))
}

// line returns the 1-based line of pos.
func (t *Tree) line(pos token.Pos) int { return t.Fset.Position(pos).Line }

// ImportLine returns where dir first imports the package named importPath;
// test says whether test files count too. An unknown import gives dir, 0.
func (t *Tree) ImportLine(dir, importPath string, test bool) (file string, line int) {
	for _, f := range t.Files {
		if f.AST == nil || f.Dir() != dir || f.IsTest() && !test {
			continue
		}
		for _, spec := range f.AST.Imports {
			if strings.Trim(spec.Path.Value, "`\"") == importPath {
				return f.Path, t.line(spec.Pos())
			}
		}
	}
	return dir, 0
}

// Check runs every source rule and returns what is broken.
func Check(t *Tree, extraWords []string) []finding.Finding {
	out := append([]finding.Finding(nil), t.broken...)
	out = append(out, Fence(t)...)
	out = append(out, Headers(t)...)
	out = append(out, Words(t, extraWords)...)
	out = append(out, Mirror(t)...)
	_, bad := Marks(t, "amd64") // the same for each architecture
	return append(out, bad...)
}
