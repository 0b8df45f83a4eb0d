// SPDX-License-Identifier: Apache-2.0

package space

import "loam/abi"

// MAdvise is madvise(2). MADV_DONTNEED and MADV_FREE both give the memory back
// at once, so that it reads as zero (an archive area, as its file) afterwards.
// Advice that only asks for speed is accepted and ignored. What asks for an
// effect that isn't there is EINVAL, as on a Linux built without it.
func (s *Space) MAdvise(addr abi.UserAddr, length, advice uint64) abi.Errno {
	drop := false
	switch advice {
	case abi.MADV_DONTNEED, abi.MADV_FREE:
		drop = true
	case abi.MADV_NORMAL, abi.MADV_RANDOM, abi.MADV_SEQUENTIAL, abi.MADV_WILLNEED,
		abi.MADV_DONTFORK, abi.MADV_DOFORK, abi.MADV_HUGEPAGE, abi.MADV_NOHUGEPAGE,
		abi.MADV_DONTDUMP, abi.MADV_DODUMP, abi.MADV_WIPEONFORK, abi.MADV_KEEPONFORK,
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
	if advice == abi.MADV_FREE && s.hasArchive(start, end) {
		return abi.EINVAL
	}
	// As on Linux, the parts that are mapped are dealt with before the error.
	holes := !s.areas.Covered(start, end)
	if last := min(end, s.high); drop && start < last {
		s.unmapPages(start, last)
	}
	if holes {
		return abi.ENOMEM
	}
	return 0
}

func (s *Space) hasArchive(start, end uint64) bool {
	for start < end {
		a, ok := s.areas.Next(start)
		if !ok || a.Start >= end {
			return false
		}
		if a.Kind == Archive {
			return true
		}
		start = a.End
	}
	return false
}

// Brk is brk(2) as the kernel does it: it moves the end of the heap to addr if
// it can, and returns where the end is then.
func (s *Space) Brk(addr abi.UserAddr) abi.UserAddr {
	want := uint64(addr)
	if want < s.brkStart || want > s.high || s.brkStart == 0 {
		return abi.UserAddr(s.brk)
	}
	old, end := roundUp(s.brk), roundUp(want)
	switch {
	case end < old:
		if s.unmap(end, old) != 0 {
			return abi.UserAddr(s.brk)
		}
	case end > old:
		if s.Map(Area{Start: old, End: end, Prot: Read | Write, Kind: Heap}) != 0 {
			return abi.UserAddr(s.brk)
		}
	}
	s.brk = want
	return abi.UserAddr(want)
}

// SetBrk says where the heap of Brk starts: behind the program.
func (s *Space) SetBrk(start uint64) { s.brkStart, s.brk = start, start }

// MinCore is mincore(2): for each page a byte at vec, 1 if it is in memory.
func (s *Space) MinCore(addr abi.UserAddr, length uint64, vec abi.UserAddr) abi.Errno {
	start, size := uint64(addr), roundUp(length)
	switch {
	case start%PageSize != 0:
		return abi.EINVAL
	case !s.fits(start, length):
		return abi.ENOMEM
	case !vec.Below(s.high, size/PageSize):
		return abi.EFAULT
	case !s.areas.Covered(start, start+size):
		return abi.ENOMEM
	}
	var piece [256]byte
	for end := start + size; start < end; {
		n := min((end-start)/PageSize, uint64(len(piece)))
		for i := range n {
			_, _, ok := s.tables.Lookup(s.env, start+i*PageSize)
			piece[i] = 0
			if ok {
				piece[i] = 1
			}
		}
		if errno := s.WriteUser(vec, piece[:n]); errno != 0 {
			return errno
		}
		start += n * PageSize
		vec += abi.UserAddr(n)
	}
	return 0
}
