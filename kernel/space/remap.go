// SPDX-License-Identifier: Apache-2.0

package space

import "loam/abi"

// MRemap is mremap(2), without MREMAP_DONTUNMAP (EINVAL). It is EINVAL to have
// more of a memory object than there is.
func (s *Space) MRemap(c *Call, addr abi.UserAddr, oldLength, newLength, flags uint64, newAddr abi.UserAddr) (abi.UserAddr, abi.Errno) {
	if !s.ready(c) {
		return 0, More
	}
	start, target := uint64(addr), uint64(newAddr)
	oldSize, newSize := roundUp(oldLength), roundUp(newLength)
	if c.take(opRemap, start, oldLength, newLength, target^flags) {
		if c.move != 0 {
			return abi.UserAddr(c.to), c.errno
		}
		return addr, s.unmap(c, opRemap, start+oldSize) // it shrinks
	}
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
		c.at = start + newSize
		return addr, s.unmap(c, opRemap, start+oldSize)
	}
	switch {
	case oldSize == 0: // asks for a second mapping of shared memory
		return 0, abi.EINVAL
	case oldSize > a.End-start: // spans more than one area
		return 0, abi.EFAULT
	case newSize > s.high:
		return 0, abi.ENOMEM
	case a.Kind == Device || a.hasObject() && newSize > oldSize && !s.inObject(resized(a.from(start), newSize)):
		return 0, abi.EINVAL
	}
	if !fixed && s.growsInPlace(a, start+oldSize, start+newSize) {
		if !s.areas.Supply(1) {
			return 0, abi.ENOMEM
		}
		s.extend(a, start+newSize)
		return addr, 0
	}
	if !mayMove {
		return 0, abi.ENOMEM
	}
	if !s.areas.Supply(moveNodes) {
		return 0, abi.ENOMEM
	}
	m := move{call: c, phase: clearing, source: start, sourceEnd: start + oldSize,
		target: target, targetEnd: target + newSize, size: min(oldSize, newSize), at: target}
	if !fixed {
		if m.target, ok = s.room(s.low, s.high, newSize); !ok {
			return 0, abi.ENOMEM
		}
		m.targetEnd = m.target + newSize
		m.at = m.targetEnd // nothing to clear
	}
	return s.startMove(c, m)
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

// extend has the area a go on to end, where there is room. What an archive area
// gets in addition is zero, as no file goes on there.
func (s *Space) extend(a Area, end uint64) {
	x := Area{Start: a.End, End: end, Prot: a.Prot, Deny: a.Deny, Kind: a.Kind}
	switch a.Kind {
	case Archive:
		x.Phys = a.Phys + a.Size()
	case Object, Private:
		x.Object, x.Offset = a.Object, a.Offset+a.Size()
	}
	s.attach(x)
	s.areas.Insert(x)
}

// resized is the area a with another size.
func resized(a Area, size uint64) Area {
	a.End = a.Start + size
	return a
}
