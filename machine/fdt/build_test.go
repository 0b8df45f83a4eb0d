// SPDX-License-Identifier: Apache-2.0

package fdt

import (
	"bytes"
	"encoding/binary"
)

// tree is a node for the tests to make blobs of.
type tree struct {
	name  string
	props []prop
	nodes []*tree
}

type prop struct {
	name  string
	value []byte
}

// n makes a node; what follows its name are props and nodes.
func n(name string, content ...any) *tree {
	t := &tree{name: name}
	for _, c := range content {
		switch c := c.(type) {
		case prop:
			t.props = append(t.props, c)
		case *tree:
			t.nodes = append(t.nodes, c)
		}
	}
	return t
}

// cells makes a property of words, text one of strings.
func cells(name string, words ...uint32) prop {
	var b []byte
	for _, w := range words {
		b = binary.BigEndian.AppendUint32(b, w)
	}
	return prop{name, b}
}

func text(name string, strings ...string) prop {
	var b []byte
	for _, s := range strings {
		b = append(append(b, s...), 0)
	}
	return prop{name, b}
}

// assembler writes a blob.
type assembler struct {
	structs, strings bytes.Buffer
	at               map[string]uint32
}

func (a *assembler) word(v uint32) { a.structs.Write(binary.BigEndian.AppendUint32(nil, v)) }

func (a *assembler) pad() {
	for a.structs.Len()%4 != 0 {
		a.structs.WriteByte(0)
	}
}

func (a *assembler) node(t *tree) {
	a.word(tokenBegin)
	a.structs.WriteString(t.name + "\x00")
	a.pad()
	for _, p := range t.props {
		at, known := a.at[p.name]
		if !known {
			at = uint32(a.strings.Len())
			a.at[p.name] = at
			a.strings.WriteString(p.name + "\x00")
		}
		a.word(tokenProp)
		a.word(uint32(len(p.value)))
		a.word(at)
		a.structs.Write(p.value)
		a.pad()
	}
	a.word(tokenNop)
	for _, c := range t.nodes {
		a.node(c)
	}
	a.word(tokenEnd)
}

// blob makes a devicetree; reservations are pairs of start and size.
func blob(root *tree, reservations ...uint64) Blob {
	a := &assembler{at: map[string]uint32{}}
	a.node(root)
	a.word(tokenFinal)
	var reserved []byte
	for _, v := range append(reservations, 0, 0) {
		reserved = binary.BigEndian.AppendUint64(reserved, v)
	}
	structs := HeaderSize + len(reserved)
	strings := structs + a.structs.Len()
	size := strings + a.strings.Len()
	var b []byte
	for _, w := range []int{magic, size, structs, strings, HeaderSize, version, 16, 0, a.strings.Len(), a.structs.Len()} {
		b = binary.BigEndian.AppendUint32(b, uint32(w))
	}
	b = append(b, reserved...)
	b = append(b, a.structs.Bytes()...)
	return append(b, a.strings.Bytes()...)
}

// put changes a word of a blob.
func (b Blob) put(at int, v uint32) Blob {
	c := bytes.Clone(b)
	binary.BigEndian.PutUint32(c[at:], v)
	return c
}
