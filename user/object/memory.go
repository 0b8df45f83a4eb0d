// SPDX-License-Identifier: Apache-2.0

package object

import (
	"loam/abi"
	"loam/user/sys"
)

// Memory is a handle to memory that several address spaces can map.
type Memory Handle

// NewMemory makes a memory object of that many bytes, whole pages, all zero.
func NewMemory(size uint64) (Memory, error) { return NewNamedMemory(size, "") }

// NewNamedMemory is NewMemory with a name, at most abi.MemoryNameSize bytes,
// which Info tells and which means nothing to the kernel.
func NewNamedMemory(size uint64, name string) (Memory, error) {
	v, err := sys.MemoryCreate(size, name)
	return Memory(v), err
}

// Clone makes a memory object that has the content of a part of m at this moment:
// what is written to either later, the other doesn't see. Both share the memory of
// a page until one of them is written. m must not be mapped by anybody who may
// write it (EBUSY).
func (m Memory) Clone(offset, length uint64) (Memory, error) { return m.CloneNamed(offset, length, "") }

// CloneNamed is Clone with a name for the clone.
func (m Memory) CloneNamed(offset, length uint64, name string) (Memory, error) {
	v, err := sys.MemoryClone(Handle(m), offset, length, name)
	return Memory(v), err
}

// Resize gives it another size.
func (m Memory) Resize(size uint64) error {
	_, err := sys.ObjectCall(abi.CallMemoryResize, uint64(m), size)
	return err
}

// Decommit gives back what is behind a part of it, which is zero then.
func (m Memory) Decommit(offset, length uint64) error {
	_, err := sys.ObjectCall(abi.CallMemoryDecommit, uint64(m), offset, length)
	return err
}

// Info tells how it is.
func (m Memory) Info() (abi.MemoryInfo, error) {
	var b [abi.MemoryInfoSize]byte
	if err := sys.ObjectInfo(abi.CallMemoryInfo, Handle(m), b[:]); err != nil {
		return abi.MemoryInfo{}, err
	}
	return abi.GetMemoryInfo(b[:]), nil
}

// Close gives the handle back. What is mapped stays.
func (m Memory) Close() error { return Close(Handle(m)) }

// Space is a handle to the address space of a process.
type Space Handle

// Here is the address space of the calling process.
const Here = Space(abi.HandleSpace)

// Map maps a part of m at addr, or where there is room if addr is 0, and gives
// the address. prot is PROT_READ, with PROT_WRITE or PROT_EXEC. EBUSY: m has clones
// or is one, and is mapped by who may not write it, as the handle m may.
func (s Space) Map(m Memory, addr, offset, length, prot uint64) (uint64, error) {
	return sys.ObjectCall(abi.CallMemoryMap, uint64(s), uint64(m), addr, offset, length, prot)
}

// MapPrivate is Map of memory in which what is written is the space's own: nobody
// else sees it. It takes no more than the right to read m, and to execute it for
// PROT_EXEC; mprotect may make it writable in any case.
func (s Space) MapPrivate(m Memory, addr, offset, length, prot uint64) (uint64, error) {
	return s.Map(m, addr, offset, length, prot|abi.MapPrivate)
}

// MapOwn maps memory of the space's own, zero until it is touched, with any protection.
func (s Space) MapOwn(addr, length, prot uint64) (uint64, error) {
	return sys.ObjectCall(abi.CallMemoryMap, uint64(s), 0, addr, 0, length, prot|abi.MapOwn)
}

// Unmap takes away whatever is mapped in a range.
func (s Space) Unmap(addr, length uint64) error {
	_, err := sys.ObjectCall(abi.CallMemoryUnmap, uint64(s), addr, length)
	return err
}

// Bytes gives what is mapped at an address of the calling process.
func Bytes(addr, length uint64) []byte { return sys.Memory(addr, length) }
