// SPDX-License-Identifier: Apache-2.0

package space

import "loam/abi"

// MapFile maps a memory object where mmap(2) with such flags maps a file; the area's Start and End
// say only its size. The errors are those of MMap and of Map, and More: see Call.
func (s *Space) MapFile(c *Call, a Area, addr, flags uint64) (start uint64, errno abi.Errno) {
	if !s.ready(c) {
		return 0, More
	}
	size := a.Size()
	if start, errno = s.place(addr, size, flags); errno != 0 {
		return 0, errno
	}
	a.Start, a.End = start, start+size
	if flags&abi.MAP_FIXED != 0 && !s.areas.Free(start, a.End) {
		if errno = s.check(a); errno == 0 { // nothing is lost by what can't be
			errno = s.MUnmap(c, abi.UserAddr(start), size)
		}
		if errno != 0 {
			return 0, errno
		}
	}
	return start, s.Map(c, a)
}

// MSync checks the arguments of msync(2), which has nothing to do here: there is no memory that
// isn't the object's own.
func (s *Space) MSync(addr abi.UserAddr, length, flags uint64) abi.Errno {
	start, size := uint64(addr), roundUp(length)
	switch {
	case flags&^(abi.MS_ASYNC|abi.MS_INVALIDATE|abi.MS_SYNC) != 0, start%PageSize != 0,
		flags&abi.MS_ASYNC != 0 && flags&abi.MS_SYNC != 0:
		return abi.EINVAL
	case start+size < start || length != 0 && size == 0:
		return abi.ENOMEM
	case size != 0 && !s.areas.Covered(start, start+size):
		return abi.ENOMEM
	}
	return 0
}
