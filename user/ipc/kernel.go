// SPDX-License-Identifier: Apache-2.0

package ipc

import (
	"loam/abi"
	"loam/user/object"
	"loam/user/sys"
)

// Message is what goes in registers.
type Message = sys.Message

// kernel is what the package asks of the kernel, where tests put one of their own.
type kernel interface {
	message(nr uint64, m *Message) (result uint64)
	copy(nr, token, offset uint64, b []byte) (uint64, error)
	object(nr uint64, args ...uint64) (uint64, error)
	thread() int
	interrupt(thread int)
}

// fake is nil but in tests.
var fake kernel

// fakeMessage makes a call of a test's. The copy is there so that the message of
// a real call needn't be in the heap.
func fakeMessage(nr uint64, m *Message) (result uint64) {
	h := *m
	result = fake.message(nr, &h)
	*m = h
	return result
}

func messageCopy(nr, token, offset uint64, b []byte) (uint64, error) {
	if fake != nil {
		return fake.copy(nr, token, offset, b)
	}
	return sys.MessageCopy(nr, token, offset, b)
}

func objectCall(nr uint64, args ...uint64) (uint64, error) {
	if fake != nil {
		return fake.object(nr, args...)
	}
	return sys.ObjectCall(nr, args...)
}

func closeHandle(h abi.Handle) error {
	_, err := objectCall(abi.CallHandleClose, uint64(h))
	return err
}

// Endpoint is a handle to where calls are received. Who has RightWait receives,
// who has RightWrite calls.
type Endpoint object.Handle

// NewEndpoint makes one. The handle has all rights.
func NewEndpoint() (Endpoint, error) {
	v, err := objectCall(abi.CallEndpointCreate)
	return Endpoint(v), err
}

// Mint makes a handle for a client: it may call, and hand the handle on; its calls
// come with the badge, which must not be 0 (Caller).
func (e Endpoint) Mint(badge uint64) (Endpoint, error) {
	const rights = abi.RightDuplicate | abi.RightTransfer | abi.RightWrite
	v, err := objectCall(abi.CallHandleMint, uint64(e), uint64(rights), badge)
	return Endpoint(v), err
}

// Duplicate makes another handle with these rights.
func (e Endpoint) Duplicate(rights abi.Rights) (Endpoint, error) {
	v, err := objectCall(abi.CallHandleDuplicate, uint64(e), uint64(rights))
	return Endpoint(v), err
}

// Close gives the handle back.
func (e Endpoint) Close() error { return closeHandle(abi.Handle(e)) }

// HandOn gives the item of a new process's list of handles (object.Program) by which
// that process may call the endpoint. e stays.
func (e Endpoint) HandOn() abi.HandOn {
	return abi.HandOn{Handle: abi.Handle(e), Rights: abi.RightDuplicate | abi.RightTransfer | abi.RightWrite}
}

// Handle is a handle in a request or an answer: what is sent, and with which
// rights. In what has come there is only Handle, which is the receiver's to close.
type Handle abi.HandOn

// Copy sends a copy of a handle that has these rights.
func Copy(h abi.Handle, rights abi.Rights) Handle { return Handle{Handle: h, Rights: rights} }

// Move sends a handle: the sender has it no more when the call or answer has been
// received.
func Move(h abi.Handle, rights abi.Rights) Handle {
	return Handle{Handle: h, Rights: rights, Flags: abi.HandOnMove}
}
