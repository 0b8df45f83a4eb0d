// SPDX-License-Identifier: Apache-2.0

package source

import (
	"regexp"
	"strings"

	"loam/tools/check/finding"
)

// unsafeFolders may hold files named *_unsafe.go: the machine floor, the one
// user-side system package, the tests whose business is to misbehave (the test
// kernels and the test programs), and the program that measures calls which
// have no package yet.
var unsafeFolders = []string{"machine", "user/sys", "test/kernel", "test/programs", "test/bench"}

// asmFolders may hold assembly: the same, for instructions that no compiler
// emits.
var asmFolders = unsafeFolders

// linkname finds the directive wherever it stands alone on a line.
var linkname = regexp.MustCompile(`^//go:linkname\b`)

// Fence reports unsafe, linkname and assembly outside the places made for
// them.
func Fence(t *Tree) []finding.Finding {
	var out []finding.Finding
	for _, f := range t.Files {
		switch {
		case f.IsAsm() && !under(f.Path, asmFolders):
			out = append(out, finding.Finding{File: f.Path, Rule: "unsafe",
				Text: "assembly outside " + strings.Join(asmFolders, ", ") + "; move it to the machine floor behind a Go declaration"})
		case f.AST != nil && !mayBeUnsafe(f.Path):
			out = append(out, fenceGo(t, f)...)
		}
	}
	return out
}

// fenceGo reports each unsafe import and each linkname of one file.
func fenceGo(t *Tree, f *File) []finding.Finding {
	var out []finding.Finding
	where := "; only *_unsafe.go under " + strings.Join(unsafeFolders, ", ") + " may: move the few lines that need it there"
	for _, spec := range f.AST.Imports {
		if spec.Path.Value == `"unsafe"` {
			out = append(out, finding.Finding{File: f.Path, Line: t.line(spec.Pos()), Rule: "unsafe",
				Text: "imports unsafe" + where})
		}
	}
	for _, group := range f.AST.Comments {
		for _, c := range group.List {
			if linkname.MatchString(c.Text) {
				out = append(out, finding.Finding{File: f.Path, Line: t.line(c.Pos()), Rule: "unsafe",
					Text: "has a //go:linkname" + where})
			}
		}
	}
	return out
}

// mayBeUnsafe reports whether path is a file that may import unsafe.
func mayBeUnsafe(path string) bool {
	name := strings.HasSuffix(path, "_unsafe.go") || strings.HasSuffix(path, "_unsafe_test.go")
	return name && under(path, unsafeFolders)
}

// under reports whether path lies in one of the folders.
func under(path string, folders []string) bool {
	for _, dir := range folders {
		if path == dir || strings.HasPrefix(path, dir+"/") {
			return true
		}
	}
	return false
}
