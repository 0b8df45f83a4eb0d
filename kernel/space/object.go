// SPDX-License-Identifier: Apache-2.0

package space

import (
	"loam/abi"
	"loam/machine/paging"
)

// Areas of memory objects. The object knows how many of its pages areas map,
// whichever spaces they are in, and takes no frame away as long as there are
// any: page tables borrow its frames.

// inObject reports whether the object of an Object area has all that the area
// shows.
func (s *Space) inObject(a Area) bool {
	if s.objects == nil || a.Offset%PageSize != 0 {
		return false
	}
	bytes := s.objects.Pages(a.Object) * PageSize
	return a.Offset <= bytes && a.Size() <= bytes-a.Offset
}

// attach tells the object of a new area of it.
func (s *Space) attach(a Area) {
	if a.Kind == Object {
		s.objects.Attach(a.Object, a.Size()/PageSize)
	}
}

// remove empties a range of a few areas, whose pages have gone, and tells the
// objects of it.
func (s *Space) remove(start, end uint64) {
	if s.areas.has(start, end, 1<<Object) {
		for at := start; ; {
			a, ok := s.areas.Next(at)
			if !ok || a.Start >= end {
				break
			}
			if a.Kind == Object {
				s.objects.Detach(a.Object, (min(a.End, end)-max(a.Start, start))/PageSize)
			}
			at = a.End
		}
	}
	s.areas.Remove(start, end)
}

// faultObject maps a page of a memory object, which gets a frame if it has none.
func (s *Space) faultObject(page uint64, a *Area) Outcome {
	prot := paging.Prot(a.Prot) | paging.User | paging.Borrowed
	if _, old, mapped := s.tables.Lookup(s.env, page); mapped {
		return s.widen(page, a.Prot, old)
	}
	if s.env.Frames.Scarce() { // the table comes from the reserve
		return NoMemory
	}
	pa, errno := s.objects.Page(a.Object, (a.Offset+page-a.Start)/PageSize)
	switch errno {
	case 0:
	case abi.ENOMEM:
		return NoMemory
	default:
		return OverQuota
	}
	if s.tables.Map(s.env, page, pa, prot) != paging.OK {
		return NoMemory
	}
	return Resolved
}
