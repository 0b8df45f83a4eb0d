// SPDX-License-Identifier: Apache-2.0

package abi

import "encoding/binary"

// Flags of ProcessClone.
const (
	// CloneMemory: the new process runs in the memory of the other one.
	CloneMemory = 1

	// CloneTLS: its thread-local storage is TLS, and not that of the other thread.
	CloneTLS = 2
)

// ProcessCloneSize is the size of ProcessClone in bytes.
const ProcessCloneSize = 40

// ProcessClone says what CallProcessClone makes.
type ProcessClone struct {
	Flags    uint64 // CloneMemory, CloneTLS
	Badge    uint64 // that its forwarded calls come with
	Stack    uint64 // its stack pointer; 0: that of the other thread
	TLS      uint64
	ClearTID uint64 // as by set_tid_address(2), 0: none
}

// Put writes c's layout to the first ProcessCloneSize bytes of b.
func (c ProcessClone) Put(b []byte) {
	_ = b[ProcessCloneSize-1]
	for i, v := range [5]uint64{c.Flags, c.Badge, c.Stack, c.TLS, c.ClearTID} {
		binary.LittleEndian.PutUint64(b[8*i:], v)
	}
}

// GetProcessClone reads a ProcessClone from the first ProcessCloneSize bytes of b.
func GetProcessClone(b []byte) ProcessClone {
	_ = b[ProcessCloneSize-1]
	word := func(i int) uint64 { return binary.LittleEndian.Uint64(b[8*i:]) }
	return ProcessClone{word(0), word(1), word(2), word(3), word(4)}
}

// ProcessReplaceSize is the size of ProcessReplace in bytes.
const ProcessReplaceSize = 24 + ProcessNameSize

// ProcessReplace says with what CallProcessReplace has a process begin again.
type ProcessReplace struct {
	Entry uint64                // the first instruction
	Stack uint64                // the stack pointer
	Break uint64                // where brk(2) begins
	Name  [ProcessNameSize]byte // of the program, at least one zero behind it
}

// Put writes p's layout to the first ProcessReplaceSize bytes of b.
func (p ProcessReplace) Put(b []byte) {
	_ = b[ProcessReplaceSize-1]
	for i, v := range [3]uint64{p.Entry, p.Stack, p.Break} {
		binary.LittleEndian.PutUint64(b[8*i:], v)
	}
	copy(b[24:], p.Name[:])
}

// GetProcessReplace reads a ProcessReplace from the first ProcessReplaceSize bytes of b.
func GetProcessReplace(b []byte) (p ProcessReplace) {
	_ = b[ProcessReplaceSize-1]
	word := func(i int) uint64 { return binary.LittleEndian.Uint64(b[8*i:]) }
	p.Entry, p.Stack, p.Break = word(0), word(1), word(2)
	copy(p.Name[:], b[24:])
	return p
}

// ProcessReplacedSize is the size of ProcessReplaced in bytes.
const ProcessReplacedSize = 24

// ProcessReplaced is what CallProcessReplace answers: what the auxiliary vector of a program has
// that the kernel alone knows.
type ProcessReplaced struct {
	VDSO      uint64 // AT_SYSINFO_EHDR: the ELF image of the kernel's vDSO in the new space, 0: there is none
	HWCap     uint64 // AT_HWCAP
	MinSignal uint64 // AT_MINSIGSTKSZ
}

// Put writes p's layout to the first ProcessReplacedSize bytes of b.
func (p ProcessReplaced) Put(b []byte) {
	_ = b[ProcessReplacedSize-1]
	for i, v := range [3]uint64{p.VDSO, p.HWCap, p.MinSignal} {
		binary.LittleEndian.PutUint64(b[8*i:], v)
	}
}

// GetProcessReplaced reads a ProcessReplaced from the first ProcessReplacedSize bytes of b.
func GetProcessReplaced(b []byte) ProcessReplaced {
	_ = b[ProcessReplacedSize-1]
	word := func(i int) uint64 { return binary.LittleEndian.Uint64(b[8*i:]) }
	return ProcessReplaced{word(0), word(1), word(2)}
}

// Results of CallProcessPost for SIGCHLD, SIGTTIN and SIGTTOU.
const (
	PostIgnored = 1 // the action is SIG_IGN; of the last two also that the signal is blocked
	PostNoWait  = 2 // the action has SA_NOCLDWAIT
)

// What ProcessNews tells, as bits.
const (
	NewsEnded     = 1 // the process has ended, with Status; nothing else is told of it any more
	NewsStopped   = 2 // the signal Signal has stopped it
	NewsContinued = 4 // SIGCONT has come since it was stopped
	NewsSignal    = 8 // a signal that is watched (CallProcessSignals) is pending
)

// ProcessNewsSize is the size of ProcessNews in bytes.
const ProcessNewsSize = 36

// ProcessNews is what CallProcessNews answers.
type ProcessNews struct {
	Badge  uint64 // that its calls came with
	PID    uint32
	What   uint32 // NewsEnded and the like
	Status ExitStatus
	Time   uint64 // of the CPU that it has used, ns
	Signal Signal // that has stopped it
}

// Put writes n's layout to the first ProcessNewsSize bytes of b.
func (n ProcessNews) Put(b []byte) {
	_ = b[ProcessNewsSize-1]
	binary.LittleEndian.PutUint64(b[0:], n.Badge)
	binary.LittleEndian.PutUint32(b[8:], n.PID)
	binary.LittleEndian.PutUint32(b[12:], n.What)
	binary.LittleEndian.PutUint64(b[16:], n.Status.Result())
	binary.LittleEndian.PutUint64(b[24:], n.Time)
	binary.LittleEndian.PutUint32(b[32:], uint32(n.Signal))
}

// GetProcessNews reads a ProcessNews from the first ProcessNewsSize bytes of b.
func GetProcessNews(b []byte) ProcessNews {
	_ = b[ProcessNewsSize-1]
	return ProcessNews{
		Badge:  binary.LittleEndian.Uint64(b[0:]),
		PID:    binary.LittleEndian.Uint32(b[8:]),
		What:   binary.LittleEndian.Uint32(b[12:]),
		Status: ExitStatusOf(binary.LittleEndian.Uint64(b[16:])),
		Time:   binary.LittleEndian.Uint64(b[24:]),
		Signal: Signal(binary.LittleEndian.Uint32(b[32:])),
	}
}
