// SPDX-License-Identifier: Apache-2.0

package abi

// Handle names an object of the kernel to the process in whose table it is, and
// says nothing to any other. The low HandleIndexBits bits are a place in the
// table, the others count how often that place was used: a handle that was
// closed stays refused, whoever has the place now. 0 is no handle, and no
// handle looks like an error in a result register.
type Handle uint64

// HandleIndexBits is how many bits of a Handle are its place.
const HandleIndexBits = 16

// MaxHandles is how many handles a process can have.
const MaxHandles = 256

// Handles that every process has when it begins, with all rights that their
// kinds know. They may be closed.
const (
	HandleProcess Handle = 1<<HandleIndexBits + iota // the process itself
	HandleSpace                                      // its address space
	HandleThread                                     // its first thread

	handleGiven
)

// GivenHandle is the handle, in a process that ProcessCreate made, of item i of
// the list of handles that its creator handed on. i is 0 or more.
func GivenHandle(i int) Handle { return handleGiven + Handle(i) }

// Kind says what a handle's object is.
type Kind uint32

// The kinds of objects. 0 is none.
const (
	KindProcess      Kind = 1 + iota // threads, handles and descriptors; an end with a status
	KindSpace                        // an address space
	KindThread                       // what is scheduled
	KindNotification                 // a word of bits to wait for
	KindMemory                       // memory that several spaces can map
	KindEndpoint                     // where calls of other processes are received
	KindInterrupt                    // a line of the interrupt controller, or a message of a device's
	KindPorts                        // a range of I/O ports (amd64)
	KindTimer                        // signals a notification at a time
	KindMachine                      // the right to make objects of the machine's devices
	KindRegisters                    // a range of a device's registers
)

// NumKinds is how many kinds there are.
const NumKinds = 11

var kindNames = [...]string{KindProcess: "process", KindSpace: "space", KindThread: "thread",
	KindNotification: "notification", KindMemory: "memory", KindEndpoint: "endpoint",
	KindInterrupt: "interrupt", KindPorts: "ports", KindTimer: "timer", KindMachine: "machine",
	KindRegisters: "registers"}

// String gives the kind's name, "none" for what is no kind.
func (k Kind) String() string {
	if k == 0 || k > NumKinds {
		return "none"
	}
	return kindNames[k]
}

// Rights is a set of things that a handle lets its holder do. A handle is made
// of another with the same rights or fewer, never more.
type Rights uint32

// The rights.
const (
	RightDuplicate Rights = 1 << iota // another handle may be made of it
	RightTransfer                     // it may be handed on to another process
	RightRead                         // process, thread, machine: its state may be asked; memory: mapped to be read; ports, registers: read from
	RightWrite                        // notification: it may be signalled; memory: mapped to be written; endpoint: called; ports, registers: written to
	RightWait                         // notification: waited for; process, thread: its end may be; endpoint: calls may be received
	RightManage                       // process: threads may be made in it, it may be killed; thread: started, stopped, ended; memory: resized; interrupt, timer: used; machine: objects of devices may be made
	RightExecute                      // memory: it may be mapped to be executed
	RightMap                          // space: memory may be mapped into it and unmapped
)

// RightsOf gives all rights that mean something to a kind: those of a handle
// that its object was made with. 0 for what is no kind.
func RightsOf(k Kind) Rights {
	const every = RightDuplicate | RightTransfer
	switch k {
	case KindProcess, KindThread:
		return every | RightRead | RightWait | RightManage
	case KindSpace:
		return every | RightMap
	case KindMemory:
		return every | RightRead | RightWrite | RightExecute | RightManage
	case KindNotification, KindEndpoint:
		return every | RightWrite | RightWait
	case KindInterrupt, KindTimer:
		return every | RightManage
	case KindPorts, KindRegisters:
		return every | RightRead | RightWrite
	case KindMachine:
		return every | RightRead | RightManage
	}
	return 0
}

// Has reports whether all of need are in r.
func (r Rights) Has(need Rights) bool { return r&need == need }

// NotificationBits are the bits that a notification has. The highest bit of the
// word is not among them, so that no answer looks like an error.
const NotificationBits = 1<<63 - 1

// MaxWaiters is how many threads can wait for one object at once, but for an
// endpoint, where any number can.
const MaxWaiters = 64

// WaitForever is the deadline that does not come.
const WaitForever = 1<<63 - 1
