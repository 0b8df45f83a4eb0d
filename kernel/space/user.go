// SPDX-License-Identifier: Apache-2.0

package space

import (
	"encoding/binary"
	"sync/atomic"

	"loam/abi"
)

// Everything here returns EFAULT for memory that the program could not reach
// itself in the same way, ENOMEM when its memory could not be had, and
// memory.Absent, which no program sees, for a page that a pager has to bring. Before
// an error some of the bytes may have been copied.

// ReadUser copies user memory at va to dst.
func (s *Space) ReadUser(va abi.UserAddr, dst []byte) abi.Errno {
	if !va.Below(s.high, uint64(len(dst))) {
		return abi.EFAULT
	}
	for len(dst) > 0 {
		pa, errno := s.translate(uint64(va), Read)
		if errno != 0 {
			return errno
		}
		n := copy(dst, s.env.Mem.Bytes(pa, PageSize-pa%PageSize))
		dst = dst[n:]
		va += abi.UserAddr(n)
	}
	return 0
}

// WriteUser copies src to user memory at va.
func (s *Space) WriteUser(va abi.UserAddr, src []byte) abi.Errno {
	if !va.Below(s.high, uint64(len(src))) {
		return abi.EFAULT
	}
	for len(src) > 0 {
		pa, errno := s.translate(uint64(va), Write)
		if errno != 0 {
			return errno
		}
		n := copy(s.env.Mem.Bytes(pa, PageSize-pa%PageSize), src)
		src = src[n:]
		va += abi.UserAddr(n)
	}
	return 0
}

// ReadWords copies words of user memory at va, which has to be a multiple of 8: else
// EFAULT.
func (s *Space) ReadWords(va abi.UserAddr, dst []uint64) abi.Errno {
	if !va.Aligned(8) || !va.Below(s.high, uint64(len(dst))*8) {
		return abi.EFAULT
	}
	for len(dst) > 0 {
		pa, errno := s.translate(uint64(va), Read)
		if errno != 0 {
			return errno
		}
		n := copy(dst, s.env.Mem.Table(pa &^ pageMask)[pa&pageMask/8:])
		dst = dst[n:]
		va += abi.UserAddr(n) * 8
	}
	return 0
}

// WriteWords copies words to user memory at va, which has to be a multiple of 8:
// else EFAULT.
func (s *Space) WriteWords(va abi.UserAddr, src []uint64) abi.Errno {
	if !va.Aligned(8) || !va.Below(s.high, uint64(len(src))*8) {
		return abi.EFAULT
	}
	for len(src) > 0 {
		pa, errno := s.translate(uint64(va), Write)
		if errno != 0 {
			return errno
		}
		n := copy(s.env.Mem.Table(pa &^ pageMask)[pa&pageMask/8:], src)
		src = src[n:]
		va += abi.UserAddr(n) * 8
	}
	return 0
}

// View returns user memory at va as it lies in physical memory, at most n
// bytes and at most up to the end of the page, ready for reading or writing.
// It is good until anything else is done with the space.
func (s *Space) View(va abi.UserAddr, n uint64, access Prot) ([]byte, abi.Errno) {
	if n == 0 {
		return nil, 0
	}
	pa, errno := s.translate(uint64(va), access)
	if errno != 0 {
		return nil, errno
	}
	return s.env.Mem.Bytes(pa, min(n, PageSize-pa%PageSize)), 0
}

// Run is View for what is ready already, and more than a page where that lies in one piece; nil, if the first byte
// isn't ready.
func (s *Space) Run(va abi.UserAddr, n uint64, access Prot) []byte {
	if s.devices { // of a device's registers nothing is memory
		n = min(n, PageSize-uint64(va)%PageSize)
		if s.inDevice(uint64(va)) {
			return nil
		}
	}
	if n <= PageSize-uint64(va)%PageSize {
		pa, prot := s.tables.Reach(s.env, uint64(va))
		if Prot(prot)&access != access {
			return nil
		}
		return s.env.Mem.Bytes(pa, n)
	}
	pa, length, prot := s.tables.Run(s.env, uint64(va), n)
	if Prot(prot)&access != access {
		return nil
	}
	return s.env.Mem.Bytes(pa, length)
}

// ReadyToRead gives n bytes of user memory at va, if they are in one page that is ready to be read; else nil. n is
// at most a page.
func (s *Space) ReadyToRead(va, n uint64) []byte { return s.isReady(va, n, Read) }

// ReadyToWrite is ReadyToRead for a page that is to be written.
func (s *Space) ReadyToWrite(va, n uint64) []byte { return s.isReady(va, n, Write) }

func (s *Space) isReady(va, n uint64, access Prot) []byte {
	off := va & pageMask
	if off+n > PageSize {
		return nil
	}
	if va-off == s.hot.page && s.hot.prot&access != 0 {
		return s.env.Mem.Bytes(s.hot.pa+off, n)
	}
	if va >= s.high { // the tables hold the kernel's pages too
		return nil
	}
	pa, ok := s.reach(va, access)
	if !ok {
		return nil
	}
	return s.env.Mem.Bytes(pa, n)
}

// ReadUint64 reads a little-endian word, which need not be aligned.
func (s *Space) ReadUint64(va abi.UserAddr) (uint64, abi.Errno) {
	if va%PageSize <= PageSize-8 {
		pa, errno := s.translate(uint64(va), Read)
		if errno != 0 {
			return 0, errno
		}
		return binary.LittleEndian.Uint64(s.env.Mem.Bytes(pa, 8)), 0
	}
	var b [8]byte
	errno := s.ReadUser(va, b[:])
	return binary.LittleEndian.Uint64(b[:]), errno
}

// ReadUint32 reads a little-endian half-word, which need not be aligned.
func (s *Space) ReadUint32(va abi.UserAddr) (uint32, abi.Errno) {
	if va%PageSize <= PageSize-4 {
		pa, errno := s.translate(uint64(va), Read)
		if errno != 0 {
			return 0, errno
		}
		return binary.LittleEndian.Uint32(s.env.Mem.Bytes(pa, 4)), 0
	}
	var b [4]byte
	errno := s.ReadUser(va, b[:])
	return binary.LittleEndian.Uint32(b[:]), errno
}

// WriteUint64 writes a little-endian word, which need not be aligned.
func (s *Space) WriteUint64(va abi.UserAddr, v uint64) abi.Errno {
	if va%PageSize <= PageSize-8 {
		pa, errno := s.translate(uint64(va), Write)
		if errno == 0 {
			binary.LittleEndian.PutUint64(s.env.Mem.Bytes(pa, 8), v)
		}
		return errno
	}
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], v)
	return s.WriteUser(va, b[:])
}

// WriteUint32 writes a little-endian half-word, which need not be aligned.
func (s *Space) WriteUint32(va abi.UserAddr, v uint32) abi.Errno {
	if va%PageSize <= PageSize-4 {
		pa, errno := s.translate(uint64(va), Write)
		if errno == 0 {
			binary.LittleEndian.PutUint32(s.env.Mem.Bytes(pa, 4), v)
		}
		return errno
	}
	var b [4]byte
	binary.LittleEndian.PutUint32(b[:], v)
	return s.WriteUser(va, b[:])
}

// LoadUint32 reads a half-word atomically, as a futex needs it. EINVAL: va is
// not a multiple of 4.
func (s *Space) LoadUint32(va abi.UserAddr) (uint32, abi.Errno) {
	if !va.Aligned(4) {
		return 0, abi.EINVAL
	}
	pa, errno := s.translate(uint64(va), Read)
	if errno != 0 {
		return 0, errno
	}
	w := atomic.LoadUint64(s.env.Mem.Word(pa &^ 7))
	return uint32(w >> (pa % 8 * 8)), 0
}

// ReadString copies the string at va to dst, without its NUL, and returns its
// length. ENAMETOOLONG: there is no NUL in the first len(dst) bytes.
func (s *Space) ReadString(va abi.UserAddr, dst []byte) (int, abi.Errno) {
	n := 0
	for n < len(dst) {
		b, errno := s.View(va+abi.UserAddr(n), uint64(len(dst)-n), Read)
		if errno != 0 {
			return 0, errno
		}
		for _, c := range b {
			if c == 0 {
				return n, 0
			}
			dst[n] = c
			n++
		}
	}
	return 0, abi.ENAMETOOLONG
}

// translate returns the physical address of va, whose page it makes ready for
// the access.
func (s *Space) translate(va uint64, access Prot) (uint64, abi.Errno) {
	if va&^pageMask == s.hot.page && s.hot.prot&access == access {
		return s.hot.pa + va&pageMask, 0
	}
	return s.translateSlow(va, access)
}

func (s *Space) translateSlow(va uint64, access Prot) (uint64, abi.Errno) {
	if va >= s.high { // the tables hold the kernel's pages too
		return 0, abi.EFAULT
	}
	if pa, ok := s.reach(va, access); ok {
		return pa, 0
	}
	switch s.fault(va, access, false) {
	case Resolved:
		if pa, ok := s.reach(va, access); ok {
			return pa, 0
		}
	case NoMemory, OverQuota:
		return 0, abi.ENOMEM
	case Absent:
		return 0, s.missed(va, access)
	}
	return 0, abi.EFAULT
}

// reach looks va up in the page tables.
func (s *Space) reach(va uint64, access Prot) (uint64, bool) {
	pa, prot := s.tables.Reach(s.env, va)
	p := Prot(prot)
	if p&access != access || s.devices && s.inDevice(va) {
		return 0, false
	}
	s.hot = translation{page: va &^ pageMask, pa: pa &^ pageMask, prot: p}
	if p&Write != 0 {
		s.hot.pairs = PageSize - pairSize + 1
	}
	return pa, true
}
