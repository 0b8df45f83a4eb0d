// SPDX-License-Identifier: Apache-2.0

package object

import (
	"loam/abi"
	"loam/user/sys"
)

// Memory is a handle to memory that several address spaces can map.
type Memory Handle

// NewMemory makes a memory object of that many bytes, whole pages, all zero.
func NewMemory(size uint64) (Memory, error) {
	v, err := sys.ObjectCall(abi.CallMemoryCreate, size)
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
// the address. prot is PROT_READ, with PROT_WRITE or PROT_EXEC.
func (s Space) Map(m Memory, addr, offset, length, prot uint64) (uint64, error) {
	return sys.ObjectCall(abi.CallMemoryMap, uint64(s), uint64(m), addr, offset, length, prot)
}

// Unmap takes away whatever is mapped in a range.
func (s Space) Unmap(addr, length uint64) error {
	_, err := sys.ObjectCall(abi.CallMemoryUnmap, uint64(s), addr, length)
	return err
}

// Bytes gives what is mapped at an address of the calling process.
func Bytes(addr, length uint64) []byte { return sys.Memory(addr, length) }
