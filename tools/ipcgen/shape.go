// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"go/types"
	"strings"
)

const (
	maxBytes   = 64 << 10 // of a message
	maxWords   = 7        // beside the header
	maxHandles = 4
)

// shape is how something goes over the wire.
type shape struct {
	wire    string // its type, without names: what must be the same on both sides
	least   int    // bytes it has at least
	most    int    // and at most; maxBytes: as many as there can be
	words   int    // how many numbers it is; -1: it isn't numbers
	handles int
}

var basics = map[types.BasicKind]shape{
	types.Bool: {"bool", 1, 1, 1, 0}, types.Uint8: {"u8", 1, 1, 1, 0}, types.Int8: {"i8", 1, 1, 1, 0},
	types.Uint16: {"u16", 2, 2, 1, 0}, types.Int16: {"i16", 2, 2, 1, 0},
	types.Uint32: {"u32", 4, 4, 1, 0}, types.Int32: {"i32", 4, 4, 1, 0}, types.Float32: {"f32", 4, 4, 1, 0},
	types.Uint64: {"u64", 8, 8, 1, 0}, types.Int64: {"i64", 8, 8, 1, 0}, types.Float64: {"f64", 8, 8, 1, 0},
	types.Uint: {"u64", 8, 8, 1, 0}, types.Int: {"i64", 8, 8, 1, 0}, types.Uintptr: {"u64", 8, 8, 1, 0},
	types.String: {"string", 4, maxBytes, -1, 0},
}

// shaper finds shapes.
type shaper struct {
	pkg *types.Package
	in  []*types.Named // the types around the one looked at
}

// of gives the shape of a type, or why it has none.
func (s *shaper) of(t types.Type) (shape, error) {
	if isNamed(t, ipcPath, "Handle") {
		return shape{"handle", 0, 0, -1, 1}, nil
	}
	if isNamed(t, "loam/abi", "Handle") {
		return shape{}, fmt.Errorf("a number that names a handle means nothing to another process: use ipc.Handle")
	}
	if n, ok := types.Unalias(t).(*types.Named); ok {
		for _, around := range s.in {
			if around == n {
				return shape{}, fmt.Errorf("%s contains itself", n)
			}
		}
		s.in = append(s.in, n)
		defer func() { s.in = s.in[:len(s.in)-1] }()
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		if b, ok := basics[u.Kind()]; ok {
			return b, nil
		}
	case *types.Slice:
		return s.slice(u)
	case *types.Array:
		return s.array(u)
	case *types.Struct:
		return s.structure(u)
	}
	return shape{}, fmt.Errorf("%s can't go over the wire", t)
}

func (s *shaper) slice(t *types.Slice) (shape, error) {
	e, err := s.of(t.Elem())
	if err == nil && (e.handles > 0 || e.least == 0) {
		err = fmt.Errorf("elements of %s have no bytes, or handles", t)
	}
	return shape{"[]" + e.wire, 4, maxBytes, -1, 0}, err
}

func (s *shaper) array(t *types.Array) (shape, error) {
	e, err := s.of(t.Elem())
	n := int(min(t.Len(), maxBytes+1))
	if err == nil && (e.handles > 0 || e.least == 0 || n == 0) {
		err = fmt.Errorf("elements of %s have no bytes, or handles, or there are none", t)
	}
	words := -1
	if e.words > 0 && n*e.words <= maxWords {
		words = n * e.words
	}
	return shape{fmt.Sprintf("[%d]%s", n, e.wire), n * e.least, min(n*e.most, maxBytes), words, 0}, tooLong(n*e.least, err)
}

func (s *shaper) structure(t *types.Struct) (shape, error) {
	var all []types.Type
	for f := range t.Fields() {
		if f.Name() == "_" || !f.Exported() && f.Pkg() != s.pkg {
			return shape{}, fmt.Errorf("the field %s can't be read and written", f.Name())
		}
		all = append(all, f.Type())
	}
	sum, err := s.all(all)
	if err == nil && sum.least == 0 && sum.handles == 0 {
		err = fmt.Errorf("%s has nothing in it", t)
	}
	return sum, err
}

// all gives the shape of several things one after the other.
func (s *shaper) all(list []types.Type) (shape, error) {
	sum := shape{}
	var wires []string
	for _, t := range list {
		e, err := s.of(t)
		if err != nil {
			return shape{}, err
		}
		wires = append(wires, e.wire)
		sum.least, sum.most, sum.handles = sum.least+e.least, min(sum.most+e.most, maxBytes), sum.handles+e.handles
		if sum.words += e.words; e.words < 0 || sum.words > maxWords || sum.words < e.words {
			sum.words = -1 << 20 // stays below 0
		}
	}
	sum.words = max(sum.words, -1)
	sum.wire = "{" + strings.Join(wires, " ") + "}"
	if sum.handles > maxHandles {
		return shape{}, fmt.Errorf("%d handles are more than a message has", sum.handles)
	}
	return sum, tooLong(sum.least, nil)
}

func tooLong(n int, err error) error {
	if err == nil && n > maxBytes {
		return fmt.Errorf("%d bytes are more than a message has", n)
	}
	return err
}
