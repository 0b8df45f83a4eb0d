// SPDX-License-Identifier: Apache-2.0

package space

import (
	"loam/abi"
	"loam/machine/frame"
	"loam/machine/paging"
)

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

// SharePiece maps the memory of a range of this space at the same addresses of
// another: both see what either writes. It does a piece of the range, from its
// start, and returns how many bytes that was: the caller goes on behind them.
// Every page is given memory first. The other space is charged for it as well.
// EINVAL: not whole pages; EEXIST: not free in the other space; EFAULT: not all
// of it is writable memory here, or some is a memory object's; ENOMEM; More:
// nothing done, call it again. With an error the other space may hold a part of
// the range.
//
// It is provisional and goes when nobody calls it any more: memory objects say
// what two spaces share. Here, what munmap or MADV_DONTNEED takes away on one
// side isn't shared any more.
func (s *Space) SharePiece(other *Space, start, size uint64) (done uint64, errno abi.Errno) {
	if size > s.high || (start|size)%PageSize != 0 {
		return 0, abi.EINVAL
	}
	if !s.settle() || !other.settle() {
		return 0, More
	}
	size = min(size, s.most.pages*PageSize)
	if size > 0 && s.areas.has(start, start+size, 1<<Object) { // whose frames it counts itself
		return 0, abi.EFAULT
	}
	if errno := other.Map(&Call{}, Area{Start: start, End: start + size, Prot: Read | Write}); errno != 0 {
		return 0, errno
	}
	for done < size {
		pa, errno := s.translate(start+done, Write)
		if errno != 0 {
			return done, errno
		}
		if s.env.Frames.Scarce() || s.large > 0 && !s.cutLeaf(start+done, keeping) || other.frames >= other.granted && !other.grant(1) {
			return done, abi.ENOMEM
		}
		if s.env.Frames.Share(pa) != frame.OK {
			return done, abi.EFAULT
		}
		if other.tables.Map(other.env, start+done, pa, paging.ReadWrite|paging.User) != paging.OK {
			s.env.Frames.Unshare(pa)
			return done, abi.ENOMEM
		}
		other.frames++
		other.settleUp()
		done += PageSize
	}
	return done, 0
}

// ShareInto is SharePiece for the whole range. It is for spaces that no call of
// another thread is changing, and takes as long as the range is large.
func (s *Space) ShareInto(other *Space, start, size uint64) abi.Errno {
	for size > 0 {
		done, errno := s.SharePiece(other, start, size)
		if errno != 0 && errno != More {
			return errno
		}
		start, size = start+done, size-done
	}
	return 0
}
