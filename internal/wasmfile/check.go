// SPDX-License-Identifier: Apache-2.0

package wasmfile

import (
	"encoding/binary"
	"fmt"
)

// Check reads the outline of a module. Its errors wrap ErrNotWasm,
// ErrComponent, ErrMalformed or ErrLimit and are fit to be shown to a person.
func Check(module []byte) (*Info, error) {
	if err := preamble(module); err != nil {
		return nil, err
	}
	info := &Info{}
	r := &reader{b: module, pos: 8}
	for r.rest() > 0 {
		s := Section{Offset: r.pos}
		s.ID = r.byte()
		body := r.bytes()
		if r.err != nil {
			return nil, fmt.Errorf("%w (in the section at offset %d)", r.err, s.Offset)
		}
		s.Body, s.End = r.pos-len(body), r.pos
		if err := info.section(&s, body); err != nil {
			return nil, fmt.Errorf("%w (in section %d at offset %d)", err, s.ID, s.Offset)
		}
		info.Sections = append(info.Sections, s)
	}
	return info, nil
}

// preamble tells modules, components and everything else apart.
func preamble(module []byte) error {
	switch {
	case len(module) == 0:
		return fmt.Errorf("%w: the file is empty", ErrNotWasm)
	case len(module) > MaxModule:
		return fmt.Errorf("%w: %d bytes, the most is %d", ErrLimit, len(module), MaxModule)
	case len(module) < 8 && string(module) == "\x00asm\x01\x00\x00\x00"[:len(module)]:
		return fmt.Errorf("%w: the file ends after %d bytes", ErrMalformed, len(module))
	case len(module) < 8 || string(module[:4]) != "\x00asm":
		return ErrNotWasm
	}
	// Components share the magic number; the upper half of the version word is
	// their layer (Component Model, design/mvp/Binary.md).
	switch v := binary.LittleEndian.Uint32(module[4:]); {
	case v == 1:
		return nil
	case v>>16 == 1:
		return ErrComponent
	default:
		return fmt.Errorf("%w: version %#x", ErrMalformed, v)
	}
}

// section reads one section as far as the outline needs it.
func (i *Info) section(s *Section, body []byte) error {
	r := &reader{b: body}
	switch s.ID {
	case idCustom:
		s.Name = r.name()
	case idType:
		types(r)
	case idElement:
		elements(r)
	case idData:
		segments(r)
	case idGlobal, idTag:
		r.count(maxVector, "items")
	case idImport:
		i.imports(r)
	case idFunction:
		i.Functions = r.count(MaxFunctions, "functions")
	case idTable:
		i.tables(r)
	case idMemory:
		for n := r.count(maxVector, "memories"); n > 0 && r.err == nil; n-- {
			i.Pages += r.limits()
		}
	case idExport:
		i.exports(r)
	case idStart:
		i.HasStart = true
	case idCode:
		code(r)
	case idDataCount:
	default:
		r.fail(ErrMalformed, "no such section")
	}
	return r.err
}

func (i *Info) imports(r *reader) {
	for n := r.count(maxVector, "imports"); n > 0 && r.err == nil; n-- {
		m := Import{Module: r.name(), Name: r.name(), Kind: Kind(r.byte())}
		switch m.Kind {
		case Func:
			r.u32()
		case Table:
			r.valueType()
			i.table(r)
		case Memory:
			m.Memory = r.memory()
			i.Pages += m.Memory.Least
		case Global:
			r.valueType()
			r.byte()
		case Tag:
			r.byte()
			r.u32()
		default:
			r.fail(ErrMalformed, "import of kind %d", m.Kind)
		}
		i.Imports = append(i.Imports, m)
	}
}

func (i *Info) exports(r *reader) {
	for n := r.count(maxVector, "exports"); n > 0 && r.err == nil; n-- {
		i.Exports = append(i.Exports, Export{Name: r.name(), Kind: Kind(r.byte()), Index: r.u32()})
	}
}

// tables stops after the first table that has an initialiser, whose end only
// a decoder of expressions can find.
func (i *Info) tables(r *reader) {
	for n := r.count(maxVector, "tables"); n > 0 && r.err == nil; n-- {
		if r.pos < len(r.b) && r.b[r.pos] == 0x40 {
			r.byte()
			r.byte()
			r.valueType()
			i.table(r)
			return
		}
		r.valueType()
		i.table(r)
	}
}

// table reads one table's limits and holds the sum of all against MaxTable.
func (i *Info) table(r *reader) {
	n := r.limits()
	if n > MaxTable || i.TableSize+n > MaxTable {
		r.fail(ErrLimit, "tables of more than %d elements", MaxTable)
		return
	}
	i.TableSize += n
}

// code holds the local variables that each function declares against MaxLocals.
func code(r *reader) {
	for n := r.count(MaxFunctions, "functions"); n > 0 && r.err == nil; n-- {
		f := &reader{b: r.bytes()}
		if r.err == nil {
			locals(f)
			r.err = f.err
		}
	}
	if r.rest() > 0 {
		r.fail(ErrMalformed, "%d bytes after the last function", r.rest())
	}
}

// locals reads the declarations of one function's local variables.
func locals(f *reader) {
	var sum uint64
	for n := f.count(maxVector, "local declarations"); n > 0 && f.err == nil; n-- {
		sum += uint64(f.u32())
		f.valueType()
	}
	if sum > MaxLocals {
		f.fail(ErrLimit, "%d local variables in one function, the most is %d", sum, MaxLocals)
	}
}
