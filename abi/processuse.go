// SPDX-License-Identifier: Apache-2.0

package abi

import "encoding/binary"

// MaxEndReason is the most bytes of the reason that CallMachineEnd takes.
const MaxEndReason = 1024

// ProcessUseSize is the size of ProcessUse in bytes.
const ProcessUseSize = 48 + ProcessNameSize

// ProcessNameSize is the most bytes of a program's name that the kernel keeps, and a
// zero.
const ProcessNameSize = 16

// ProcessUse is what CallProcessUse answers.
type ProcessUse struct {
	Time    uint64                // of the CPU, of all its threads, ended ones included, ns
	Running uint32                // threads that have a CPU
	Ready   uint32                // threads that wait for a CPU
	Waiting uint32                // threads that wait for something else, or have not begun
	Stopped uint32                // threads that CallThreadStop or a signal has stopped
	Pages   uint64                // of memory that it has, what is about that included
	Peak    uint64                // the most that it has had
	Faults  uint64                // page faults
	Name    [ProcessNameSize]byte // of the program, zeroes behind it
}

// Put writes u's layout to the first ProcessUseSize bytes of b.
func (u ProcessUse) Put(b []byte) {
	_ = b[ProcessUseSize-1]
	binary.LittleEndian.PutUint64(b[0:], u.Time)
	for at, v := range [4]uint32{u.Running, u.Ready, u.Waiting, u.Stopped} {
		binary.LittleEndian.PutUint32(b[8+4*at:], v)
	}
	for i, v := range [3]uint64{u.Pages, u.Peak, u.Faults} {
		binary.LittleEndian.PutUint64(b[24+8*i:], v)
	}
	copy(b[48:], u.Name[:])
}

// GetProcessUse reads a ProcessUse from the first ProcessUseSize bytes of b.
func GetProcessUse(b []byte) (u ProcessUse) {
	_ = b[ProcessUseSize-1]
	word := func(at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
	u = ProcessUse{Time: binary.LittleEndian.Uint64(b[0:]), Running: word(8), Ready: word(12), Waiting: word(16), Stopped: word(20)}
	long := func(at int) uint64 { return binary.LittleEndian.Uint64(b[at:]) }
	u.Pages, u.Peak, u.Faults = long(24), long(32), long(40)
	copy(u.Name[:], b[48:])
	return u
}
