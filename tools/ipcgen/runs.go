// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"go/types"
	"strings"
)

// Numbers that follow each other are read and written as one piece.

// putRun writes numbers into one piece of the buffer.
func (g *generator) putRun(run []leaf) {
	g.p("{\np := b.Put(%d)\n_ = p[%d]", g.size(run), g.size(run)-1)
	at := 0
	for _, l := range run {
		n := g.size([]leaf{l})
		switch v := fmt.Sprintf("uint%d(%s)", 8*n, g.number(l)); n {
		case 1:
			g.p("p[%d] = %s", at, v)
		default:
			g.p("%s.LittleEndian.PutUint%d(p[%d:], %s)", g.binary(), 8*n, at, v)
		}
		at += n
	}
	g.p("}")
}

// getRun reads them.
func (g *generator) getRun(run []leaf) {
	size := g.size(run)
	var bad []string
	g.p("if p := b.Get(%d); p != nil {\n_ = p[%d]", size, size-1)
	at := 0
	for _, l := range run {
		n := g.size([]leaf{l})
		from := fmt.Sprintf("%s.LittleEndian.Uint%d(p[%d:])", g.binary(), 8*n, at)
		if n == 1 {
			from = fmt.Sprintf("p[%d]", at)
		}
		name := g.typeName(l.t)
		switch kindOf(l.t) {
		case types.Bool:
			bad = append(bad, from+" > 1")
			g.p("%s = %s(%s == 1)", l.path, name, from)
		case types.Float64, types.Float32:
			g.p("%s = %s(%s.Float%dfrombits(%s))", l.path, name, g.use("math"), 8*n, from)
		default:
			g.p("%s = %s(%s)", l.path, name, from)
		}
		at += n
	}
	if len(bad) > 0 {
		g.p("if %s {\nb.Bad()\n}", strings.Join(bad, " || "))
	}
	g.p("}")
}

// number gives the expression of a number as an integer.
func (g *generator) number(l leaf) string {
	switch kindOf(l.t) {
	case types.Bool:
		return fmt.Sprintf("ipc.Bool(bool(%s))", l.path)
	case types.Float64:
		return fmt.Sprintf("%s.Float64bits(float64(%s))", g.use("math"), l.path)
	case types.Float32:
		return fmt.Sprintf("%s.Float32bits(float32(%s))", g.use("math"), l.path)
	}
	return l.path
}

func (g *generator) binary() string {
	g.use("encoding/binary")
	return "binary"
}

// size is how many bytes numbers have.
func (g *generator) size(all []leaf) int {
	n := 0
	for _, l := range all {
		s, _ := g.shapes.of(l.t) // it was looked at before
		n += s.least
	}
	return n
}

// runs takes values apart and puts numbers that follow each other together, so that
// there is one check for all of them. What is no number stands alone.
func (g *generator) runs(all []leaf) [][]leaf {
	var runs [][]leaf
	together := false
	for _, v := range all {
		for _, l := range pieces(v) {
			b, ok := l.t.Underlying().(*types.Basic)
			number := ok && b.Kind() != types.String
			if number && together {
				runs[len(runs)-1] = append(runs[len(runs)-1], l)
			} else {
				runs = append(runs, []leaf{l})
			}
			together = number
		}
	}
	return runs
}

// pieces takes structures apart, and arrays of few numbers.
func pieces(v leaf) []leaf {
	const few = 16
	if isNamed(v.t, ipcPath, "Handle") {
		return []leaf{v}
	}
	var all []leaf
	switch u := v.t.Underlying().(type) {
	case *types.Struct:
		for f := range u.Fields() {
			all = append(all, pieces(leaf{v.path + "." + f.Name(), f.Type()})...)
		}
		return all
	case *types.Array:
		if b, ok := u.Elem().Underlying().(*types.Basic); ok && b.Kind() == types.String || u.Len() > few {
			return []leaf{v}
		}
		for i := range u.Len() {
			all = append(all, pieces(leaf{fmt.Sprintf("%s[%d]", v.path, i), u.Elem()})...)
		}
		if len(all) <= few {
			return all
		}
	}
	return []leaf{v}
}
