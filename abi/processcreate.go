// SPDX-License-Identifier: Apache-2.0

package abi

import "encoding/binary"

// A request to make a process is one piece of memory without addresses in it:
// the header ProcessCreate, the list of handles, the file's name, the argument
// strings. So the kernel copies it once, and nothing in it can change while it
// is looked at.

// Sizes of the parts, in bytes, and their bounds.
const (
	ProcessCreateSize = 20 + 4*NumLimits
	HandOnSize        = 16

	MaxHandOn         = 64   // items of a request's list of handles
	MaxProcessName    = 255  // bytes of a request's name
	MaxProcessArgs    = 4096 // bytes of a request's arguments
	MaxProcessRequest = ProcessCreateSize + MaxHandOn*HandOnSize + MaxProcessName + MaxProcessArgs
)

// Flags of ProcessCreate.
const (
	// ProcessHeld: the first thread is made, but does not run before
	// CallThreadResume.
	ProcessHeld = 1

	// ProcessEmpty: no file is named, and nothing is in the new space. The first
	// thread begins with CallThreadStart, when its creator has mapped something
	// for it to run.
	ProcessEmpty = 2

	// ProcessEssential: the process is never ended because the machine has no
	// memory for others (package kernel/victim). Its creator must be essential.
	ProcessEssential = 4

	// ProcessBootArgs: the arguments are those that lie in the boot archive as the
	// file args; the request has none.
	ProcessBootArgs = 8
)

// ProcessCreate is the header of the request.
type ProcessCreate struct {
	Flags   uint32 // ProcessHeld or ProcessEmpty or neither, ProcessEssential, ProcessBootArgs
	Handles uint32 // items of the list that follows
	Name    uint32 // bytes of the name, which follows the list
	Args    uint32 // bytes of the arguments, each NUL-terminated, which follow the name
	Limits  Limits // of the child: the most its account may have of each kind, from KindProcess on, and of pages

	Priority uint32 // the highest fixed priority that its threads may have, not above the creator's
}

// Size is how many bytes the whole request has. The header may be a stranger's:
// nothing overflows.
func (p *ProcessCreate) Size() uint64 {
	return ProcessCreateSize + uint64(p.Handles)*HandOnSize + uint64(p.Name) + uint64(p.Args)
}

// Put writes p's layout to the first ProcessCreateSize bytes of b.
func (p *ProcessCreate) Put(b []byte) {
	_ = b[ProcessCreateSize-1]
	binary.LittleEndian.PutUint32(b[0:], p.Flags)
	binary.LittleEndian.PutUint32(b[4:], p.Handles)
	binary.LittleEndian.PutUint32(b[8:], p.Name)
	binary.LittleEndian.PutUint32(b[12:], p.Args)
	p.Limits.put(b[16:])
	binary.LittleEndian.PutUint32(b[16+4*NumLimits:], p.Priority)
}

// GetProcessCreate reads a ProcessCreate from the first ProcessCreateSize bytes
// of b.
func GetProcessCreate(b []byte) (p ProcessCreate) {
	_ = b[ProcessCreateSize-1]
	p = ProcessCreate{
		Flags:   binary.LittleEndian.Uint32(b[0:]),
		Handles: binary.LittleEndian.Uint32(b[4:]),
		Name:    binary.LittleEndian.Uint32(b[8:]),
		Args:    binary.LittleEndian.Uint32(b[12:]),
	}
	p.Limits.get(b[16:])
	p.Priority = binary.LittleEndian.Uint32(b[16+4*NumLimits:])
	return p
}

// HandOnMove, in HandOn.Flags, moves the handle: who hands it on has it no more.
const HandOnMove = 1

// HandOn is one item of a list of handles that are handed on.
type HandOn struct {
	Handle Handle // of who hands it on
	Rights Rights // of the new handle: those of Handle, or fewer
	Flags  uint32 // 0 or HandOnMove
}

// Put writes h's layout to the first HandOnSize bytes of b.
func (h HandOn) Put(b []byte) {
	_ = b[HandOnSize-1]
	binary.LittleEndian.PutUint64(b[0:], uint64(h.Handle))
	binary.LittleEndian.PutUint32(b[8:], uint32(h.Rights))
	binary.LittleEndian.PutUint32(b[12:], h.Flags)
}

// GetHandOn reads a HandOn from the first HandOnSize bytes of b.
func GetHandOn(b []byte) HandOn {
	_ = b[HandOnSize-1]
	return handOnOf(binary.LittleEndian.Uint64(b[0:]), binary.LittleEndian.Uint64(b[8:]))
}

// handOnOf makes a HandOn from the two words of its layout.
func handOnOf(w0, w1 uint64) HandOn {
	return HandOn{Handle: Handle(w0), Rights: Rights(w1), Flags: uint32(w1 >> 32)}
}

// CreatedSize is the size of Created in bytes.
const CreatedSize = 24

// Created is what CallProcessCreate answers: handles of the caller's, with all
// rights.
type Created struct {
	Process Handle // of the process
	Space   Handle // of its address space
	Thread  Handle // of its first thread
}

// Put writes c's layout to the first CreatedSize bytes of b.
func (c Created) Put(b []byte) {
	_ = b[CreatedSize-1]
	binary.LittleEndian.PutUint64(b[0:], uint64(c.Process))
	binary.LittleEndian.PutUint64(b[8:], uint64(c.Space))
	binary.LittleEndian.PutUint64(b[16:], uint64(c.Thread))
}

// GetCreated reads a Created from the first CreatedSize bytes of b.
func GetCreated(b []byte) Created {
	_ = b[CreatedSize-1]
	return Created{
		Process: Handle(binary.LittleEndian.Uint64(b[0:])),
		Space:   Handle(binary.LittleEndian.Uint64(b[8:])),
		Thread:  Handle(binary.LittleEndian.Uint64(b[16:])),
	}
}
