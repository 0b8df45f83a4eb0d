// SPDX-License-Identifier: Apache-2.0

package pcid

// span is a range of physical addresses, from at up to before end; empty if end isn't above at.
type span struct{ at, end uint64 }

const pageSize = 4096

// spanOf gives a range of a size; one that would go on from 0 ends at the last address.
func spanOf(at, size uint64) span {
	if at+size < at {
		return span{at, 1<<64 - 1}
	}
	return span{at, at + size}
}

func (s span) empty() bool { return s.end <= s.at }

// meets reports whether an address is in both.
func (s span) meets(x span) bool { return !s.empty() && !x.empty() && s.at < x.end && x.at < s.end }

// pages gives the pages that some of the range is in. It ends below the last page of all.
func (s span) pages() span {
	return span{s.at &^ (pageSize - 1), (s.end + pageSize - 1) &^ (pageSize - 1)}
}

// place finds the lowest multiple of size, a power of two, in a window where nothing of
// taken is. ok is false if there is none. 0 is never given: it means no address.
func place(window span, size uint64, taken []span) (at uint64, ok bool) {
	if size == 0 || size&(size-1) != 0 {
		return 0, false
	}
	at = max(window.at, 1)
	for {
		up := (at + size - 1) &^ (size - 1)
		if up < at || up+size < up || up+size > window.end {
			return 0, false
		}
		at = up
		moved := false
		for _, t := range taken {
			if t.meets(span{at, at + size}) {
				at, moved = t.end, true // further on each time: there are as many rounds as spans
			}
		}
		if !moved {
			return at, true
		}
	}
}
