// SPDX-License-Identifier: Apache-2.0

// Package wasm makes WebAssembly modules for tests: a small encoder of the
// binary format (Core Specification 2.0, chapter 5) and a set of modules that
// behave, misbehave, or are not modules at all. Everything is made in memory,
// so that tests need no toolchain and no binary files in the tree.
package wasm

import "encoding/binary"

// Value types.
const (
	I32 byte = 0x7f
	I64 byte = 0x7e
)

// Kinds of exports.
const (
	kindFunc   byte = 0
	kindMemory byte = 2
)

// A Builder collects the parts of a module. Functions are numbered in the
// order of Import and Func calls; imports come first.
type Builder struct {
	types, imports, funcs, tables, memories [][]byte
	globals, exports, elements, code, data  [][]byte
	start                                   []byte
	custom                                  []byte // whole sections, put first
	names                                   [][]byte
	imported                                uint32
}

// U32 encodes an unsigned number.
func U32(n uint32) []byte { return binary.AppendUvarint(nil, uint64(n)) }

// S64 encodes a signed number.
func S64(n int64) []byte {
	var b []byte
	for {
		c := byte(n & 0x7f)
		n >>= 7
		if n == 0 && c&0x40 == 0 || n == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

// Cat joins byte strings, single bytes and constants into one instruction
// sequence: []byte, string, byte, or an int taken as a byte.
func Cat(parts ...any) []byte {
	var b []byte
	for _, p := range parts {
		switch v := p.(type) {
		case []byte:
			b = append(b, v...)
		case string:
			b = append(b, v...)
		case byte:
			b = append(b, v)
		case int:
			b = append(b, byte(v))
		default:
			panic("wasm.Cat: not a byte string")
		}
	}
	return b
}

func bytesVec(b []byte) []byte { return append(U32(uint32(len(b))), b...) }
func name(s string) []byte     { return bytesVec([]byte(s)) }

func vec(items [][]byte) []byte {
	b := U32(uint32(len(items)))
	for _, i := range items {
		b = append(b, i...)
	}
	return b
}

// Type declares a function type and returns its number.
func (m *Builder) Type(params, results string) uint32 {
	m.types = append(m.types, Cat(0x60, name(params), name(results)))
	return uint32(len(m.types) - 1)
}

// Import imports a function and returns its number. No Func may come before.
func (m *Builder) Import(module, field, params, results string) uint32 {
	if len(m.code) > 0 {
		panic("wasm: Import after Func")
	}
	m.imports = append(m.imports, Cat(name(module), name(field), kindFunc, U32(m.Type(params, results))))
	m.imported++
	return m.imported - 1
}

// WASI imports a function of WASI preview 1 that returns an error number.
func (m *Builder) WASI(field, params string) uint32 {
	return m.Import("wasi_snapshot_preview1", field, params, string(I32))
}

// Func defines a function and returns its number. locals are 32-bit, body lacks
// the final end.
func (m *Builder) Func(params, results string, locals uint32, body ...any) uint32 {
	decl := []byte{0}
	if locals > 0 {
		decl = Cat(1, U32(locals), I32)
	}
	m.funcs = append(m.funcs, U32(m.Type(params, results)))
	m.code = append(m.code, bytesVec(Cat(decl, Cat(body...), 0x0b)))
	return m.imported + uint32(len(m.code)-1)
}

// Start defines and exports the function _start.
func (m *Builder) Start(locals uint32, body ...any) *Builder {
	m.Export("_start", kindFunc, m.Func("", "", locals, body...))
	return m
}

// Export exports something by its number.
func (m *Builder) Export(as string, kind byte, index uint32) {
	m.exports = append(m.exports, Cat(name(as), kind, U32(index)))
}

// Memory defines the memory and exports it as a WASI command must.
func (m *Builder) Memory(least uint32) *Builder {
	m.memories = append(m.memories, Cat(0, U32(least)))
	m.Export("memory", kindMemory, 0)
	return m
}

// Data puts bytes at an address of the memory before the start.
func (m *Builder) Data(at int64, content []byte) *Builder {
	m.data = append(m.data, Cat(0, Const(at), 0x0b, bytesVec(content)))
	return m
}

// Table defines a table of functions with the given functions in it.
func (m *Builder) Table(least uint32, functions ...uint32) *Builder {
	m.tables = append(m.tables, Cat(0x70, 0, U32(least)))
	var list [][]byte
	for _, f := range functions {
		list = append(list, U32(f))
	}
	if len(list) > 0 {
		m.elements = append(m.elements, Cat(0, Const(0), 0x0b, vec(list)))
	}
	return m
}

// Name names a function in stack traces. Names come in order of index.
func (m *Builder) Name(index uint32, as string) {
	m.names = append(m.names, Cat(U32(index), name(as)))
}

// Custom adds a custom section.
func (m *Builder) Custom(as string, content []byte) *Builder {
	m.custom = append(m.custom, section(0, Cat(name(as), content))...)
	return m
}

func section(id byte, body []byte) []byte { return Cat(id, bytesVec(body)) }

// Bytes returns the module.
func (m *Builder) Bytes() []byte {
	out := Cat("\x00asm\x01\x00\x00\x00", m.custom)
	for _, s := range []struct {
		id    byte
		items [][]byte
	}{
		{1, m.types}, {2, m.imports}, {3, m.funcs}, {4, m.tables}, {5, m.memories},
		{6, m.globals}, {7, m.exports}, {8, nil}, {9, m.elements}, {10, m.code}, {11, m.data},
	} {
		switch {
		case s.id == 8 && m.start != nil:
			out = append(out, section(8, m.start)...)
		case len(s.items) > 0:
			out = append(out, section(s.id, vec(s.items))...)
		}
	}
	if len(m.names) > 0 {
		out = append(out, section(0, Cat(name("name"), section(1, vec(m.names))))...)
	}
	return out
}
