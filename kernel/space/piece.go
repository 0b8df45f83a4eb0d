// SPDX-License-Identifier: Apache-2.0

package space

import (
	"loam/abi"
	"loam/machine/paging"
)

// bounds is how much one piece of a call does.
type bounds struct {
	areas int    // that it removes or changes
	steps int    // in the page tables: paging.Batch.Budget
	pages uint64 // that it looks at one by one
}

// usual is what a piece does in some tens of microseconds.
var usual = bounds{areas: 16, steps: paging.DefaultBudget, pages: 256}

// sure reports whether the pages of a range are done in one piece, whatever is
// mapped there.
func (s *Space) sure(start, end uint64) bool {
	return (end-start)/PageSize <= uint64(s.most.steps)/64
}

// batch is what a piece takes out of page tables. Spaces share it: it is empty
// between two pieces.
func (s *Space) batch() *paging.Batch { return &s.areas.pool.batch }

// unmapTables takes pages of a range out of the page tables, from start to the
// address that it returns, and has that forgotten. The frames are in the batch,
// for release.
func (s *Space) unmapTables(start, end uint64) (next uint64) {
	s.dropFill(start, end)
	next = end
	b := s.batch()
	b.Budget = s.most.steps
	switch s.tables.UnmapRange(s.env, start, end, b) {
	case paging.More:
		next = b.Next
	case paging.Large:
		panic("space: a large page is unmapped in part")
	}
	s.large -= b.Large
	if b.Flush {
		s.mustFlush(start, next)
		s.flush.Tables = s.flush.Tables || b.Tables
		s.forget()
	}
	return next
}

// unmapPages gives back a piece of the pages of a range. The areas are not its
// business.
func (s *Space) unmapPages(start, end uint64) (next uint64) {
	next = s.unmapTables(start, end)
	s.release()
	return next
}

// unmapPiece empties a piece of a range, areas and pages, up to the address that
// it returns. ENOMEM, with nothing done: an area or a large page would have to be
// split, and there is no node or frame for it.
func (s *Space) unmapPiece(start, end uint64) (next uint64, errno abi.Errno) {
	last := end
	end = s.areas.reach(start, end, s.most.areas)
	if a, ok := s.areas.Find(start); ok && a.Start < start {
		switch {
		case a.End > end && !s.areas.Supply(1),
			!s.sure(start, min(end, a.End)) && s.areas.pool.Left() < 1: // for the time being
			return start, abi.ENOMEM
		}
	}
	// Not before: a table from the reserve is for those whose pages go now.
	if !s.cut(start, last, unmapping) || !s.cut(start, end, unmapping) {
		return start, abi.ENOMEM
	}
	next = s.unmapTables(start, end)
	s.remove(start, next)
	s.forgetWishes(start, next)
	s.release()
	return next, 0
}

// replacePiece puts a piece of the area a, from at on, where others may be.
// ENOMEM, with nothing done: no nodes left, or no frame to split a large page.
func (s *Space) replacePiece(a Area, at uint64) (next uint64, errno abi.Errno) {
	rest := a.from(at)
	old := s.areas.at(at)
	if old != nil && old.area.Prot == a.Prot && old.area.Kind == a.Kind && old.area.Deny == a.Deny {
		// The area is there already, and only its pages go.
		end := min(a.End, old.area.End)
		if !s.cut(at, a.End, unmapping) || !s.cut(at, end, unmapping) {
			return at, abi.ENOMEM
		}
		next = s.unmapPages(at, end)
		s.forgetWishes(at, next)
		return next, 0
	}
	if before := s.areas.at(at - 1); before == nil || !before.area.joins(rest) {
		// A first piece: a node for itself, and one to split what is there.
		n := 1
		if old != nil && old.area.Start < at {
			n = 2
		}
		if !s.areas.Supply(n) {
			return at, abi.ENOMEM
		}
	}
	if s.areas.Free(at, a.End) {
		s.areas.Insert(rest)
		return a.End, 0
	}
	end := s.areas.reach(at, a.End, s.most.areas)
	if !s.cut(at, a.End, unmapping) || !s.cut(at, end, unmapping) {
		return at, abi.ENOMEM
	}
	next = s.unmapTables(at, end)
	s.remove(at, next)
	s.forgetWishes(at, next)
	s.areas.Insert(rest.upTo(next))
	s.release()
	return next, 0
}

// protectPiece changes the rights of a piece of a range, which is covered.
// ENOMEM, with nothing done: no nodes for areas that it would split, or no frame
// for a large page that it would.
func (s *Space) protectPiece(start, end uint64, prot Prot) (next uint64, errno abi.Errno) {
	if n := s.areas.splits(start, end, prot); n > 0 && !s.areas.Supply(n) {
		return start, abi.ENOMEM
	}
	next = s.areas.reach(start, end, s.most.areas)
	if !s.sure(start, next) && s.areas.pool.Left() < 3 { // for the time being
		return start, abi.ENOMEM
	}
	if !s.cut(start, end, keeping) || !s.cut(start, next, keeping) {
		return start, abi.ENOMEM
	}
	s.dropFill(start, next)
	b := s.batch()
	b.Budget = s.most.steps
	switch s.tables.ProtectRange(s.env, start, next, paging.Prot(prot)|paging.User, b) {
	case paging.More:
		next = b.Next
	case paging.Large:
		panic("space: a large page gets new rights in part")
	}
	s.areas.SetProt(start, next, prot)
	if b.Flush {
		s.mustFlush(start, next)
		s.forget()
	}
	return next, 0
}

// release gives the frames of the batch back. Every processor has forgotten
// how to reach them.
func (s *Space) release() {
	given, _ := s.batch().Release(s.env.Frames)
	s.refund(given)
}
