// SPDX-License-Identifier: Apache-2.0

package space

import (
	"loam/abi"
	"loam/kernel/memory"
	"loam/machine/paging"
)

// Areas of memory objects. The object knows how many of its pages areas map,
// whichever spaces they are in, and takes no frame away as long as there are
// any: page tables borrow its frames.

// objects marks the areas that have one.
const objects marks = 1<<Object | 1<<Private | 1<<Device

// inObject reports whether the object of an area has all that the area
// shows, or may have it one day.
func (s *Space) inObject(a Area) bool {
	if s.objects == nil || a.Offset%PageSize != 0 {
		return false
	}
	bytes := s.objects.Pages(a.Object) * PageSize
	if s.objects.Open(a.Object) {
		bytes = memory.MaxPages * PageSize
	}
	return a.Offset <= bytes && a.Size() <= bytes-a.Offset
}

// attach tells the object of a new area of it.
func (s *Space) attach(a Area) {
	s.devices = s.devices || a.Kind == Device
	if a.hasObject() {
		s.objects.Attach(a.Object, a.Size()/PageSize, a.mayWrite())
		s.paged = s.paged || s.objects.Paged(a.Object)
	}
}

// remove empties a range of a few areas, whose pages have gone, and tells the
// objects of it.
func (s *Space) remove(start, end uint64) {
	if s.areas.has(start, end, objects) {
		for at := start; ; {
			a, ok := s.areas.Next(at)
			if !ok || a.Start >= end {
				break
			}
			if a.hasObject() {
				s.objects.Detach(a.Object, (min(a.End, end)-max(a.Start, start))/PageSize, a.mayWrite())
			}
			at = a.End
		}
	}
	s.areas.Remove(start, end)
}

// faultObject maps a page of a memory object, which gets a frame if it has none. It
// tries the usual case, that nothing is mapped, and finds out otherwise from the
// page tables.
func (s *Space) faultObject(page uint64, a *Area) Outcome {
	return s.borrow(page, a, paging.Prot(a.Prot)|paging.User|paging.Borrowed)
}

// faultDevice maps a page of a device's registers, uncached.
func (s *Space) faultDevice(page uint64, a *Area) Outcome {
	return s.borrow(page, a, paging.Prot(a.Prot)|paging.User|paging.Borrowed|paging.Device)
}

// inDevice reports whether va is a register of a device. The kernel doesn't go there
// for a program: there is no memory, a read may have an effect, and the direct map
// ends before.
func (s *Space) inDevice(va uint64) bool {
	n := s.areas.at(va)
	return n != nil && n.area.Kind == Device
}

// faultPrivate is faultObject for a private area, of which a page that is written
// is copied.
func (s *Space) faultPrivate(page uint64, a *Area, access Prot) Outcome {
	_, old, mapped := s.tables.Lookup(s.env, page)
	switch {
	case mapped && (access&Write == 0 || old&paging.Copy == 0):
		return s.widen(page, a.Prot, old)
	case access&Write != 0:
		return s.copyObject(page, a, mapped)
	}
	prot := paging.Prot(a.Prot&^Write) | paging.User | paging.Borrowed | paging.Copy
	out := s.borrow(page, a, prot)
	if out == Resolved && s.move.phase != moving { // what is around may be still to come
		s.borrowAround(page, a, prot)
	}
	return out
}

// borrowAround maps the pages around one, as far as the object has them and they
// need no table: programs read text and data where they have read some.
func (s *Space) borrowAround(page uint64, a *Area, prot paging.Prot) {
	end := min(page&^(aroundSize-1)+aroundSize, a.End)
	for va := max(page&^(aroundSize-1), a.Start); va < end; va += PageSize {
		if pa, ok := s.objects.Ready(a.Object, (a.Offset+va-a.Start)/PageSize); ok {
			s.tables.MapInto(s.env, va, pa, prot) // unless something is there
		}
	}
}

// borrow maps the object's frame of a page.
func (s *Space) borrow(page uint64, a *Area, prot paging.Prot) Outcome {
	pa, errno := s.objects.Page(a.Object, (a.Offset+page-a.Start)/PageSize)
	switch errno {
	case 0:
	case abi.ENOMEM:
		return NoMemory
	case memory.Absent:
		return s.miss(page, a)
	default:
		return OverQuota
	}
	code := s.tables.MapInto(s.env, page, pa, prot)
	if code == paging.NoTable {
		switch {
		case s.full(page):
			return OverQuota
		case s.env.Frames.Scarce(): // the table comes from the reserve
			return NoMemory
		}
		code = s.tables.Map(s.env, page, pa, prot)
	}
	switch code {
	case paging.OK:
		return Resolved
	case paging.Mapped:
		_, old, _ := s.tables.Lookup(s.env, page)
		return s.widen(page, a.Prot, old)
	}
	return NoMemory
}

// copyObject gives a page of a private area a frame of the space's own, with what
// the object has there: zeroes if it has no frame, which it need not get unless a
// pager brings it.
func (s *Space) copyObject(page uint64, a *Area, mapped bool) Outcome {
	at := (a.Offset + page - a.Start) / PageSize
	if at >= s.objects.Pages(a.Object) {
		return OverQuota
	}
	from, ok := s.objects.Lookup(a.Object, at)
	if !ok && s.objects.Paged(a.Object) {
		return s.miss(page, a)
	}
	pa, out := s.ownFrame()
	if out != Resolved {
		return out
	}
	if ok {
		s.env.Mem.Copy(pa, from)
	} else {
		s.env.Mem.Zero(pa)
	}
	return s.mapOwn(page, pa, a, mapped)
}
