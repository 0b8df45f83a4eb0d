// SPDX-License-Identifier: Apache-2.0

package space

import (
	"loam/abi"
	"loam/machine/frame"
	"loam/machine/paging"
)

// FlushDue reports whether TakeFlush has something to say.
func (s *Space) FlushDue() bool { return s.flush.Start < s.flush.End }

// pairSize is the size of two words, the shape of a time.
const pairSize = 16

// HotPair reports whether two words at va lie in the page that the kernel
// reached last, and that page can be written; HotWord then gives where they are
// in physical memory. Together they are the short way to store a call's answer,
// small enough to be inlined. WriteUser is the long way.
func (s *Space) HotPair(va abi.UserAddr) (off uint64, ok bool) {
	off = uint64(va) - s.hot.page
	return off, off < s.hot.pairs
}

// HotWord gives the physical address of what HotPair found at off.
func (s *Space) HotWord(off uint64) uint64 { return s.hot.pa + off }

// Physical returns the physical address of the byte at va, which stays while
// the page is mapped: a page that is copied on its first write is copied now.
// A page that can't be written is made ready for reading.
func (s *Space) Physical(va abi.UserAddr) (uint64, abi.Errno) {
	pa, errno := s.translate(uint64(va), Write)
	if errno == abi.EFAULT {
		return s.translate(uint64(va), Read)
	}
	return pa, errno
}

// ShareInto maps the memory of a range of this space at the same addresses of
// another: both see what either writes. Every page is given memory first. The
// other space is charged for it as well. EINVAL: not whole pages, or not free
// in the other space; EFAULT: not all of it is writable memory here; ENOMEM.
// With an error the other space may hold a part of the range.
//
// It is provisional: memory objects will say what two spaces share. Until
// then, what munmap or MADV_DONTNEED takes away on one side isn't shared any
// more.
func (s *Space) ShareInto(other *Space, start, size uint64) abi.Errno {
	if errno := other.Map(Area{Start: start, End: start + size, Prot: Read | Write}); errno != 0 {
		return errno
	}
	for va := start; va < start+size; va += PageSize {
		pa, errno := s.translate(va, Write)
		if errno != 0 {
			return errno
		}
		if s.env.Frames.Share(pa) != frame.OK {
			return abi.EFAULT
		}
		before := other.owned()
		code := other.tables.Map(other.env, va, pa, paging.ReadWrite|paging.User)
		other.charge(before)
		if code != paging.OK {
			s.env.Frames.Unshare(pa)
			return abi.ENOMEM
		}
		other.frames++
		other.peak = max(other.peak, other.frames)
	}
	return 0
}
