// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
)

// source is package abi as text.
type source struct {
	files  []*ast.File
	names  map[string]bool // what Loam's own part of it exports
	consts []*ast.GenDecl  // blocks of constants, in the files' order
	types  map[string]*ast.StructType
}

// load reads the package, without tests and the tables of Linux's numbers.
func load(dir string) (*source, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(paths) == 0 {
		return nil, fmt.Errorf("no sources in %s", dir)
	}
	s := &source{names: map[string]bool{}, types: map[string]*ast.StructType{}}
	fset := token.NewFileSet()
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, "_table.go") {
			continue
		}
		f, err := parser.ParseFile(fset, path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		s.files = append(s.files, f)
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.GenDecl:
				s.declare(d)
			case *ast.FuncDecl:
				s.names[d.Name.Name] = d.Recv == nil
			}
		}
	}
	return s, nil
}

func (s *source) declare(g *ast.GenDecl) {
	if g.Tok == token.CONST {
		s.consts = append(s.consts, g)
	}
	for _, spec := range g.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			s.names[spec.Name.Name] = spec.Name.IsExported()
			if st, ok := spec.Type.(*ast.StructType); ok {
				s.types[spec.Name.Name] = st
			}
		case *ast.ValueSpec:
			for _, id := range spec.Names {
				s.names[id.Name] = id.IsExported()
			}
		}
	}
}

// each calls f with every constant that has a name.
func (s *source) each(f func(*ast.ValueSpec)) {
	for _, g := range s.consts {
		for _, spec := range g.Specs {
			f(spec.(*ast.ValueSpec))
		}
	}
}

var (
	word     = regexp.MustCompile(`\b[A-Z][A-Za-z0-9]*\b`)
	camel    = regexp.MustCompile(`DMA|[A-Z]`)
	plainOne = regexp.MustCompile(`^[A-Z][a-z]*$`) // a word that may just begin a sentence
)

// marked puts names of the package that occur in a text in backquotes: a call by its
// name on the page, a right by the word alone, others as in Go.
func (s *source) marked(text string) string {
	text = word.ReplaceAllStringFunc(text, func(w string) string {
		if !s.names[w] {
			return w
		}
		if name, ok := strings.CutPrefix(w, "Call"); ok && name != "" {
			return "`" + snake(name) + "`"
		}
		if name, ok := strings.CutPrefix(w, "Right"); ok && name != "" {
			return name
		}
		if plainOne.MatchString(w) {
			return w
		}
		return "`" + w + "`"
	})
	return strings.ReplaceAll(text, "|", `\|`)
}

// snake gives a call's name on the page: CallMemoryCreateDMA is memory_create_dma.
func snake(name string) string {
	return strings.TrimPrefix(strings.ToLower(camel.ReplaceAllString(name, "_$0")), "_")
}

// flat gives a comment as one line.
func flat(c *ast.CommentGroup) string { return strings.Join(strings.Fields(c.Text()), " ") }

// capital makes the first letter of a text a capital.
func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
