// SPDX-License-Identifier: Apache-2.0

package source

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/token"
	"slices"
	"strings"

	"loam/tools/check/finding"
)

// spdx is the licence line, without the comment mark before it.
const spdx = "SPDX-License-Identifier: Apache-2.0"

// Headers reports files without the licence line, Go files that gofmt would
// change, packages without documentation and exported names without any.
func Headers(t *Tree) []finding.Finding {
	var out []finding.Finding
	for _, f := range t.Files {
		out = append(out, checkLicence(f)...)
		if f.AST == nil {
			continue
		}
		out = append(out, checkFormat(f)...)
		if !f.IsTest() && f.AST.Name.Name != "main" && !ast.IsGenerated(f.AST) {
			out = append(out, checkExported(t, f)...)
		}
	}
	return append(out, checkPackageDocs(t)...)
}

// checkLicence wants the SPDX line within the first three lines: a build
// constraint or an interpreter line may stand before it.
func checkLicence(f *File) []finding.Finding {
	const lines = 3
	mark := "// "
	switch {
	case f.IsGo(), f.IsAsm():
	case strings.HasSuffix(f.Path, ".sh"):
		mark = "# "
	default:
		return nil
	}
	n := 0
	for line := range strings.Lines(string(f.Text)) {
		if strings.TrimRight(line, "\n") == mark+spdx {
			return nil
		}
		if n++; n == lines {
			break
		}
	}
	return []finding.Finding{{File: f.Path, Line: 1, Rule: "headers",
		Text: "no licence line; begin the file with " + mark + spdx}}
}

// checkFormat holds a Go file against gofmt.
func checkFormat(f *File) []finding.Finding {
	want, err := format.Source(f.Text)
	if err != nil || bytes.Equal(want, f.Text) {
		return nil
	}
	got, line := bytes.SplitAfter(f.Text, []byte("\n")), 1
	for i, w := range bytes.SplitAfter(want, []byte("\n")) {
		if i >= len(got) || !bytes.Equal(got[i], w) {
			line = i + 1
			break
		}
	}
	return []finding.Finding{{File: f.Path, Line: line, Rule: "headers",
		Text: "not formatted from here on; run gofmt -w " + f.Path}}
}

// checkPackageDocs wants a package comment in one file of each package.
func checkPackageDocs(t *Tree) []finding.Finding {
	type pkg struct {
		first      *File
		documented bool
	}
	var out []finding.Finding
	var order []string
	pkgs := map[string]*pkg{}
	for _, f := range t.Files {
		if f.AST == nil || f.IsTest() {
			continue
		}
		p := pkgs[f.Dir()]
		if p == nil {
			p = &pkg{first: f}
			pkgs[f.Dir()] = p
			order = append(order, f.Dir())
		}
		if f.AST.Doc == nil {
			continue
		}
		p.documented = true
		if text := docProblem(f); text != "" {
			out = append(out, finding.Finding{File: f.Path, Line: t.line(f.AST.Doc.Pos()), Rule: "headers", Text: text})
		}
	}
	for _, dir := range order {
		if p := pkgs[dir]; !p.documented {
			out = append(out, finding.Finding{File: p.first.Path, Line: t.line(p.first.AST.Package), Rule: "headers",
				Text: "package " + p.first.AST.Name.Name + " has no package comment; say what it does, its invariants and sources"})
		}
	}
	return out
}

// docProblem returns what is wrong with the package comment of f, if anything.
func docProblem(f *File) string {
	if strings.Contains(f.AST.Doc.List[0].Text, "SPDX-License") {
		return "the licence line is part of the package comment; put an empty line below it"
	}
	name := f.AST.Name.Name
	if name != "main" && !strings.HasPrefix(f.AST.Doc.Text(), "Package "+name+" ") {
		return fmt.Sprintf("the package comment does not begin with \"Package %s\"; begin it so", name)
	}
	return ""
}

// selfEvident are method names whose meaning their interface fixes.
var selfEvident = []string{"Error", "String", "Unwrap", "Is", "Len", "Less", "Swap"}

// checkExported wants a comment on each exported name of f.
func checkExported(t *Tree, f *File) []finding.Finding {
	var out []finding.Finding
	bare := func(id *ast.Ident) {
		out = append(out, finding.Finding{File: f.Path, Line: t.line(id.Pos()), Rule: "headers",
			Text: "exported " + id.Name + " has no comment; say what it is, with units, ranges and errors"})
	}
	for _, decl := range f.AST.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if needsDoc(d) {
				bare(d.Name)
			}
		case *ast.GenDecl:
			for _, id := range bareNames(d) {
				bare(id)
			}
		}
	}
	return out
}

// needsDoc reports whether d is visible outside its package and bare.
func needsDoc(d *ast.FuncDecl) bool {
	if d.Doc.Text() != "" || !d.Name.IsExported() {
		return false
	}
	if d.Recv == nil {
		return true
	}
	return ast.IsExported(receiver(d)) && !slices.Contains(selfEvident, d.Name.Name)
}

// bareNames returns the exported names of a declaration that neither their
// own line nor the group's comment documents.
func bareNames(d *ast.GenDecl) []*ast.Ident {
	var out []*ast.Ident
	grouped := d.Doc.Text() != ""
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			if s.Name.IsExported() && s.Doc.Text() == "" && s.Comment.Text() == "" && (d.Lparen.IsValid() || !grouped) {
				out = append(out, s.Name)
			}
		case *ast.ValueSpec:
			if grouped || s.Doc.Text() != "" || s.Comment.Text() != "" || d.Tok == token.IMPORT {
				continue
			}
			for _, id := range s.Names {
				if id.IsExported() {
					out = append(out, id)
				}
			}
		}
	}
	return out
}

// receiver returns the name of the type that d is a method of.
func receiver(d *ast.FuncDecl) string {
	e := d.Recv.List[0].Type
	for {
		switch x := e.(type) {
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.IndexListExpr:
			e = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}
