// SPDX-License-Identifier: Apache-2.0

package wasmfile

import (
	"cmp"
	"slices"
)

// maxGap is how many zeros are spent to save a segment.
const maxGap = 256

// A Segment is content that a module's memory has before the module starts.
type Segment struct {
	At      uint32 // address
	Content []byte
}

// takeData returns the segments of a module's data section if they can be
// written by whoever instantiates the module instead, with neighbours joined.
// (Go's linker leaves out short runs of zeros, and so makes 30,000 segments of
// a hello, world.) Nobody can tell the difference when the memory is the
// module's own, so zero before; the segments don't overlap and lie inside; no
// start function looks at the memory before; and no instruction names a
// segment, for which a data count section would be due.
func takeData(module []byte, info *Info) ([]Segment, bool) {
	section := Section{}
	for _, s := range info.Sections {
		switch s.ID {
		case idDataCount, idStart:
			return nil, false
		case idData:
			section = s
		}
	}
	for _, m := range info.Imports {
		if m.Kind == Memory {
			return nil, false
		}
	}
	if section.ID != idData {
		return nil, true
	}
	list, ok := plainSegments(module[section.Body:section.End])
	if !ok {
		return nil, false
	}
	slices.SortStableFunc(list, func(a, b Segment) int { return cmp.Compare(a.At, b.At) })
	end := uint64(0)
	for _, s := range list {
		if uint64(s.At) < end {
			return nil, false
		}
		end = uint64(s.At) + uint64(len(s.Content))
	}
	return join(list), end <= info.Pages*PageSize
}

// join joins segments, sorted and apart, that are at most maxGap from each other.
func join(list []Segment) []Segment {
	var out []Segment
	for _, s := range list {
		if n := len(out) - 1; n >= 0 {
			last := &out[n]
			if gap := s.At - last.At - uint32(len(last.Content)); gap <= maxGap {
				last.Content = append(append(last.Content, make([]byte, gap)...), s.Content...)
				continue
			}
		}
		out = append(out, Segment{s.At, slices.Clone(s.Content)})
	}
	return out
}

// plainSegments reads a data section in which all segments are active, in the
// first memory, at an address that is a constant.
func plainSegments(section []byte) ([]Segment, bool) {
	r := &reader{b: section}
	var list []Segment
	for n := r.count(maxVector, "data segments"); n > 0; n-- {
		at, content, ok := r.plainSegment()
		if !ok {
			return nil, false
		}
		list = append(list, Segment{at, content})
	}
	return list, r.err == nil && r.rest() == 0
}

// plainSegment reads one such segment.
func (r *reader) plainSegment() (at uint32, content []byte, ok bool) {
	if r.u32() != 0 || r.byte() != 0x41 {
		return 0, nil, false
	}
	n := r.s32()
	if r.byte() != 0x0b {
		return 0, nil, false
	}
	content = r.bytes()
	return n, content, r.err == nil
}

// s32 reads a signed number of 32 bits, and returns its bits.
func (r *reader) s32() uint32 {
	var v uint64
	for shift := uint(0); shift < 35; shift += 7 {
		c := r.byte()
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			if c&0x40 != 0 {
				v |= ^uint64(0) << (shift + 7)
			}
			return uint32(v)
		}
	}
	r.fail(ErrMalformed, "number too long")
	return 0
}
