// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"go/types"
)

// Code that moves values to and from words and bytes.

// typeName gives a type as the file names it.
func (g *generator) typeName(t types.Type) string {
	return types.TypeString(t, func(p *types.Package) string {
		if p == g.pkg {
			return ""
		}
		g.imports[p.Path()] = p.Name()
		return p.Name()
	})
}

func kindOf(t types.Type) types.BasicKind { return t.Underlying().(*types.Basic).Kind() }

// leaf is a number in something that goes in words.
type leaf struct {
	path string
	t    types.Type
}

// leaves gives the numbers of a value, in order.
func leaves(path string, t types.Type) []leaf {
	var all []leaf
	switch u := t.Underlying().(type) {
	case *types.Array:
		for i := range u.Len() {
			all = append(all, leaves(fmt.Sprintf("%s[%d]", path, i), u.Elem())...)
		}
	case *types.Struct:
		for f := range u.Fields() {
			all = append(all, leaves(path+"."+f.Name(), f.Type())...)
		}
	default:
		return []leaf{{path, t}}
	}
	return all
}

// toWord gives the expression of a number as a word.
func (g *generator) toWord(l leaf) string {
	switch kindOf(l.t) {
	case types.Bool:
		return fmt.Sprintf("ipc.Bool(bool(%s))", l.path)
	case types.Float64:
		return fmt.Sprintf("%s.Float64bits(float64(%s))", g.use("math"), l.path)
	case types.Float32:
		return fmt.Sprintf("uint64(%s.Float32bits(float32(%s)))", g.use("math"), l.path)
	}
	return fmt.Sprintf("uint64(%s)", l.path)
}

// fromWord writes the assignment of a word to a number, and gives the condition under
// which the word is none of its type, "" if any is.
func (g *generator) fromWord(l leaf, word string) (bad string) {
	name := g.typeName(l.t)
	switch kindOf(l.t) {
	case types.Bool:
		g.p("%s = %s(%s == 1)", l.path, name, word)
		return word + " > 1"
	case types.Float64:
		g.p("%s = %s(%s.Float64frombits(%s))", l.path, name, g.use("math"), word)
		return ""
	case types.Float32:
		g.p("%s = %s(%s.Float32frombits(uint32(%s)))", l.path, name, g.use("math"), word)
		return word + ">>32 != 0"
	case types.Uint64, types.Int64, types.Uint, types.Int, types.Uintptr:
		g.p("%s = %s(%s)", l.path, name, word)
		return ""
	}
	g.p("%s = %s(%s)", l.path, name, word)
	return fmt.Sprintf("uint64(%s) != %s", l.path, word)
}

// accessors are Buffer's methods by size, and the plain types that they have.
var accessors = map[types.BasicKind][2]string{
	types.Uint8: {"Uint8", "uint8"}, types.Int8: {"Uint8", "uint8"},
	types.Uint16: {"Uint16", "uint16"}, types.Int16: {"Uint16", "uint16"},
	types.Uint32: {"Uint32", "uint32"}, types.Int32: {"Uint32", "uint32"},
	types.Uint64: {"Uint64", "uint64"}, types.Int64: {"Uint64", "uint64"},
	types.Uint: {"Uint64", "uint64"}, types.Int: {"Uint64", "uint64"}, types.Uintptr: {"Uint64", "uint64"},
	types.Bool: {"Bool", "bool"}, types.String: {"String", "string"},
}

func isBytes(t types.Type) bool {
	s, ok := t.Underlying().(*types.Slice)
	if !ok {
		return false
	}
	b, ok := s.Elem().Underlying().(*types.Basic)
	return ok && b.Kind() == types.Uint8 && types.Identical(s.Elem(), types.Typ[types.Uint8])
}

// put writes the code that writes a value to the buffer b.
func (g *generator) put(path string, t types.Type, depth int) {
	if isNamed(t, ipcPath, "Handle") {
		g.p("b.PutHandle(%s)", path)
		return
	}
	if isBytes(t) {
		g.p("b.PutBytes(%s)", path)
		return
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		switch u.Kind() {
		case types.Float64:
			g.p("b.PutUint64(%s.Float64bits(float64(%s)))", g.use("math"), path)
		case types.Float32:
			g.p("b.PutUint32(%s.Float32bits(float32(%s)))", g.use("math"), path)
		default:
			a := accessors[u.Kind()]
			g.p("b.Put%s(%s(%s))", a[0], a[1], path)
		}
	case *types.Slice:
		g.p("b.PutCount(len(%s))", path)
		g.each(path, u.Elem(), depth, g.put)
	case *types.Array:
		g.each(path, u.Elem(), depth, g.put)
	case *types.Struct:
		for f := range u.Fields() {
			g.put(path+"."+f.Name(), f.Type(), depth)
		}
	}
}

// each writes a loop over the elements at a path.
func (g *generator) each(path string, elem types.Type, depth int, f func(string, types.Type, int)) {
	i := fmt.Sprintf("i%d", depth)
	g.p("for %s := range %s {", i, path)
	f(path+"["+i+"]", elem, depth+1)
	g.p("}")
}

// get writes the code that reads a value from the buffer b.
func (g *generator) get(path string, t types.Type, depth int) {
	if isNamed(t, ipcPath, "Handle") {
		g.p("%s = b.GetHandle()", path)
		return
	}
	if isBytes(t) {
		if g.keeps {
			g.p("%s = append(%s(nil), b.GetBytes()...)", path, paren(g.typeName(t)))
		} else {
			g.p("%s = b.GetBytes()", path)
		}
		return
	}
	name := g.typeName(t)
	switch u := t.Underlying().(type) {
	case *types.Basic:
		switch u.Kind() {
		case types.Float64:
			g.p("%s = %s(%s.Float64frombits(b.GetUint64()))", path, name, g.use("math"))
		case types.Float32:
			g.p("%s = %s(%s.Float32frombits(b.GetUint32()))", path, name, g.use("math"))
		default:
			g.p("%s = %s(b.Get%s())", path, name, accessors[u.Kind()][0])
		}
	case *types.Slice:
		e, _ := g.shapes.of(u.Elem()) // it was looked at before
		n := fmt.Sprintf("n%d", depth)
		g.p("if %s := b.GetCount(%d); %s > 0 {", n, e.least, n)
		g.p("%s = make(%s, %s)", path, name, n)
		g.each(path, u.Elem(), depth, g.get)
		g.p("}")
	case *types.Array:
		g.each(path, u.Elem(), depth, g.get)
	case *types.Struct:
		for f := range u.Fields() {
			g.get(path+"."+f.Name(), f.Type(), depth)
		}
	}
}

func paren(name string) string { return "(" + name + ")" }
