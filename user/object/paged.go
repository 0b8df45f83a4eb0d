// SPDX-License-Identifier: Apache-2.0

package object

import "loam/user/sys"

// NewPagedMemory makes a memory object of that many bytes, whole pages, whose pages
// come from a pager: from who receives at an endpoint and is told the key (abi.ReceivedPage). The
// pager has a handle to the object, fills pages by Supply, and then answers.
//
// Who touches an absent page waits for the pager as for a page from a disk: Go's
// runtime doesn't know of it, and its collector waits for the thread. So a pager in Go must not
// serve its own process.
func NewPagedMemory(size uint64, pager Handle, key uint64) (Memory, error) {
	return NewNamedPagedMemory(size, pager, key, "")
}

// NewNamedPagedMemory is NewPagedMemory with a name, as NewNamedMemory.
func NewNamedPagedMemory(size uint64, pager Handle, key uint64, name string) (Memory, error) {
	v, err := sys.MemoryCreatePaged(size, pager, key, name)
	return Memory(v), err
}

// Supply fills pages from an offset on with b, both whole pages, abi.MaxMessageBytes
// at most. Those that are there stay as they are.
func (m Memory) Supply(offset uint64, b []byte) error { return sys.MemorySupply(Handle(m), offset, b) }
