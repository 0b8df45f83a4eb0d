// SPDX-License-Identifier: Apache-2.0

package space

import "loam/abi"

// What a program has said about its pages is kept apart from its areas. On Linux it is
// a property of those; here that would keep areas from being joined that differ in
// nothing else, and every Go program says that it wants no large pages for the index
// of its heap. It is advice: what doesn't fit is refused, and what can't be kept is
// forgotten.

// maxWishes is how many ranges of a space can have a wish: so few that those in a range
// can go at once.
const maxWishes = 64

// wish notes which pages are wanted in a range. EAGAIN: there are too many such ranges.
func (s *Space) wish(start, end uint64, want Pages) abi.Errno {
	if !s.wishes.Supply(2) {
		return abi.EAGAIN
	}
	s.wishes.Remove(start, end)
	s.wishes.Insert(Area{Start: start, End: end, Pages: want})
	return 0
}

// wished returns which pages are wanted for the large page at low. Where only a part
// of it has a wish, those are small ones.
func (s *Space) wished(low uint64) Pages {
	w, ok := s.wishes.Next(low)
	switch {
	case !ok || w.Start >= low+largeSize:
		return AnyPages
	case w.Start > low || w.End < low+largeSize:
		return SmallPages
	}
	return w.Pages
}

// forgetWishes has a range, which is empty now, forget what was wanted there.
func (s *Space) forgetWishes(start, end uint64) {
	n := s.wishes.above(start)
	if n == nil || n.area.Start >= end {
		return
	}
	if w := n.area; w.Start < start && end < w.End && !s.wishes.Supply(1) {
		start, end = w.Start, w.End // there is no node for the rest
	}
	s.wishes.Remove(start, end)
}
