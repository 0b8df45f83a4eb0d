// SPDX-License-Identifier: Apache-2.0

package wasmfile

import (
	"encoding/binary"
	"fmt"
)

// TrapStart returns a module whose function _start does nothing but trap, and which is the same otherwise: a test
// that it passes tests nothing.
func TrapStart(module []byte) ([]byte, error) {
	info, err := Check(module)
	if err != nil {
		return nil, err
	}
	start, ok := info.Export("_start")
	imported := uint32(0)
	for _, m := range info.Imports {
		if m.Kind == Func {
			imported++
		}
	}
	if !ok || start.Kind != Func || start.Index < imported || start.Index-imported >= info.Functions {
		return nil, fmt.Errorf("%w: no function _start of its own", ErrMalformed)
	}
	out := append([]byte(nil), module[:8]...)
	for _, s := range info.Sections {
		if s.ID != idCode {
			out = append(out, module[s.Offset:s.End]...)
			continue
		}
		code := trapOne(module[s.Body:s.End], start.Index-imported)
		out = append(binary.AppendUvarint(append(out, idCode), uint64(len(code))), code...)
	}
	return out, nil
}

// trapOne returns a code section in which the body of one function is a trap.
func trapOne(code []byte, function uint32) []byte {
	r := &reader{b: code}
	n := r.u32()
	out := binary.AppendUvarint(nil, uint64(n))
	for i := range n {
		body := r.bytes()
		if i == function {
			out = append(out, trapBody...)
			continue
		}
		out = append(binary.AppendUvarint(out, uint64(len(body))), body...)
	}
	return out
}
