// SPDX-License-Identifier: Apache-2.0

package space

import (
	"loam/abi"
	"loam/machine/paging"
)

// move is an mremap under way that moves pages. A space has at most one, and
// whoever calls the space in the meantime does a piece of it first (settle): so
// nothing but page faults ever sees it, it is done whatever becomes of the
// thread that wanted it, and no call waits for a thread that doesn't run.
//
// It can only fail before the areas change places, and everything that it needs
// is there by then: see preparing. From the change on the target's pages come
// over piece by piece, or when they are touched.
type move struct {
	phase  phase
	id     uint64
	call   *Call // of the thread that wants it, if that still has this move
	source uint64
	size   uint64 // of what moves
	target uint64
	at     uint64 // where the phase goes on

	sourceEnd uint64 // of what the caller gives up
	targetEnd uint64 // of what it gets
}

// phase is a part of a move.
type phase uint8

const (
	resting   phase = iota
	clearing        // what lies where the target will be goes
	cutting         // what the source has too much goes
	preparing       // tables for the target are made, by faults on the source too
	moving          // pages move, by faults on the target too
	pruning         // the tables of the source go
	undoing         // the tables of the target go: there was no memory for more
)

// moveNodes is the most that a change of areas needs: for the new one and its
// extension, and for splits at both places.
const moveNodes = 4

// startMove does the first pieces of a move.
func (s *Space) startMove(c *Call, m move) (abi.UserAddr, abi.Errno) {
	s.dropFill(s.low, s.high) // and there will be no other before the move is done
	s.areas.pool.moves++
	m.id = s.areas.pool.moves
	s.move = m
	c.move = m.id
	if !s.settle() {
		return 0, c.pause(opRemap, 0)
	}
	return abi.UserAddr(c.to), c.errno
}

// settle does a piece of the move that is under way, at most one of each phase,
// and reports whether there is none any more.
func (s *Space) settle() bool {
	for s.move.phase != resting {
		if !s.stepMove() {
			return false
		}
	}
	return true
}

// ready is settle for a thread that has a call to make. If that has to wait, it
// is to be made again.
func (s *Space) ready(c *Call) bool {
	done := s.settle()
	switch {
	case !done && c.op == opNone:
		c.op = opWait
	case done && c.op == opWait:
		c.op = opNone
	}
	return done
}

// stepMove does a piece of the phase and reports whether that is done.
func (s *Space) stepMove() (done bool) {
	m := &s.move
	switch end := m.source + m.size; m.phase {
	case clearing:
		return s.emptyForMove(m.targetEnd, cutting, end)
	case cutting:
		return s.emptyForMove(m.sourceEnd, preparing, m.source)
	case preparing:
		if ok := s.prepareTables(end); !ok || m.at >= end && !s.changeAreas() {
			return s.enter(undoing, m.target)
		}
		return m.at >= end && s.enter(moving, m.source)
	case moving:
		s.movePages(end)
		return m.at >= end && s.enter(pruning, m.source)
	case pruning:
		next := s.unmapPages(m.at, end)
		s.forgetWishes(m.at, next)
		m.at = next
		return m.at >= end && s.finishMove(0)
	default:
		end = m.target + m.size
		m.at = s.unmapPages(m.at, end)
		return m.at >= end && s.finishMove(abi.ENOMEM)
	}
}

// enter begins the next phase.
func (s *Space) enter(p phase, at uint64) bool {
	s.move.phase, s.move.at = p, at
	return true
}

// finishMove ends the move and leaves the outcome with the thread that wants it.
func (s *Space) finishMove(errno abi.Errno) bool {
	m := &s.move
	if m.call.move == m.id {
		m.call.to, m.call.errno = m.target, errno
	}
	s.move = move{}
	return true
}

// emptyForMove empties a piece of the range that ends at end; the next phase
// begins at at.
func (s *Space) emptyForMove(end uint64, next phase, at uint64) (done bool) {
	m := &s.move
	if m.at < end {
		var errno abi.Errno
		if m.at, errno = s.unmapPiece(m.at, end); errno != 0 {
			return s.finishMove(errno)
		}
		if m.at < end {
			return false
		}
	}
	return s.enter(next, at)
}

// prepareTables makes tables of the target for some of the source's pages up to
// end, and splits large pages, which move in small ones. It is false when there
// is no frame, or none may be had. The large page that the source ends in is split
// first: no table's worth of the target need begin in it.
func (s *Space) prepareTables(end uint64) bool {
	if !s.cutAt(end, keeping) {
		return false
	}
	m := &s.move
	span := paging.Span(1)
	large := s.large
	for range s.most.pages/8 + 1 {
		va, ok := s.tables.Seek(s.env, m.at, end)
		if !ok {
			m.at = end
			break
		}
		if large > s.large+1 { // splits take long
			break
		}
		if !s.cutLeaf(va, keeping) {
			return false
		}
		to := va - m.source + m.target
		if s.full(to) || !s.prepareTable(to) {
			return false
		}
		m.at = va + span - to%span // the table's end
	}
	s.settleUp()
	return true
}

// prepareTable makes the tables for a page, which leave half of the reserve.
func (s *Space) prepareTable(page uint64) bool {
	return s.tables.HasTable(s.env, page) || !s.env.Frames.Scarce() && s.tables.Prepare(s.env, page) == paging.OK
}

// changeAreas gives the target the source's area. ENOMEM is false.
func (s *Space) changeAreas() bool {
	m := &s.move
	a, _ := s.areas.Find(m.source)
	if !s.areas.Supply(moveNodes) {
		return false
	}
	a = a.from(m.source).upTo(m.source + m.size)
	s.areas.Remove(a.Start, a.End)
	a.Start, a.End = m.target, m.target+m.size
	s.areas.Insert(a)
	if m.targetEnd > a.End {
		s.extend(a, m.targetEnd)
	}
	s.hot = translation{page: noPage}
	return true
}

// movePages moves some of the source's pages up to end. Its tables stay until
// all have moved, since a part of the target may need them too.
func (s *Space) movePages(end uint64) {
	m := &s.move
	var moved Flush
	for range s.most.pages/4 + 1 {
		va, ok := s.tables.Seek(s.env, m.at, end)
		if !ok {
			m.at = end
			break
		}
		s.movePage(va, va-m.source+m.target)
		m.at = va + PageSize
		moved = moved.With(Flush{Start: va, End: m.at})
	}
	if moved.Any() {
		s.mustFlush(moved.Start, moved.End)
		s.forget()
	}
}

// movePage moves a page to where there is a table for it and nothing else.
func (s *Space) movePage(from, to uint64) {
	pa, prot, code := s.tables.Unmap(s.env, from)
	prot |= paging.User // which a page without rights doesn't show
	if code != paging.OK || s.tables.Map(s.env, to, pa, prot) != paging.OK {
		panic("space: no place for a page that moves")
	}
}

// faultInMove does what a fault has to know of a move: a page that comes to the
// source needs a table in the target, and one that the target wants is taken
// from the source. It is false when there is no frame for a table.
func (s *Space) faultInMove(page uint64) bool {
	m := &s.move
	switch {
	case m.phase == preparing && page-m.source < m.size:
		// The fault may map the pages around as well, at most one table's worth.
		first := max(page&^(aroundSize-1), m.source)
		last := min(page|(aroundSize-1), m.source+m.size-1) &^ pageMask
		return s.prepareTable(first-m.source+m.target) && s.prepareTable(last-m.source+m.target)
	case m.phase == moving && page-m.target < m.size:
		from := page - m.target + m.source
		if _, _, mapped := s.tables.Lookup(s.env, from); mapped {
			s.movePage(from, page)
			s.mustFlush(from, from+PageSize)
			s.forget()
		}
	}
	return true
}
