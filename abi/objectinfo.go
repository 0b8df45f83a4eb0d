// SPDX-License-Identifier: Apache-2.0

package abi

import "encoding/binary"

// HandleInfoSize is the size of HandleInfo in bytes.
const HandleInfoSize = 32

// HandleInfo is what CallHandleInfo answers.
type HandleInfo struct {
	Kind       Kind   // of the object
	Rights     Rights // of the handle
	ID         uint64 // of the object: no other ever has it
	References uint32 // handles to the object in all processes, and the kernel's own
	Waiters    uint32 // threads that wait for it
	Badge      uint64 // of the handle, 0: none
}

// Put writes i's layout to the first HandleInfoSize bytes of b.
func (i HandleInfo) Put(b []byte) {
	_ = b[HandleInfoSize-1]
	binary.LittleEndian.PutUint32(b[0:], uint32(i.Kind))
	binary.LittleEndian.PutUint32(b[4:], uint32(i.Rights))
	binary.LittleEndian.PutUint64(b[8:], i.ID)
	binary.LittleEndian.PutUint32(b[16:], i.References)
	binary.LittleEndian.PutUint32(b[20:], i.Waiters)
	binary.LittleEndian.PutUint64(b[24:], i.Badge)
}

// GetHandleInfo reads a HandleInfo from the first HandleInfoSize bytes of b.
func GetHandleInfo(b []byte) HandleInfo {
	_ = b[HandleInfoSize-1]
	return HandleInfo{
		Kind:       Kind(binary.LittleEndian.Uint32(b[0:])),
		Rights:     Rights(binary.LittleEndian.Uint32(b[4:])),
		ID:         binary.LittleEndian.Uint64(b[8:]),
		References: binary.LittleEndian.Uint32(b[16:]),
		Waiters:    binary.LittleEndian.Uint32(b[20:]),
		Badge:      binary.LittleEndian.Uint64(b[24:]),
	}
}

// Limits is how many objects of each kind an account has or may have: element
// i is for the kind i+1. Element LimitPages is for pages: the frames of address
// spaces and those behind memory objects, their tables among them.
type Limits [NumLimits]uint32

// LimitPages is the element for pages.
const LimitPages = NumKinds

// NumLimits is how many elements Limits has.
const NumLimits = NumKinds + 1

// Of gives the element of a kind, which must be one.
func (l Limits) Of(k Kind) uint32 { return l[k-1] }

// Set sets the element of a kind, which must be one.
func (l *Limits) Set(k Kind, n uint32) { l[k-1] = n }

// LimitDefault in a child's limits asks for half of the creator's own limit,
// rounded up; of pages for as many as the creator may have: half of the memory
// would be too little for a program that is all that a machine is for, and memory,
// unlike places in a table, comes back from who has too much (package
// kernel/victim).
const LimitDefault = 1<<32 - 1

// DefaultLimits are the limits of a child about which nothing is said.
func DefaultLimits() (l Limits) {
	for i := range l {
		l[i] = LimitDefault
	}
	return l
}

func (l *Limits) put(b []byte) {
	for i, n := range l {
		binary.LittleEndian.PutUint32(b[4*i:], n)
	}
}

func (l *Limits) get(b []byte) {
	for i := range l {
		l[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
}

// MemoryOpen is the flag of CallMemoryCreate for memory that grows while it is mapped: it may be mapped
// behind its end. A page that isn't there yet is SIGBUS to who touches it.
const MemoryOpen = 1

// MemoryNameSize is the most bytes that the name of a memory object has.
const MemoryNameSize = 32

// MemoryInfoSize is the size of MemoryInfo in bytes.
const MemoryInfoSize = 24 + MemoryNameSize

// MemoryInfo is what CallMemoryInfo answers, sizes in bytes.
type MemoryInfo struct {
	Size   uint64               // of the object
	Backed uint64               // of frames behind it, those of its tables included; what is shared with clones counts in each
	Mapped uint64               // in all spaces, what is mapped twice counted twice
	Name   [MemoryNameSize]byte // zeroes behind it
}

// NameString gives the name.
func (i MemoryInfo) NameString() string {
	n := 0
	for n < len(i.Name) && i.Name[n] != 0 {
		n++
	}
	return string(i.Name[:n])
}

// Put writes i's layout to the first MemoryInfoSize bytes of b.
func (i MemoryInfo) Put(b []byte) {
	_ = b[MemoryInfoSize-1]
	binary.LittleEndian.PutUint64(b[0:], i.Size)
	binary.LittleEndian.PutUint64(b[8:], i.Backed)
	binary.LittleEndian.PutUint64(b[16:], i.Mapped)
	copy(b[24:], i.Name[:])
}

// GetMemoryInfo reads a MemoryInfo from the first MemoryInfoSize bytes of b.
func GetMemoryInfo(b []byte) (i MemoryInfo) {
	_ = b[MemoryInfoSize-1]
	i = MemoryInfo{
		Size:   binary.LittleEndian.Uint64(b[0:]),
		Backed: binary.LittleEndian.Uint64(b[8:]),
		Mapped: binary.LittleEndian.Uint64(b[16:]),
	}
	copy(i.Name[:], b[24:])
	return i
}

// ProcessState says how far a process has come.
type ProcessState uint32

// The states of a process.
const (
	ProcessRunning ProcessState = iota // it has threads, which may not have begun
	ProcessEnding                      // its status is known, and what it had is being given back
	ProcessEnded                       // nothing of it is left but its status
)

// ProcessInfoSize is the size of ProcessInfo in bytes.
const ProcessInfoSize = 24 + 8*NumLimits

// ProcessInfo is what CallProcessInfo answers. Of a process that has ended,
// State and Status only.
type ProcessInfo struct {
	State   ProcessState // 0 running, 1 ending, 2 ended
	PID     uint32       // its process id, as getpid(2) gives it
	Status  ExitStatus   // when it is ending or has ended
	Threads uint32       // that have not ended
	Handles uint32       // in its table
	Used    Limits       // objects charged to it and to its descendants, by kind from KindProcess on; the last is pages
	Limits  Limits       // the most there may be of each
}

// Put writes i's layout to the first ProcessInfoSize bytes of b.
func (i *ProcessInfo) Put(b []byte) {
	_ = b[ProcessInfoSize-1]
	for at, v := range [6]uint32{uint32(i.State), i.PID, uint32(i.Status.Kind), i.Status.Value, i.Threads, i.Handles} {
		binary.LittleEndian.PutUint32(b[4*at:], v)
	}
	i.Used.put(b[24:])
	i.Limits.put(b[24+4*NumLimits:])
}

// GetProcessInfo reads a ProcessInfo from the first ProcessInfoSize bytes of b.
func GetProcessInfo(b []byte) (i ProcessInfo) {
	_ = b[ProcessInfoSize-1]
	word := func(at int) uint32 { return binary.LittleEndian.Uint32(b[4*at:]) }
	i = ProcessInfo{State: ProcessState(word(0)), PID: word(1), Threads: word(4), Handles: word(5),
		Status: ExitStatus{ExitKind(word(2)), word(3)}}
	i.Used.get(b[24:])
	i.Limits.get(b[24+4*NumLimits:])
	return i
}

// Result gives the status as CallProcessWait answers it: the kind in the upper
// half, the value in the lower.
func (s ExitStatus) Result() uint64 { return uint64(s.Kind)<<32 | uint64(s.Value) }

// ExitStatusOf reads what Result wrote.
func ExitStatusOf(result uint64) ExitStatus {
	return ExitStatus{ExitKind(result >> 32), uint32(result)}
}
