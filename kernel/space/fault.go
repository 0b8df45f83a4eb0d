// SPDX-License-Identifier: Apache-2.0

package space

import (
	"loam/machine/frame"
	"loam/machine/paging"
)

// Outcome is what became of a page fault.
type Outcome uint8

// The outcomes.
const (
	Resolved  Outcome = iota // the access can be tried again
	MapErr                   // nothing is there: SIGSEGV with SEGV_MAPERR
	AccErr                   // the area forbids it: SIGSEGV with SEGV_ACCERR
	NoMemory                 // the machine has no frame
	OverQuota                // the space, or who pays for it or for a memory object, has all it may have: SIGBUS with BUS_ADRERR
	Absent                   // a pager has to bring the page: TakeAbsent says which
)

// String names the outcome.
func (o Outcome) String() string {
	switch o {
	case Resolved:
		return "resolved"
	case MapErr:
		return "nothing mapped"
	case AccErr:
		return "access forbidden"
	case NoMemory:
		return "out of memory"
	case OverQuota:
		return "quota exceeded"
	case Absent:
		return "absent"
	}
	return "unknown"
}

// aroundSize is how much of an archive file one fault maps, aligned to itself.
const aroundSize = 16 * PageSize

// Fault makes the page of va ready for an access: Read, Write or Exec. It is
// the handler of user page faults, and is harmless if the page was ready. Resolved
// may also mean that a piece of a large page was made: the access faults again.
func (s *Space) Fault(va uint64, access Prot) Outcome { return s.fault(va, access, true) }

// fault is Fault. Without large, as for the kernel's own accesses, the page is
// ready when it is Resolved.
func (s *Space) fault(va uint64, access Prot, large bool) Outcome {
	n := s.areas.at(va)
	if n == nil {
		if n = s.grow(va); n == nil {
			return MapErr
		}
	}
	if n.area.Prot&access != access || access == 0 {
		return AccErr
	}
	page := va &^ pageMask
	if s.move.phase >= preparing && !s.faultInMove(page) {
		return NoMemory
	}
	var out Outcome
	if s.copies && access&Write != 0 {
		if out, was := s.ownAgain(page, &n.area); was {
			if out == Resolved {
				s.faults++
			}
			return out
		}
	}
	switch {
	case n.area.Kind == Archive && page-n.area.Start < n.area.Bytes:
		out = s.faultFile(page, &n.area, access)
	case !n.area.hasObject():
		out = s.faultZero(page, &n.area, large)
	case n.area.Kind == Private:
		out = s.faultPrivate(page, &n.area, access)
	case n.area.Kind == Device:
		out = s.faultDevice(page, &n.area)
	default:
		out = s.faultObject(page, &n.area)
	}
	s.settleUp()
	switch {
	case out == Resolved:
		s.faults++
	case s.fill.pa != 0 && (out == NoMemory || out == OverQuota):
		// Its frames nobody has yet. A small page then: a large one would be begun
		// again, and given up again by the next fault.
		s.giveUpFill()
		return s.fault(va, access, false)
	}
	return out
}

// Stored reports whether the frame of va may have been stored to: it is not the boot
// archive's own.
func (s *Space) Stored(va uint64) bool {
	n := s.areas.at(va)
	_, prot, ok := s.tables.Lookup(s.env, va&^pageMask)
	return n != nil && ok && (n.area.Kind != Archive || prot&paging.Borrowed == 0)
}

// faultZero gives a page zeroed memory. It tries the usual case, that nothing
// is mapped, and finds out otherwise from the page tables.
func (s *Space) faultZero(page uint64, a *Area, large bool) Outcome {
	if s.frames >= s.granted && !s.grant(1) {
		return s.refault(page, a.Prot, OverQuota)
	}
	pa, code := s.env.Frames.Alloc(frame.User)
	if code != frame.OK {
		return s.refault(page, a.Prot, NoMemory)
	}
	s.env.Mem.Zero(pa)
	if code := s.tables.MapInto(s.env, page, pa, paging.Prot(a.Prot)|paging.User); code != paging.OK {
		return s.faultTable(page, pa, a, large && code == paging.NoTable)
	}
	s.frames++
	return Resolved
}

// faultTable is the rest of faultZero where there is no leaf table, or something
// is mapped already.
func (s *Space) faultTable(page, pa uint64, a *Area, large bool) Outcome {
	if large && s.wantsLarge(page, a) {
		s.env.Frames.Free(pa, frame.User)
		return s.fillPiece()
	}
	if s.tables.Map(s.env, page, pa, paging.Prot(a.Prot)|paging.User) != paging.OK {
		s.env.Frames.Free(pa, frame.User)
		return s.refault(page, a.Prot, NoMemory)
	}
	s.frames++
	return Resolved
}

// refault deals with a page that can't get a frame: all is well if it has one,
// as after a fault on two processors at once or with a stale translation. Else
// the outcome is what is given.
func (s *Space) refault(page uint64, prot Prot, out Outcome) Outcome {
	_, old, ok := s.tables.Lookup(s.env, page)
	if !ok {
		return out
	}
	return s.widen(page, prot, old)
}

// widen gives a mapped page the rights of its area, as far as it need not be
// copied for that, and has its translation flushed. (Protect refuses a large page,
// which has them.)
func (s *Space) widen(page uint64, prot Prot, old paging.Prot) Outcome {
	p := paging.Prot(prot) | paging.User | old&(paging.Copy|paging.Borrowed|paging.Device)
	if old&paging.Copy != 0 {
		p &^= paging.Write
	}
	s.tables.Protect(s.env, page, p)
	s.mustFlushHere(page, page+PageSize)
	s.local.Tables = s.local.Tables || p == old // what was stale is another entry, perhaps
	return Resolved
}

// faultFile makes a page that holds bytes of a file ready.
func (s *Space) faultFile(page uint64, a *Area, access Prot) Outcome {
	off := page - a.Start
	whole := a.Bytes-off >= PageSize
	_, old, mapped := s.tables.Lookup(s.env, page)
	switch {
	case mapped && (access&Write == 0 || old&paging.Copy == 0):
		return s.widen(page, a.Prot, old)
	case !mapped && access&Write == 0 && whole:
		switch {
		case s.full(page):
			return OverQuota
		case s.env.Frames.Scarce():
			return NoMemory
		}
		return s.mapAround(page, a)
	}
	pa, out := s.ownFrame()
	if out != Resolved {
		return out
	}
	mem := s.env.Mem
	if whole {
		mem.Copy(pa, a.Phys+off)
	} else {
		mem.Fill(pa, mem.Bytes(a.Phys+off, a.Bytes-off))
	}
	return s.mapOwn(page, pa, a, mapped)
}

// ownFrame gives the space a frame for the copy of a page. It counts when it is
// mapped (mapOwn).
func (s *Space) ownFrame() (pa uint64, out Outcome) {
	if s.frames >= s.granted && !s.grant(1) {
		return 0, OverQuota
	}
	pa, code := s.env.Frames.Alloc(frame.User)
	if code != frame.OK {
		return 0, NoMemory
	}
	return pa, Resolved
}

// mapOwn maps the frame that ownFrame gave, with its content, in place of what the
// page has borrowed if it is mapped.
func (s *Space) mapOwn(page, pa uint64, a *Area, mapped bool) Outcome {
	prot := paging.Prot(a.Prot) | paging.User
	if mapped { // borrowed: nothing to give back
		s.tables.Replace(s.env, page, pa, prot)
		s.frames++
		s.mustFlush(page, page+PageSize)
		s.forget() // before anybody writes what others would not see
		return Resolved
	}
	if s.tables.Map(s.env, page, pa, prot) != paging.OK {
		s.env.Frames.Free(pa, frame.User)
		return NoMemory
	}
	s.frames++
	return Resolved
}

// mapAround maps the whole file pages around one that isn't mapped.
func (s *Space) mapAround(page uint64, a *Area) Outcome {
	va := max(page&^(aroundSize-1), a.Start)
	end := min(page&^(aroundSize-1)+aroundSize, a.Start+a.Bytes&^pageMask)
	if s.move.phase == moving { // what is around may be still to come
		va, end = page, page+PageSize
	}
	prot := paging.Prot(a.Prot&^Write) | paging.User | paging.Copy | paging.Borrowed
	for va < end {
		n, code := s.tables.MapRange(s.env, va, a.Phys+va-a.Start, end-va, prot, 0)
		va += n
		switch {
		case code == paging.Mapped:
			va += PageSize
		case code != paging.OK && va <= page:
			return NoMemory
		case code != paging.OK:
			return Resolved
		}
	}
	return Resolved
}
