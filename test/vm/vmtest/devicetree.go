// SPDX-License-Identifier: Apache-2.0

package vmtest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// Tree is a node of a devicetree, for tests that change the one which QEMU makes.
type Tree struct {
	Name  string
	Props []Prop
	Nodes []*Tree
}

// Prop is a property of a node.
type Prop struct {
	Name  string
	Value []byte
}

// Offsets of words in the header of a flattened devicetree (Devicetree Specification
// v0.4, section 5.2), for tests that spoil one.
const (
	TreeMagic        = 0
	TreeSize         = 4
	TreeStructs      = 8
	TreeStrings      = 12
	TreeReserved     = 16
	TreeVersion      = 20
	TreeLastVersion  = 24
	TreeStringsSize  = 32
	TreeStructsSize  = 36
	treeHeader       = 40
	treeMagic        = 0xd00dfeed
	treeBegin        = 1
	treeEnd          = 2
	treeProp         = 3
	treeNop          = 4
	treeFinal        = 9
	treeVersion      = 17
	treeLastVersion  = 16
	treeReservedSize = 16
)

// ReadTree reads a flattened devicetree that is well-formed, as QEMU's are.
func ReadTree(b []byte) (*Tree, error) {
	if len(b) < treeHeader || binary.BigEndian.Uint32(b) != treeMagic {
		return nil, errors.New("no devicetree")
	}
	word := func(at uint32) uint32 { return binary.BigEndian.Uint32(b[at:]) }
	text := func(at uint32) string {
		s, _, _ := bytes.Cut(b[at:], []byte{0})
		return string(s)
	}
	above := &Tree{}
	path := []*Tree{above}
	for at := word(TreeStructs); ; {
		n := path[len(path)-1]
		token := word(at)
		at += 4
		switch token {
		case treeBegin:
			c := &Tree{Name: text(at)}
			at += uint32(len(c.Name))/4*4 + 4
			n.Nodes = append(n.Nodes, c)
			path = append(path, c)
		case treeProp:
			size, name := word(at), word(TreeStrings)+word(at+4)
			n.Props = append(n.Props, Prop{text(name), bytes.Clone(b[at+8:][:size])})
			at += 8 + (size+3)/4*4
		case treeEnd:
			path = path[:len(path)-1]
		case treeNop:
		case treeFinal:
			if len(above.Nodes) != 1 || len(path) != 1 {
				return nil, errors.New("a devicetree without a root")
			}
			return above.Nodes[0], nil
		default:
			return nil, fmt.Errorf("token %d at %d", token, at-4)
		}
	}
}

// Bytes is the flattened devicetree.
func (t *Tree) Bytes() []byte {
	var structs, strings []byte
	be := binary.BigEndian
	names := map[string]uint32{}
	pad := func() {
		for len(structs)%4 != 0 {
			structs = append(structs, 0)
		}
	}
	var put func(n *Tree)
	put = func(n *Tree) {
		structs = append(append(be.AppendUint32(structs, treeBegin), n.Name...), 0)
		pad()
		for _, p := range n.Props {
			at, known := names[p.Name]
			if !known {
				at = uint32(len(strings))
				names[p.Name] = at
				strings = append(append(strings, p.Name...), 0)
			}
			structs = be.AppendUint32(be.AppendUint32(be.AppendUint32(structs, treeProp), uint32(len(p.Value))), at)
			structs = append(structs, p.Value...)
			pad()
		}
		for _, c := range n.Nodes {
			put(c)
		}
		structs = be.AppendUint32(structs, treeEnd)
	}
	put(t)
	structs = be.AppendUint32(structs, treeFinal)
	const at = treeHeader + treeReservedSize
	b := make([]byte, 0, at+len(structs)+len(strings))
	for _, w := range []int{treeMagic, cap(b), at, at + len(structs), treeHeader, treeVersion, treeLastVersion, 0, len(strings), len(structs)} {
		b = be.AppendUint32(b, uint32(w))
	}
	b = append(b, make([]byte, treeReservedSize)...)
	return append(append(b, structs...), strings...)
}

// Node finds a node by its path from t on, with slashes, and makes what isn't there.
func (t *Tree) Node(path string) *Tree {
	for name := range strings.SplitSeq(path, "/") {
		c := t.child(name)
		if c == nil {
			c = &Tree{Name: name}
			t.Nodes = append(t.Nodes, c)
		}
		t = c
	}
	return t
}

func (t *Tree) child(name string) *Tree {
	for _, c := range t.Nodes {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// Value returns a property's value; nil: the node has none.
func (t *Tree) Value(name string) []byte {
	for _, p := range t.Props {
		if p.Name == name {
			return p.Value
		}
	}
	return nil
}

// Set gives a property a value.
func (t *Tree) Set(name string, value []byte) {
	for i := range t.Props {
		if t.Props[i].Name == name {
			t.Props[i].Value = value
			return
		}
	}
	t.Props = append(t.Props, Prop{name, value})
}

// SetCells gives a property words.
func (t *Tree) SetCells(name string, words ...uint32) { t.Set(name, Cells(words...)) }

// SetText gives a property strings.
func (t *Tree) SetText(name string, texts ...string) {
	t.Set(name, []byte(strings.Join(texts, "\x00")+"\x00"))
}

// Cells is a value of words.
func Cells(words ...uint32) []byte {
	var b []byte
	for _, w := range words {
		b = binary.BigEndian.AppendUint32(b, w)
	}
	return b
}

// Remove takes the properties and the nodes away whose name matches, here and below,
// and returns how many there were.
func (t *Tree) Remove(matches func(name string) bool) int {
	n := 0
	var props []Prop
	for _, p := range t.Props {
		if matches(p.Name) {
			n++
			continue
		}
		props = append(props, p)
	}
	var nodes []*Tree
	for _, c := range t.Nodes {
		if matches(c.Name) {
			n++
			continue
		}
		n += c.Remove(matches)
		nodes = append(nodes, c)
	}
	t.Props, t.Nodes = props, nodes
	return n
}
