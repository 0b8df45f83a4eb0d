// SPDX-License-Identifier: Apache-2.0

package space

import (
	"loam/abi"
	"loam/machine/frame"
	"loam/machine/paging"
)

// A space that begins as a copy of another, as fork(2) makes it: areas are the same, and frames
// that the one owns are both's until one of them writes the page, which is copied then. Such a
// page has paging.Copy without paging.Borrowed: the frame is owned, by several. Each of them is
// charged for it, so that nobody's copy can fail for want of what it is charged for. Pages that
// are borrowed are left to the copy's own faults.

// CopyPiece makes a piece of the copy: what lies at start and above, in one area, up to what it
// returns, where the caller goes on; 0 when nothing is left. The other space has nothing
// there, and no other call on it is under way; if it is empty, its addresses end from then on where those of
// s do. Areas of devices aren't copied. Between two pieces others may change s: what was copied stays as it was.
// ENOMEM; EEXIST: the other has something there, or its addresses end below. More: nothing is done, call it again.
func (s *Space) CopyPiece(to *Space, start uint64) (next uint64, errno abi.Errno) {
	if !s.settle() || !to.settle() {
		return start, More
	}
	a, ok := s.areas.Next(start)
	if !ok {
		to.brkStart, to.brk = s.brkStart, s.brk
		return 0, 0
	}
	if to.areas.Len() == 0 {
		to.high = s.high // which is random, and was another
	}
	at := max(start, a.Start)
	if a.Kind == Device {
		return a.End, 0
	}
	end := s.copyEnd(at, a.End)
	part := a.from(at).upTo(end)
	switch {
	case end > to.high || !to.areas.Free(at, end):
		return start, abi.EEXIST
	case !to.areas.Supply(1):
		return start, abi.ENOMEM
	}
	done, ok := s.copyPages(to, at, end)
	if done > at {
		to.attach(part.upTo(done))
		to.areas.Insert(part.upTo(done))
	}
	if s.flush.Any() {
		s.forget()
	}
	if !ok {
		return done, abi.ENOMEM
	}
	return done, 0
}

// copyEnd gives how far a piece goes that begins at start: so many pages that are mapped.
func (s *Space) copyEnd(start, end uint64) uint64 {
	at := start
	for range s.most.pages {
		va, ok := s.tables.Seek(s.env, at, end)
		if !ok {
			return end
		}
		if at = va&^pageMask + PageSize; at >= end {
			return end
		}
	}
	return at
}

// copyPages has the other space share the pages of a range that s owns. It returns how far it came,
// and false if that is for want of memory.
func (s *Space) copyPages(to *Space, start, end uint64) (next uint64, ok bool) {
	for at := start; ; {
		va, found := s.tables.Seek(s.env, at, end)
		if !found {
			return end, true
		}
		if va &^= pageMask; !s.copyPage(to, va) {
			return va, false
		}
		at = va + PageSize
	}
}

// copyPage has the other space share a page, if s owns it.
func (s *Space) copyPage(to *Space, page uint64) bool {
	if s.large > 0 && !s.cutLeaf(page, keeping) {
		return false
	}
	pa, prot, ok := s.tables.Lookup(s.env, page)
	if !ok || prot&paging.Borrowed != 0 {
		return true
	}
	if s.env.Frames.Scarce() || to.frames+tablesForPage > to.granted && !to.grant(tablesForPage) || s.env.Frames.Share(pa) != frame.OK {
		return false
	}
	mine := prot&^paging.Write | paging.User | paging.Copy
	if to.tables.Map(to.env, page, pa, mine) != paging.OK {
		s.env.Frames.Unshare(pa)
		return false
	}
	to.frames++
	to.settleUp()
	s.copies, to.copies = true, true
	if prot&paging.Copy == 0 {
		s.tables.Protect(s.env, page, mine)
		if prot&paging.Write != 0 {
			s.mustFlush(page, page+PageSize)
		}
	}
	return true
}

// tablesForPage is how many frames a page may cost at most: itself, and the tables above it but for the root.
const tablesForPage = 4

// ownAgain deals with a write to a page that the space owns together with others. false: it is none.
func (s *Space) ownAgain(page uint64, a *Area) (out Outcome, was bool) {
	pa, old, ok := s.tables.Lookup(s.env, page)
	if !ok || old&(paging.Copy|paging.Borrowed) != paging.Copy {
		return 0, false
	}
	prot := paging.Prot(a.Prot) | paging.User
	if n, _ := s.env.Frames.References(pa); n == 1 { // the others have copies, or are gone
		s.tables.Protect(s.env, page, prot)
		s.mustFlushHere(page, page+PageSize)
		return Resolved, true
	}
	own, code := s.env.Frames.Alloc(frame.User)
	if code != frame.OK {
		return NoMemory, true
	}
	s.env.Mem.Copy(own, pa)
	s.tables.Replace(s.env, page, own, prot)
	s.mustFlush(page, page+PageSize)
	s.forget() // before anybody writes what others would not see
	s.env.Frames.Unshare(pa)
	return Resolved, true
}
