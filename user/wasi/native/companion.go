// SPDX-License-Identifier: Apache-2.0

package native

import (
	"encoding/binary"
	"strconv"

	"loam/internal/wasmrv64"
)

// valueTypes are the binary format's numbers.
var valueTypes = [...]byte{
	wasmrv64.I32: 0x7f, wasmrv64.I64: 0x7e, wasmrv64.F32: 0x7d, wasmrv64.F64: 0x7c,
	wasmrv64.FuncRef: 0x70, wasmrv64.ExternRef: 0x6f,
}

func vector(items [][]byte) []byte {
	b := number(uint32(len(items)))
	for _, i := range items {
		b = append(b, i...)
	}
	return b
}

func number(n uint32) []byte      { return binary.AppendUvarint(nil, uint64(n)) }
func sized(b []byte) []byte       { return append(number(uint32(len(b))), b...) }
func named(s string) []byte       { return sized([]byte(s)) }
func join(parts ...[]byte) []byte { return appendAll(nil, parts) }

func appendAll(b []byte, parts [][]byte) []byte {
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

func typeList(list []wasmrv64.Type) []byte {
	b := number(uint32(len(list)))
	for _, t := range list {
		b = append(b, valueTypes[t])
	}
	return b
}

// exportName is the companion's name of the function that calls an import.
func exportName(i int) string { return strconv.Itoa(i) }

// companion makes the module through which a compiled module calls its imports:
// it has the same memory, under the name "memory".
func companion(m *wasmrv64.Module) []byte {
	var types, imports, funcs, memories, exports, code [][]byte
	for _, t := range m.Types {
		types = append(types, join([]byte{0x60}, typeList(t.Params), typeList(t.Results)))
	}
	if m.Memory != nil {
		limits := join([]byte{0}, number(m.Memory.Min))
		if m.Memory.HasMax {
			limits = join([]byte{1}, number(m.Memory.Min), number(m.Memory.Max))
		}
		memories = [][]byte{limits}
		exports = [][]byte{join(named("memory"), []byte{2, 0})}
	}
	for i, f := range m.Imports {
		imports = append(imports, join(named(f.Module), named(f.Name), []byte{0}, number(f.Type)))
		funcs = append(funcs, number(f.Type))
		exports = append(exports, join(named(exportName(i)), []byte{0}, number(uint32(len(m.Imports)+i))))
		body := []byte{0} // no local variables
		for p := range m.Types[f.Type].Params {
			body = join(body, []byte{0x20}, number(uint32(p))) // local.get
		}
		code = append(code, sized(join(body, []byte{0x10}, number(uint32(i)), []byte{0x0b}))) // call, end
	}
	b := []byte("\x00asm\x01\x00\x00\x00")
	for _, s := range []struct {
		id    byte
		items [][]byte
	}{{1, types}, {2, imports}, {3, funcs}, {5, memories}, {7, exports}, {10, code}} {
		if len(s.items) > 0 {
			b = join(b, []byte{s.id}, sized(vector(s.items)))
		}
	}
	return b
}
