// SPDX-License-Identifier: Apache-2.0

package space

import "loam/abi"

// MAdvise is madvise(2). MADV_DONTNEED and MADV_FREE both give the memory back
// at once, so that it reads as zero (an archive area, as its file) afterwards; a
// memory object keeps its content.
// MADV_HUGEPAGE and MADV_NOHUGEPAGE say which pages memory gets from then on; large
// ones that are there stay. EAGAIN: that has been said of too many ranges (maxWishes).
// ENOMEM also: no frame to split a large page.
// Advice that only asks for speed is accepted and ignored. What asks for an
// effect that isn't there is EINVAL, as on a Linux built without it.
func (s *Space) MAdvise(c *Call, addr abi.UserAddr, length, advice uint64) abi.Errno {
	drop, wish, want := false, false, AnyPages
	switch advice {
	case abi.MADV_DONTNEED, abi.MADV_FREE:
		drop = true
	case abi.MADV_HUGEPAGE:
		wish, want = true, LargePages
	case abi.MADV_NOHUGEPAGE:
		wish, want = true, SmallPages
	case abi.MADV_NORMAL, abi.MADV_RANDOM, abi.MADV_SEQUENTIAL, abi.MADV_WILLNEED,
		abi.MADV_DONTFORK, abi.MADV_DOFORK, abi.MADV_DONTDUMP, abi.MADV_DODUMP, abi.MADV_WIPEONFORK, abi.MADV_KEEPONFORK,
		abi.MADV_COLD, abi.MADV_PAGEOUT:
	default:
		return abi.EINVAL
	}
	start, size := uint64(addr), roundUp(length)
	end := start + size
	switch {
	case start%PageSize != 0 || length != 0 && size == 0 || end < start:
		return abi.EINVAL
	case start == end:
		return 0
	}
	if !s.ready(c) {
		return More
	}
	at := start
	if c.take(opAdvise, start, length, advice, 0) {
		at = c.at
	} else if advice == abi.MADV_FREE && s.areas.has(start, end, 1<<Archive|objects) {
		return abi.EINVAL
	}
	if last := min(end, s.high); drop && at < last {
		next, errno := s.dropPiece(at, last)
		switch {
		case errno != 0:
			return errno
		case next < last:
			return c.pause(opAdvise, next)
		}
	}
	// As on Linux, the parts that are mapped are dealt with before the error.
	if !s.areas.Covered(start, end) {
		return abi.ENOMEM
	}
	if wish {
		return s.wish(start, end, want)
	}
	return 0
}

// dropPiece gives back a piece of the pages of a range. ENOMEM, with nothing done:
// no frame to split a large page.
func (s *Space) dropPiece(start, end uint64) (next uint64, errno abi.Errno) {
	if !s.cut(start, end, unmapping) {
		return start, abi.ENOMEM
	}
	return s.unmapPages(start, end), 0
}

// Brk is brk(2) as the kernel does it: it moves the end of the heap to addr if
// it can, and returns where the end is then. The end moves first; what it gives
// up goes after that. The only error is More.
func (s *Space) Brk(c *Call, addr abi.UserAddr) (abi.UserAddr, abi.Errno) {
	if !s.ready(c) {
		return 0, More
	}
	want := uint64(addr)
	if c.take(opBrk, want, 0, 0, 0) {
		if s.unmap(c, opBrk, c.end) == More {
			return addr, More
		}
		return addr, 0
	}
	if want < s.brkStart || want > s.high || s.brkStart == 0 {
		return abi.UserAddr(s.brk), 0
	}
	errno, old, end := abi.Errno(0), roundUp(s.brk), roundUp(want)
	switch {
	case end < old:
		c.at, c.end = end, old
		errno = s.unmap(c, opBrk, old)
	case end > old:
		errno = s.Map(c, Area{Start: old, End: end, Prot: Read | Write, Kind: Heap})
	}
	if errno != 0 && errno != More {
		return abi.UserAddr(s.brk), 0
	}
	s.brk = want
	return addr, errno
}

// SetBrk says where the heap of Brk starts: behind the program.
func (s *Space) SetBrk(start uint64) { s.brkStart, s.brk = start, start }

// MinCore is mincore(2): for each page a byte at vec, 1 if it is in memory.
func (s *Space) MinCore(c *Call, addr abi.UserAddr, length uint64, vec abi.UserAddr) abi.Errno {
	start, size := uint64(addr), roundUp(length)
	at, end := start, start+size
	if c.take(opInCore, start, length, uint64(vec), 0) {
		at = c.at
	}
	switch {
	case start%PageSize != 0:
		return abi.EINVAL
	case !s.fits(start, length):
		return abi.ENOMEM
	case !vec.Below(s.high, size/PageSize):
		return abi.EFAULT
	case !s.areas.Covered(at, end):
		return abi.ENOMEM
	}
	var piece [256]byte
	n := min((end-at)/PageSize, s.most.pages, uint64(len(piece)))
	for i := range n {
		if _, _, ok := s.tables.Lookup(s.env, at+i*PageSize); ok {
			piece[i] = 1
		}
	}
	if errno := s.WriteUser(vec+abi.UserAddr((at-start)/PageSize), piece[:n]); errno != 0 {
		return errno
	}
	if at += n * PageSize; at < end {
		return c.pause(opInCore, at)
	}
	return 0
}
