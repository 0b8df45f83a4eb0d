// SPDX-License-Identifier: Apache-2.0

package space

// Areas that grow (MAP_GROWSDOWN), as on Linux: a fault below one, in the hole that
// ends there, makes it reach down to the page that was touched, as far as it stays
// away from what is below, and as large as a stack may be. Memory is found for others
// outside of that gap, unless they say where they want it.
//
// That is no stack to rely on, neither here nor there: the next mmap of another may
// go right below the gap, and then there is no more to grow into. A reservation of all
// of a stack costs one node; so it is made for the first stack of a process
// (MapStack), and by the runtimes that make threads.

const (
	growGap   = 256 * PageSize // what stays free below; Linux's stack_guard_gap
	growLimit = 8 << 20        // bytes that such an area may have; Linux's RLIMIT_STACK
)

// grow has the area above va, which lies in a hole, grow down to its page. It is nil if
// there is none that may.
func (s *Space) grow(va uint64) *Node {
	page := va &^ pageMask
	n := s.areas.above(va)
	if n == nil || n.area.Kind != Growing || page < s.low || n.area.End-page > growLimit {
		return nil
	}
	below := s.areas.below(page)
	if below != nil && below.area.Kind != Growing && below.area.Prot != 0 && page-below.area.End < growGap {
		return nil
	}
	// What a move will put there isn't there yet.
	if m := &s.move; m.phase != resting && m.phase < moving && m.target < n.area.Start && page < m.targetEnd+growGap {
		return nil
	}
	more := n.area
	more.Start, more.End = page, n.area.Start
	s.areas.Insert(more) // into one with n
	return s.areas.at(page)
}

// room is the highest place from first on and below last where size bytes are free, and
// not in the gap below an area that grows. With many of those it may miss one.
func (s *Space) room(first, last, size uint64) (start uint64, ok bool) {
	const tries = 16
	for range tries {
		start, ok = s.areas.Room(first, last, size)
		if !ok || !s.inGap(start+size) {
			return start, ok
		}
		n := s.areas.above(start + size)
		last = n.area.Start - min(growGap, n.area.Start)
	}
	return 0, false
}

// inGap reports whether what ends at end would be in the gap below an area that grows.
func (s *Space) inGap(end uint64) bool {
	if !s.areas.any(1 << Growing) {
		return false
	}
	n := s.areas.above(end)
	return n != nil && n.area.Kind == Growing && n.area.Start-end < growGap
}
