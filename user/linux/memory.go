// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"syscall"

	"loam/abi"
	"loam/user/linux/lx"
	"loam/user/linux/vfs"
	"loam/user/object"
)

// memory is a memory object that files are mapped of, and this process's own view of it. Its first page
// is nobody's: of an empty file there is no other, and there is no object without pages.
type memory struct {
	m      object.Memory
	size   uint64 // of what is behind the first page
	addr   uint64 // of the view
	window uint64 // bytes of the view, which may be behind the object's end
}

const leastWindow = 1 << 20

// NewMemory is for Kernel.
func (r *receiver) NewMemory(size int64) (vfs.Memory, abi.Errno) {
	n := roundUp(uint64(size))
	m, err := object.NewOpenMemory(abi.PageSize + n)
	if err != nil {
		return nil, mapErrno(err)
	}
	v := &memory{m: m, size: n}
	if e := v.look(max(abi.PageSize+n, leastWindow)); e != 0 {
		_ = m.Close()
		return nil, e
	}
	return v, 0
}

// look has the view be of so many bytes.
func (v *memory) look(window uint64) abi.Errno {
	addr, err := object.Here.Map(v.m, 0, 0, window, abi.PROT_READ|abi.PROT_WRITE)
	if err != nil {
		return mapErrno(err)
	}
	if v.window != 0 {
		_ = object.Here.Unmap(v.addr, v.window)
	}
	v.addr, v.window = addr, window
	return 0
}

// Bytes is for vfs.Memory.
func (v *memory) Bytes() []byte { return object.Bytes(v.addr+abi.PageSize, v.size) }

// Grow is for vfs.Memory.
func (v *memory) Grow(size int64) abi.Errno {
	n := roundUp(uint64(size))
	if n <= v.size {
		return 0
	}
	if err := v.m.Resize(abi.PageSize + n); err != nil {
		return mapErrno(err)
	}
	if abi.PageSize+n > v.window {
		if e := v.look(2 * n); e != 0 {
			return e
		}
	}
	v.size = n
	return 0
}

// Shared is for vfs.Memory.
func (v *memory) Shared() bool {
	info, err := v.m.Info()
	return err != nil || info.Mapped > v.window
}

// Close is for vfs.Memory.
func (v *memory) Close() {
	_ = object.Here.Unmap(v.addr, v.window)
	_ = v.m.Close()
}

// Map is for Kernel.
func (r *receiver) Map(token uint64, m vfs.Memory, mayWrite bool, g *mapping) (uint64, abi.Errno) {
	h := m.(*memory).m
	if !mayWrite && g.flags&abi.MAP_TYPE == abi.MAP_SHARED {
		less, err := object.Duplicate(object.Handle(h), abi.RightRead|abi.RightExecute|abi.RightDuplicate)
		if err != nil {
			return 0, mapErrno(err)
		}
		defer object.Close(less)
		h = object.Memory(less)
	}
	addr, err := object.Caller(token).Map(h, g.addr, abi.PageSize+g.offset, g.length, g.prot, g.flags)
	if err != nil {
		return 0, mapErrno(err)
	}
	return addr, 0
}

// roundUp gives the bytes of the pages that n bytes take.
func roundUp(n uint64) uint64 { return (n + abi.PageSize - 1) &^ (abi.PageSize - 1) }

// Signal is for Kernel.
func (r *receiver) Signal(token uint64, s abi.Signal) {
	_ = object.Caller(token).Signal(syscall.Signal(s))
}

// mapErrno is the error of mmap(2) for one of the kernel's about memory.
func mapErrno(err error) abi.Errno {
	switch e := lx.Errno(err); e {
	case abi.EMFILE, abi.ENOSPC, abi.EDQUOT, abi.EBUSY:
		return abi.ENOMEM
	default:
		return e
	}
}
