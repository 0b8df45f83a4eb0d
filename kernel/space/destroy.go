// SPDX-License-Identifier: Apache-2.0

package space

import "loam/machine/paging"

// Destroy gives back what the space owns, a bounded piece a call, and returns
// true when nothing is left. No processor may use the space any more, nor
// anyone else, from the first call on.
func (s *Space) Destroy() (done bool) {
	if s.tables.Root == 0 {
		return true
	}
	s.Loaded = false
	s.dropFill(s.low, s.high)
	if s.move.phase != resting { // there may be pages and tables where no area is
		if s.cursor = s.unmapPages(s.cursor, s.high); s.cursor < s.high {
			return false
		}
		s.move = move{}
	}
	if !s.destroyAreas() {
		return false
	}
	s.wishes.Remove(s.low, s.high)
	if s.frames != 0 {
		panic("space: frames outside of the areas")
	}
	s.tables.FreeRoot(s.env)
	if s.account != nil {
		s.account.Refund(s.granted + 1)
	}
	*s = Space{}
	return true
}

// destroyAreas takes areas away with their pages, from the lowest on, until a piece
// is done. It is true if there are none any more.
func (s *Space) destroyAreas() (done bool) {
	steps := s.most.steps
	for n := s.most.areas; ; n-- {
		a := s.areas.first()
		switch {
		case a == nil:
			return true
		case n == 0 || steps <= 0:
			return false
		}
		if s.cursor < a.End {
			s.unmapFirst(a, steps)
			steps -= s.batch().Steps
			if s.cursor < a.End {
				return false
			}
		}
		if a.hasObject() {
			s.objects.Detach(a.Object, a.Size()/PageSize, a.mayWrite())
		}
		s.areas.dropFirst()
	}
}

// unmapFirst gives back pages of the first area, from cursor on, which it moves
// on. Nothing is below any more, and pages and tables are in areas only: so the
// tables that reach no other area go with it, whatever else they have.
func (s *Space) unmapFirst(a *Area, steps int) {
	high := s.env.Format.UserEnd
	if next := s.areas.above(a.End); next != nil {
		high = next.area.Start
	}
	b := s.batch()
	b.Budget = steps
	s.cursor = max(s.cursor, a.Start)
	if s.tables.UnmapRest(s.env, s.cursor, a.End, 0, high, b) == paging.Large {
		panic("space: a large page is in two areas")
	}
	s.cursor = b.Next
	s.release()
}
