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
func (g *generator) toWord(l leaf) string { return fmt.Sprintf("uint64(%s)", g.number(l)) }

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
	g.putAll([]leaf{{path, t}}, depth)
}

// putAll is put for several values, one behind the other.
func (g *generator) putAll(all []leaf, depth int) {
	for _, run := range g.runs(all) {
		if len(run) > 1 {
			g.putRun(run)
		} else {
			g.putOne(run[0].path, run[0].t, depth)
		}
	}
}

// putOne writes a value that isn't part of a run.
func (g *generator) putOne(path string, t types.Type, depth int) {
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
		if a := accessors[u.Kind()]; u.Info()&types.IsFloat == 0 {
			g.p("b.Put%s(%s(%s))", a[0], a[1], path)
		} else {
			g.p("b.PutUint%d(%s)", 8*g.size([]leaf{{path, t}}), g.number(leaf{path, t}))
		}
	case *types.Slice:
		g.p("b.PutCount(len(%s))", path)
		g.each(path, u.Elem(), depth, g.put)
	case *types.Array:
		g.each(path, u.Elem(), depth, g.put)
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
	g.getAll([]leaf{{path, t}}, depth)
}

// getAll is get for several values, one behind the other.
func (g *generator) getAll(all []leaf, depth int) {
	for _, run := range g.runs(all) {
		if len(run) > 1 {
			g.getRun(run)
		} else {
			g.getOne(run[0].path, run[0].t, depth)
		}
	}
}

// getOne reads a value that isn't part of a run.
func (g *generator) getOne(path string, t types.Type, depth int) {
	name := g.typeName(t)
	switch u := t.Underlying().(type) {
	case *types.Basic:
		if u.Info()&types.IsFloat == 0 {
			g.p("%s = %s(b.Get%s())", path, name, accessors[u.Kind()][0])
		} else {
			n := 8 * g.size([]leaf{{path, t}})
			g.p("%s = %s(%s.Float%dfrombits(b.GetUint%d()))", path, name, g.use("math"), n, n)
		}
	case *types.Slice:
		g.getSlice(path, t, u, depth)
	case *types.Array:
		g.each(path, u.Elem(), depth, g.get)
	case *types.Struct: // only ipc.Handle is not in pieces
		g.p("%s = b.GetHandle()", path)
	}
}

func (g *generator) getSlice(path string, t types.Type, u *types.Slice, depth int) {
	name := g.typeName(t)
	switch {
	case isBytes(t) && g.keeps && path == g.into:
		g.p("%s = append(%s(c.Client.Memory[:0]), b.GetBytes()...)", path, paren(name))
	case isBytes(t) && g.keeps:
		g.p("%s = append(%s(nil), b.GetBytes()...)", path, paren(name))
	case isBytes(t):
		g.p("%s = b.GetBytes()", path)
	default:
		e, _ := g.shapes.of(u.Elem()) // it was looked at before
		n := fmt.Sprintf("n%d", depth)
		g.p("if %s := b.GetCount(%d); %s > 0 {", n, e.least, n)
		g.p("%s = make(%s, %s)", path, name, n)
		g.each(path, u.Elem(), depth, g.get)
		g.p("}")
	}
}

func paren(name string) string { return "(" + name + ")" }
