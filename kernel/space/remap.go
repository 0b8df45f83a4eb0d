// SPDX-License-Identifier: Apache-2.0

package space

import (
	"loam/abi"
	"loam/machine/paging"
)

// MRemap is mremap(2), without MREMAP_DONTUNMAP (EINVAL).
func (s *Space) MRemap(addr abi.UserAddr, oldLength, newLength, flags uint64, newAddr abi.UserAddr) (abi.UserAddr, abi.Errno) {
	start, target := uint64(addr), uint64(newAddr)
	oldSize, newSize := roundUp(oldLength), roundUp(newLength)
	mayMove, fixed := flags&abi.MREMAP_MAYMOVE != 0, flags&abi.MREMAP_FIXED != 0
	switch {
	case flags&^(abi.MREMAP_MAYMOVE|abi.MREMAP_FIXED) != 0,
		fixed && !mayMove,
		start%PageSize != 0,
		newSize == 0:
		return 0, abi.EINVAL
	}
	a, ok := s.areas.Find(start)
	if !ok {
		return 0, abi.EFAULT
	}
	if fixed {
		if errno := s.checkTarget(start, oldSize, target, newSize); errno != 0 {
			return 0, errno
		}
	}
	if newSize <= oldSize && !fixed {
		if newSize == oldSize {
			return addr, 0
		}
		if !s.fits(start, oldSize) {
			return 0, abi.EINVAL
		}
		return addr, s.unmap(start+newSize, start+oldSize)
	}
	switch {
	case oldSize == 0: // asks for a second mapping of shared memory
		return 0, abi.EINVAL
	case oldSize > a.End-start: // spans more than one area
		return 0, abi.EFAULT
	case newSize > s.high:
		return 0, abi.ENOMEM
	}
	if !fixed && s.growsInPlace(a, start+oldSize, start+newSize) {
		if !s.areas.Supply(1) {
			return 0, abi.ENOMEM
		}
		s.areas.Insert(extension(a, start+newSize))
		return addr, 0
	}
	if !mayMove {
		return 0, abi.ENOMEM
	}
	return s.move(a, start, oldSize, newSize, target, fixed)
}

// checkTarget checks where MREMAP_FIXED wants the memory to go.
func (s *Space) checkTarget(start, oldSize, target, newSize uint64) abi.Errno {
	switch {
	case target%PageSize != 0 || !s.fits(target, newSize),
		start < target+newSize && target < start+oldSize: // overwrites itself
		return abi.EINVAL
	case target < s.low:
		return abi.EPERM
	}
	return 0
}

// growsInPlace reports whether the area a, of which the range up to oldEnd is
// to grow to newEnd, ends there and has room behind it.
func (s *Space) growsInPlace(a Area, oldEnd, newEnd uint64) bool {
	return oldEnd == a.End && newEnd <= s.high && newEnd > oldEnd && s.areas.Free(oldEnd, newEnd)
}

// extension is the area that makes a end at end once joined. What an archive
// area gets in addition is zero, as no file goes on there.
func extension(a Area, end uint64) Area {
	x := Area{Start: a.End, End: end, Prot: a.Prot, Kind: a.Kind}
	if a.Kind == Archive {
		x.Phys = a.Phys + a.Size()
	}
	return x
}

// move moves a part of the area a elsewhere. It needs up to four nodes: for
// the new area and its extension, and for splits at both places.
func (s *Space) move(a Area, start, oldSize, newSize, target uint64, fixed bool) (abi.UserAddr, abi.Errno) {
	if !s.areas.Supply(4) {
		return 0, abi.ENOMEM
	}
	if fixed {
		s.unmap(target, target+newSize)
	} else {
		var ok bool
		if target, ok = s.areas.Room(s.low, s.high, newSize); !ok {
			return 0, abi.ENOMEM
		}
	}
	if newSize < oldSize { // only when fixed
		s.unmap(start+newSize, start+oldSize)
		oldSize = newSize
	}
	if !s.movePages(start, start+oldSize, target) {
		return 0, abi.ENOMEM
	}
	moved := a.from(start).upTo(start + oldSize)
	s.areas.Remove(start, start+oldSize)
	moved.Start, moved.End = target, target+oldSize
	s.areas.Insert(moved)
	if newSize > oldSize {
		s.areas.Insert(extension(moved, target+newSize))
	}
	return abi.UserAddr(target), 0
}

// movePages moves the mapped pages of a range to an empty one, or else, when
// there is no frame for a table, none of them.
func (s *Space) movePages(start, end, target uint64) bool {
	before := s.owned()
	va, ok := s.tables.Seek(s.env, start, end)
	for ok && s.movePage(va, va-start+target) {
		va, ok = s.tables.Seek(s.env, va+PageSize, end)
	}
	if ok { // back, for which the tables are there
		stop := va
		va, more := s.tables.Seek(s.env, target, target+stop-start)
		for more {
			s.movePage(va, va-target+start)
			va, more = s.tables.Seek(s.env, va+PageSize, target+stop-start)
		}
		s.charge(before)
		s.unmapPages(target, target+end-start) // the empty tables
		return false
	}
	s.charge(before)
	s.mustFlush(start, end)
	s.unmapPages(start, end)
	return true
}

func (s *Space) movePage(from, to uint64) bool {
	pa, prot, code := s.tables.Unmap(s.env, from)
	if code != paging.OK {
		return false
	}
	prot |= paging.User // which a page without rights doesn't show
	if s.tables.Map(s.env, to, pa, prot) == paging.OK {
		return true
	}
	s.tables.Map(s.env, from, pa, prot) // its table is still there
	return false
}
