// SPDX-License-Identifier: Apache-2.0

package object

import (
	"syscall"

	"loam/abi"
	"loam/user/sys"
)

// NewOpenMemory makes a memory object that may be mapped behind its end: what isn't there yet is SIGBUS
// to who touches it, and is there when it has grown (Resize).
func NewOpenMemory(size uint64) (Memory, error) {
	v, err := sys.ObjectCall(abi.CallMemoryCreate, size, 0, 0, abi.MemoryOpen)
	return Memory(v), err
}

// Caller is the token of a forwarded call (Process.Forward), and so who made it, until it is answered.
type Caller uint64

// Map maps a part of m for the caller as mmap(2) maps a file, with its protection and flags.
func (c Caller) Map(m Memory, addr, offset, length, prot, flags uint64) (uint64, error) {
	return sys.ObjectCall(abi.CallMessageMap, uint64(c), uint64(m), addr, offset, length, prot|flags<<32)
}

// Signal sends a signal to the calling thread, as if it had done so itself.
func (c Caller) Signal(s syscall.Signal) error {
	_, err := sys.ObjectCall(abi.CallMessageSignal, uint64(c), uint64(s))
	return err
}
