// SPDX-License-Identifier: Apache-2.0

package wasmfile

import "encoding/binary"

// Subsections of the name section (specification, appendix A.3).
const (
	subModule    = 0
	subFunctions = 1
)

// appendNames appends the name section cut down to the names of the module and
// of its functions, which stack traces show. A malformed section is left out:
// the specification forbids refusing a module for one.
func appendNames(out, section []byte) []byte {
	r := &reader{b: section}
	body := append(binary.AppendUvarint(nil, 4), "name"...)
	r.name()
	for r.rest() > 0 && r.err == nil {
		id, sub := r.byte(), r.bytes()
		if r.err != nil || !namesOK(id, sub) {
			return out
		}
		if id == subModule || id == subFunctions {
			body = append(body, id)
			body = binary.AppendUvarint(body, uint64(len(sub)))
			body = append(body, sub...)
		}
	}
	if r.err != nil {
		return out
	}
	out = append(out, idCustom)
	out = binary.AppendUvarint(out, uint64(len(body)))
	return append(out, body...)
}

// namesOK reports whether a subsection that is kept is well formed.
func namesOK(id byte, sub []byte) bool {
	r := &reader{b: sub}
	switch id {
	case subModule:
		r.name()
	case subFunctions:
		for n := r.count(MaxFunctions, "names"); n > 0 && r.err == nil; n-- {
			r.u32()
			r.name()
		}
	default:
		return true
	}
	return r.err == nil && r.rest() == 0
}
