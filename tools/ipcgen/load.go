// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
)

// ipcPath is the package that generated code stands on.
const ipcPath = "loam/user/ipc"

// What was imported is kept for the next interface.
var (
	fset    = token.NewFileSet()
	sources = importer.ForCompiler(fset, "source", nil)
)

// method is one of the interface's.
type method struct {
	name          string
	number        int
	args, results []types.Type // without the context and the error
}

// load finds the interface and its methods. The file out is not looked at: it is
// to be made anew.
func load(dir, out, name string) (*types.Package, []method, error) {
	listed, err := build.ImportDir(dir, 0)
	if err != nil {
		return nil, nil, err
	}
	var files []*ast.File
	for _, f := range listed.GoFiles {
		if f == out {
			continue
		}
		file, err := parser.ParseFile(fset, filepath.Join(dir, f), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, nil, err
		}
		files = append(files, file)
	}
	config := types.Config{
		Importer:         sources,
		IgnoreFuncBodies: true,
		Error:            func(error) {}, // of what isn't there yet; what the interface needs is looked at below
	}
	// The error is that of what the package lacks.
	pkg, _ := config.Check(listed.ImportPath, fset, files, nil)
	if pkg == nil {
		return nil, nil, errors.New("the package can't be read")
	}
	object := pkg.Scope().Lookup(name)
	if object == nil {
		return nil, nil, fmt.Errorf("there is no %s", name)
	}
	face, ok := object.Type().Underlying().(*types.Interface)
	if !ok || !object.Exported() {
		return nil, nil, fmt.Errorf("%s is not an exported interface", name)
	}
	methods, err := methodsOf(face)
	return pkg, methods, err
}

// methodsOf gives the methods in the order of their names.
func methodsOf(face *types.Interface) ([]method, error) {
	const most = 255
	if n := face.NumMethods(); n == 0 || n > most || !face.IsMethodSet() {
		return nil, fmt.Errorf("the interface has %d methods, and may have from 1 to %d and no types", n, most)
	}
	var all []method
	for i := range face.NumMethods() {
		f := face.Method(i)
		s := f.Type().(*types.Signature)
		args, results := list(s.Params()), list(s.Results())
		switch {
		case !f.Exported():
			return nil, fmt.Errorf("%s is not exported", f.Name())
		case len(args) == 0 || !isNamed(args[0], "context", "Context") || s.Variadic():
			return nil, fmt.Errorf("%s: the first argument must be a context.Context, and the last no list", f.Name())
		case len(results) == 0 || !isNamed(results[len(results)-1], "", "error"):
			return nil, fmt.Errorf("%s: the last result must be an error", f.Name())
		case f.Name() == "Client":
			return nil, errors.New("no method can have the name Client: a field has it")
		}
		all = append(all, method{f.Name(), i + 1, args[1:], results[:len(results)-1]})
	}
	return all, nil
}

func list(t *types.Tuple) []types.Type {
	var all []types.Type
	for v := range t.Variables() {
		all = append(all, v.Type())
	}
	return all
}

// isNamed reports whether t is that type of that package.
func isNamed(t types.Type, path, name string) bool {
	n, ok := types.Unalias(t).(*types.Named)
	if !ok || n.Obj().Name() != name {
		return false
	}
	if n.Obj().Pkg() == nil {
		return path == ""
	}
	return n.Obj().Pkg().Path() == path
}
