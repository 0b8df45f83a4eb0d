// SPDX-License-Identifier: Apache-2.0

package wasmrv64

import (
	"fmt"
	"strings"
)

// FuncType is the type of a function.
type FuncType struct{ Params, Results []Type }

// String returns the type as wazero's stack traces have it.
func (t FuncType) String() string {
	var p, q []string
	for _, v := range t.Params {
		p = append(p, v.String())
	}
	for _, v := range t.Results {
		q = append(q, v.String())
	}
	s := "(" + strings.Join(p, ",") + ")"
	switch len(q) {
	case 0:
	case 1:
		s += " " + q[0]
	default:
		s += " (" + strings.Join(q, ",") + ")"
	}
	return s
}

// Module is a decoded module. Its slices may share memory with what it was
// decoded from.
type Module struct {
	Types    []FuncType
	Imports  []Import
	Funcs    []uint32 // type of each function, imports first
	Tables   []Table
	Memory   *Limits
	Globals  []Global
	Exports  []Export
	Start    int64 // function, negative: none
	Elements []Element
	Data     []Data
	Names    map[uint32]string // of functions

	bodies [][]byte
	same   []uint32 // for each type the first that equals it
}

// Import is an imported function.
type Import struct {
	Module, Name string
	Type         uint32
}

// Table is a table of references.
type Table struct {
	Type Type
	Limits
}

// Global is a global variable.
type Global struct {
	Type    Type
	Mutable bool
	Init    Expr
}

// Export is an export; Kind is 0 function, 1 table, 2 memory, 3 global.
type Export struct {
	Name  string
	Kind  byte
	Index uint32
}

// Mode says when a segment is used.
type Mode uint8

// The modes of element and data segments.
const (
	Active Mode = iota
	Passive
	Declarative
)

// Element is an element segment.
type Element struct {
	Mode   Mode
	Table  uint32
	Offset Expr
	Init   []Expr
}

// Data is a data segment.
type Data struct {
	Mode   Mode
	Offset Expr
	Init   []byte
}

// Imported returns how many functions are imported.
func (m *Module) Imported() int { return len(m.Imports) }

// TypeOf returns the type of a function.
func (m *Module) TypeOf(f uint32) FuncType { return m.Types[m.Funcs[f]] }

// TypeID returns the number that types of one shape have in common.
func (m *Module) TypeID(t uint32) uint32 { return m.same[t] }

// caught turns the panic of a reader into an error.
func caught(err *error) {
	switch p := recover().(type) {
	case nil:
	case error:
		if strings.HasPrefix(p.Error(), "wasmrv64: ") {
			*err = p
			return
		}
		*err = fmt.Errorf("%w: %v", ErrMalformed, p)
	default:
		panic(p)
	}
}

// Decode reads a module. Only functions may be imported.
func Decode(module []byte) (m *Module, err error) {
	defer caught(&err)
	m = &Module{Start: -1, Names: map[uint32]string{}}
	r := &reader{b: module, pos: 8}
	for r.more() {
		id := r.byte()
		s := &reader{b: r.bytes(r.u32())}
		switch id {
		case 0:
			m.custom(s)
		case 8:
			m.Start = int64(s.u32())
		case 12: // data count
		default:
			if id > 12 {
				return nil, fmt.Errorf("%w: section %d", ErrUnsupported, id)
			}
			for n := s.u32(); n > 0; n-- {
				m.item(id, s)
			}
		}
	}
	m.same = make([]uint32, len(m.Types))
	first := map[string]uint32{}
	for i, t := range m.Types {
		if _, ok := first[t.String()]; !ok {
			first[t.String()] = uint32(i)
		}
		m.same[i] = first[t.String()]
	}
	return m, nil
}

// item reads one item of a section.
func (m *Module) item(id byte, s *reader) {
	switch id {
	case 1:
		if c := s.byte(); c != 0x60 {
			panic(fmt.Errorf("%w: type %#x", ErrUnsupported, c))
		}
		m.Types = append(m.Types, FuncType{s.types(), s.types()})
	case 2:
		i := Import{Module: s.name(), Name: s.name()}
		if kind := s.byte(); kind != 0 {
			panic(fmt.Errorf("%w: import of kind %d", ErrUnsupported, kind))
		}
		i.Type = s.u32()
		m.Imports = append(m.Imports, i)
		m.Funcs = append(m.Funcs, i.Type)
	case 3:
		m.Funcs = append(m.Funcs, s.u32())
	case 4:
		m.Tables = append(m.Tables, Table{s.valueType(), s.limits()})
	case 5:
		l := s.limits()
		m.Memory = &l
	case 6:
		m.Globals = append(m.Globals, Global{s.valueType(), s.byte() == 1, s.expr()})
	case 7:
		m.Exports = append(m.Exports, Export{s.name(), s.byte(), s.u32()})
	case 9:
		m.Elements = append(m.Elements, s.element())
	case 10:
		m.bodies = append(m.bodies, s.bytes(s.u32()))
	case 11:
		m.Data = append(m.Data, s.data())
	}
}

// element reads an element segment; wasmfile.elements tells what its flags mean.
func (r *reader) element() (e Element) {
	flags := r.u32()
	if flags&1 != 0 {
		e.Mode = Passive + Mode(flags>>1&1)
	} else {
		if flags&2 != 0 {
			e.Table = r.u32()
		}
		e.Offset = r.expr()
	}
	if flags&3 != 0 {
		r.byte() // the kind or type of the elements
	}
	for n := r.u32(); n > 0; n-- {
		if flags&4 != 0 {
			e.Init = append(e.Init, r.expr())
		} else {
			e.Init = append(e.Init, Expr{Type: FuncRef, Kind: ExprFunc, Value: uint64(r.u32())})
		}
	}
	return e
}

func (r *reader) data() (d Data) {
	switch flags := r.u32(); flags {
	case 0:
		d.Offset = r.expr()
	case 1:
		d.Mode = Passive
	case 2:
		r.u32()
		d.Offset = r.expr()
	}
	d.Init = r.bytes(r.u32())
	return d
}

// custom reads the names of functions.
func (m *Module) custom(s *reader) {
	if s.name() != "name" {
		return
	}
	for s.more() {
		id, sub := s.byte(), &reader{b: s.bytes(s.u32())}
		if id != 1 {
			continue
		}
		for n := sub.u32(); n > 0; n-- {
			f := sub.u32()
			m.Names[f] = sub.name()
		}
	}
}

// Name returns a function's name and type for stack traces, as wazero has it.
func (m *Module) Name(f uint32) string {
	name := m.Names[f]
	if int(f) < len(m.Imports) {
		name = m.Imports[f].Module + "." + m.Imports[f].Name
	} else if name == "" {
		name = fmt.Sprintf(".$%d", f)
	} else {
		name = "." + name
	}
	return name + m.TypeOf(f).String()
}
