// SPDX-License-Identifier: Apache-2.0

package space

import "loam/abi"

// The calls below take their arguments as the program gave them, raw; the
// order of the checks is Linux's, so that two faults in one call give the
// error that Linux gives. Each may answer More: see Call.

// Lowest and highest addresses of MAP_32BIT, as in Linux.
const (
	low32  = 1 << 30
	high32 = 1 << 31
)

// MMap is mmap(2) of anonymous memory. There are no files here: without
// MAP_ANONYMOUS it is EBADF. MAP_SHARED memory is that of this space alone.
// MAP_GROWSDOWN: see grow. Asking for Write and Exec at once is EACCES.
func (s *Space) MMap(c *Call, addr abi.UserAddr, length, prot, flags, offset uint64) (abi.UserAddr, abi.Errno) {
	if !s.ready(c) {
		return 0, More
	}
	if c.take(opMap, uint64(addr), length, prot, flags) {
		return s.mapFixed(c, Area{Start: uint64(addr), End: uint64(addr) + roundUp(length), Prot: Prot(c.end), Kind: Kind(c.end >> 8)}, c.at)
	}
	size := roundUp(length)
	switch {
	case offset%PageSize != 0:
		return 0, abi.EINVAL
	case flags&abi.MAP_ANONYMOUS == 0:
		return 0, abi.EBADF
	case length == 0:
		return 0, abi.EINVAL
	case size == 0 || size > s.high-s.low:
		return 0, abi.ENOMEM
	}
	start, errno := s.place(uint64(addr), size, flags)
	if errno != 0 {
		return 0, errno
	}
	kind := Anonymous
	if flags&abi.MAP_GROWSDOWN != 0 {
		kind = Growing
	}
	if t := flags & abi.MAP_TYPE; t != abi.MAP_PRIVATE && (t != abi.MAP_SHARED || kind == Growing) {
		return 0, abi.EINVAL
	}
	if flags&abi.MAP_HUGETLB != 0 {
		return 0, abi.ENOMEM
	}
	p, errno := parseProt(prot)
	if errno != 0 {
		return 0, errno
	}
	if s.areas.Free(start, start+size) {
		if !s.areas.Supply(1) {
			return 0, abi.ENOMEM
		}
		s.areas.Insert(Area{Start: start, End: start + size, Prot: p, Kind: kind})
		return abi.UserAddr(start), 0
	}
	return s.mapFixed(c, Area{Start: start, End: start + size, Prot: p, Kind: kind}, start)
}

// mapFixed puts a piece of the area a where others may be, from at on. What is
// before at is the new area's, what is behind the old ones', at any time.
func (s *Space) mapFixed(c *Call, a Area, at uint64) (abi.UserAddr, abi.Errno) {
	next, errno := s.replacePiece(a, at)
	if errno == 0 && next < a.End {
		c.end = uint64(a.Prot) | uint64(a.Kind)<<8
		errno = c.pause(opMap, next)
	}
	return abi.UserAddr(a.Start), errno
}

// Map puts an area where it says, for the kernel's own use: the segments of a
// program, its stack, a memory object, which the caller has a reference to.
// EINVAL: not page-aligned, empty, out of the space, more bytes than the area
// has room for, or not inside of the object. EEXIST: something is there. EACCES:
// Write with Exec, or a right that it denies. ENOMEM: no node left. EBUSY: it may
// write a memory object whose frames others share (memory.Objects.MayWrite).
func (s *Space) Map(c *Call, a Area) abi.Errno {
	if errno := s.check(a); errno != 0 {
		return errno
	}
	p, _ := parseProt(uint64(a.Prot))
	switch {
	case !s.ready(c):
		return More
	case !s.areas.Free(a.Start, a.End):
		return abi.EEXIST
	case !s.areas.Supply(1):
		return abi.ENOMEM
	case a.mayWrite() && !s.objects.MayWrite(a.Object):
		return abi.EBUSY
	}
	a.Prot = p
	s.attach(a)
	s.areas.Insert(a)
	return 0
}

// check makes the checks of Map that are about the area alone.
func (s *Space) check(a Area) abi.Errno {
	switch {
	case (a.Start|a.End|a.Phys)%PageSize != 0 || a.Start >= a.End || a.Start < s.low || a.End > s.high,
		a.Bytes > a.Size(), a.Kind != Archive && a.Phys|a.Bytes != 0,
		a.hasObject() && (!s.inObject(a) || s.objects.Device(a.Object) != (a.Kind == Device)), !a.hasObject() && (a.Object != 0 || a.Offset != 0):
		return abi.EINVAL
	}
	p, errno := parseProt(uint64(a.Prot))
	switch {
	case errno != 0:
		return errno
	case p&a.Deny != 0:
		return abi.EACCES
	}
	return 0
}

// MapAnywhere is Map at an address of the space's choice, as MMap chooses one;
// the area's Start and End say only its size.
func (s *Space) MapAnywhere(c *Call, a Area) (start uint64, errno abi.Errno) {
	if !s.ready(c) {
		return 0, More
	}
	size := a.Size()
	start, ok := s.Vacant(size)
	if !ok {
		return 0, abi.ENOMEM
	}
	a.Start, a.End = start, start+size
	return start, s.Map(c, a)
}

// Vacant gives the place that MapAnywhere would choose for an area of size bytes.
// ok is false if there is none.
func (s *Space) Vacant(size uint64) (start uint64, ok bool) {
	start, ok = s.room(s.low, s.high, size)
	return start, ok && size != 0
}

// MapStack puts a stack of size bytes below end and a guard below that.
// The errors are those of Map.
func (s *Space) MapStack(c *Call, end, size, guard uint64) abi.Errno {
	if end > s.high || size > end || guard > end-size {
		return abi.EINVAL
	}
	start := end - size
	if errno := s.Map(c, Area{Start: start, End: end, Prot: Read | Write, Kind: Stack}); errno != 0 {
		return errno
	}
	errno := s.Map(c, Area{Start: start - guard, End: start, Kind: Guard})
	if errno != 0 {
		s.remove(start, end)
	}
	return errno
}

// place chooses the address of a mapping.
func (s *Space) place(addr, size, flags uint64) (uint64, abi.Errno) {
	if flags&(abi.MAP_FIXED|abi.MAP_FIXED_NOREPLACE) != 0 {
		switch {
		case !s.fits(addr, size):
			return 0, abi.ENOMEM
		case addr%PageSize != 0:
			return 0, abi.EINVAL
		case addr < s.low:
			return 0, abi.EPERM
		case flags&abi.MAP_FIXED_NOREPLACE != 0 && !s.areas.Free(addr, addr+size):
			return 0, abi.EEXIST
		}
		return addr, 0
	}
	first, last := s.low, s.high
	if flags&abi.MAP_32BIT != 0 {
		first, last = max(first, low32), min(last, high32)
	} else if hint := roundUp(addr); hint >= s.low && s.fits(hint, size) && s.areas.Free(hint, hint+size) && !s.inGap(hint+size) {
		return hint, 0
	}
	if start, ok := s.room(first, last, size); ok {
		return start, 0
	}
	return 0, abi.ENOMEM
}

// fits reports whether size bytes from addr on end inside the space.
func (s *Space) fits(addr, size uint64) bool {
	return size <= s.high && addr <= s.high-size
}

// MUnmap is munmap(2). Each piece is gone as a whole, and may be somebody
// else's the next moment: the call goes on behind it.
func (s *Space) MUnmap(c *Call, addr abi.UserAddr, length uint64) abi.Errno {
	start, size := uint64(addr), roundUp(length)
	if start%PageSize != 0 || size == 0 || length > s.high || !s.fits(start, size) {
		return abi.EINVAL
	}
	if !s.ready(c) {
		return More
	}
	if !c.take(opUnmap, start, length, 0, 0) {
		c.at = start
	}
	return s.unmap(c, opUnmap, start+size)
}

// unmap makes a piece of a call that empties the range from c.at up to end,
// inside of the space's limit. The errors are those of unmapPiece.
func (s *Space) unmap(c *Call, o op, end uint64) abi.Errno {
	next, errno := s.unmapPiece(c.at, end)
	if errno == 0 && next < end {
		errno = c.pause(o, next)
	}
	return errno
}

// MProtect is mprotect(2). With PROT_GROWSDOWN its range begins where the area that
// grows does (EINVAL: it doesn't). It changes nothing if a part of the range isn't
// mapped (ENOMEM), and refuses Write with Exec, what an area denies, and registers of
// a device (EACCES).
// ENOMEM from a later
// piece, when nodes have run out or others have unmapped a part of the range,
// leaves the earlier ones done, as on Linux.
func (s *Space) MProtect(c *Call, addr abi.UserAddr, length, prot uint64) abi.Errno {
	const grows = abi.PROT_GROWSDOWN | abi.PROT_GROWSUP
	start, size := uint64(addr), roundUp(length)
	switch {
	case prot&grows == grows || start%PageSize != 0:
		return abi.EINVAL
	case length == 0:
		return 0
	case start+size <= start:
		return abi.ENOMEM
	case prot&^(abi.PROT_READ|abi.PROT_WRITE|abi.PROT_EXEC|abi.PROT_SEM|grows) != 0:
		return abi.EINVAL
	}
	if !s.ready(c) {
		return More
	}
	end := start + size
	again := c.take(opProtect, start, length, prot, 0)
	if again {
		start = c.at
	}
	if !s.areas.Covered(start, end) {
		return abi.ENOMEM
	}
	if prot&grows != 0 && !again {
		a, _ := s.areas.Find(start)
		if a.Kind != Growing || prot&abi.PROT_GROWSUP != 0 { // no area grows up
			return abi.EINVAL
		}
		start = a.Start
	}
	p, errno := parseProt(prot)
	switch {
	case errno != 0:
		return errno
	case s.areas.has(start, end, denied*marks(p)|1<<Device): // whose entries are more than rights
		return abi.EACCES
	}
	next, errno := s.protectPiece(start, end, p)
	if errno == 0 && next < end {
		errno = c.pause(opProtect, next)
	}
	return errno
}

// parseProt turns rights as a program asks for them into those that it gets.
func parseProt(prot uint64) (Prot, abi.Errno) {
	p := Prot(prot) & (Read | Write | Exec)
	if p&(Write|Exec) == Write|Exec {
		return 0, abi.EACCES
	}
	if p != 0 {
		p |= Read
	}
	return p, 0
}

// roundUp rounds up to whole pages; it is 0 when that wraps.
func roundUp(n uint64) uint64 { return (n + pageMask) &^ pageMask }
