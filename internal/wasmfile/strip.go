// SPDX-License-Identifier: Apache-2.0

package wasmfile

import "encoding/binary"

// trapBody is the shortest valid function of any type, with its size before it:
// no local variables, unreachable, end.
var trapBody = []byte{3, 0, 0x00, 0x0b}

// Clean returns the module without its custom sections, except the names that
// stack traces show, and those only when they are well formed. info must come
// from Check of the same module. The result may share memory with the module.
func Clean(module []byte, info *Info) []byte {
	return rewrite(module, info, false, false)
}

// Strip is Clean that also leaves out what nobody reads once the module is
// compiled, the bodies of its functions, which become traps, and, if it makes
// no difference, the data that its memory starts with: whoever instantiates
// the stripped module must write the segments to its memory first thing. The
// stripped module is valid, and all else in it is as it was.
func Strip(module []byte, info *Info) ([]byte, []Segment) {
	data, taken := takeData(module, info)
	if !taken {
		data = nil
	}
	return rewrite(module, info, true, taken), data
}

func rewrite(module []byte, info *Info, stripCode, stripData bool) []byte {
	size, custom := 8, false
	for _, s := range info.Sections {
		switch {
		case s.ID == idCustom:
			custom = true
			if s.Name == "name" {
				size += s.End - s.Offset
			}
		case s.ID == idCode && stripCode:
			size += 16 + len(trapBody)*int(info.Functions)
		case s.ID == idData && stripData:
		default:
			size += s.End - s.Offset
		}
	}
	if !stripCode && !custom {
		return module
	}
	out := append(make([]byte, 0, size), module[:8]...)
	named := false
	for _, s := range info.Sections {
		switch {
		case s.ID == idCode && stripCode:
			out = appendTraps(out, info.Functions)
		case s.ID == idData && stripData:
		case s.ID == idCustom:
			if s.Name == "name" && !named {
				out, named = appendNames(out, module[s.Body:s.End]), true
			}
		default:
			out = append(out, module[s.Offset:s.End]...)
		}
	}
	return out
}

// appendTraps appends a code section of n functions that trap.
func appendTraps(out []byte, n uint32) []byte {
	count := binary.AppendUvarint(nil, uint64(n))
	out = append(out, idCode)
	out = binary.AppendUvarint(out, uint64(len(count))+uint64(n)*uint64(len(trapBody)))
	out = append(out, count...)
	for range n {
		out = append(out, trapBody...)
	}
	return out
}
