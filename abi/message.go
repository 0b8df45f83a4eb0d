// SPDX-License-Identifier: Apache-2.0

package abi

import "encoding/binary"

// A message is eight words in registers, and, by MessageOptions, up to
// MaxMessageBytes bytes and MaxMessageHandles handles. Registers of the calls with
// Endpoint in their name, as a system call's caller sees them:
//
//	                 amd64   riscv64   in                        out
//	number           RAX     A7
//	result           RAX     A0                                  0, what came, or an error
//	0                RDI     A0        endpoint                  badge (receive)
//	1                RSI     A1        MessageOptions or 0       what came with the words
//	2                RDX     A2        token (reply)             token (receive)
//	words 0 to 7     R10     A3        the message               the message that came
//	                 R8      A4
//	                 R9      A5
//	                 R12     A6
//	                 R13     S2
//	                 R14     S3
//	                 R15     S4
//	                 RBX     S5
//
// On riscv64 the result and the badge would both be in A0: the badge is in T0
// (X5) there. What came with the words is how many bytes were sent, and how many
// handles came, in the lowest 8 bits, see Came; 0 if words are all. After an error
// words, badge and token mean nothing.

// Bounds of a message.
const (
	MessageWords      = 8        // in registers
	MaxMessageBytes   = 64 << 10 // of its buffer
	MaxMessageHandles = 4        // that go with it
)

// What CallEndpointReceive answers.
const (
	ReceivedCall   = 0 // a call: words, badge and token are its
	ReceivedBits   = 1 // bits of the thread's notification: word 0 has them
	ReceivedCancel = 2 // the call with that token, received before, is no longer wanted; it is still to be answered
	ReceivedPage   = 3 // a page of a memory object is wanted, and the token to be answered when it is there (CallMemoryCreatePaged): words 0 key, 1 offset in bytes, 2 access (PROT_READ and the like)

	// ReceivedForwarded is a Linux call of a process whose calls are forwarded
	// (CallProcessForward): words 0 number, 1 to 6 arguments, 7 id of the thread, as gettid(2) gives
	// it. CallMessageRead and CallMessageWrite reach the process's memory: the offset is an
	// address there, and fewer bytes are copied where memory is missing. Word 0 of the
	// answer is the call's result, with nothing but words; MessageInterrupted has it end as a
	// call that a signal interrupted. A signal to the caller is told (ReceivedCancel), as with
	// MessageCancel, and before the call was received it has the call made again.
	ReceivedForwarded = 4

	// ReceivedInterrupted is a forwarded call of a thread to which a signal has come that the
	// call's mask lets through (ppoll(2) and its like): what holds at once is its result, and
	// where it would have to wait it ends with EINTR, however little time it gives.
	ReceivedInterrupted = 5
)

// MessageSame, added to the address of MessageOptions, says that they are as they were when the
// thread's last call about an endpoint was given them, with WaitForever as the deadline, and that nothing goes
// with the words: the kernel doesn't read them again. It is EINVAL if it can't be so.
const MessageSame = 1

// Flags of MessageOptions.
const (
	// MessageCancel, in a call: a signal to the caller is told to who has received
	// the call (ReceivedCancel). Its answer stays the one that counts. Without the
	// flag a signal waits until the answer is there.
	MessageCancel = 1

	// MessageInterrupted, in a reply: the call answers EINTR, or is made again after a
	// handler with SA_RESTART.
	MessageInterrupted = 2
)

// MessageOptionsSize is the size of MessageOptions in bytes.
const MessageOptionsSize = GivenOffset + GivenSize

// MessageOptions are what a message has beside its words, at an address that is a
// multiple of 8: else EFAULT. The kernel reads what is before Given at the beginning of a
// call, Send as far as handles are sent, and writes Given at the end, if handles have come.
type MessageOptions struct {
	Deadline     int64  // of a call or receive, ns on CLOCK_MONOTONIC; WaitForever
	SendAddr     uint64 // bytes that are sent
	ReceiveAddr  uint64 // where those that come are put
	SendBytes    uint32 // how many at SendAddr
	ReceiveBytes uint32 // room at ReceiveAddr
	Flags        uint32 // MessageCancel, MessageInterrupted
	SendHandles  uint32 // how many of Send are sent
	Accept       uint32 // how many handles are taken at most

	Send [MaxMessageHandles]HandOn // handles that are sent

	Given [MaxMessageHandles]Handle // handles that came
}

// Came tells apart what came with the words: how many bytes were sent, of which not
// more than ReceiveBytes are there, and how many handles came.
func Came(v uint64) (bytes uint64, handles int) { return v >> 8, int(v & 0xff) }

// CameWith makes what Came tells apart.
func CameWith(bytes uint64, handles int) uint64 { return bytes<<8 | uint64(handles) }

// GivenOffset is where Given is in a MessageOptions, GivenSize its size.
const (
	GivenOffset = 112
	GivenSize   = 8 * MaxMessageHandles
)

// DefaultOptions are those of a message of words alone.
func DefaultOptions() MessageOptions { return MessageOptions{Deadline: WaitForever} }

// Put writes o's layout to the first MessageOptionsSize bytes of b.
func (o *MessageOptions) Put(b []byte) {
	_ = b[MessageOptionsSize-1]
	binary.LittleEndian.PutUint64(b[0:], uint64(o.Deadline))
	binary.LittleEndian.PutUint64(b[8:], o.SendAddr)
	binary.LittleEndian.PutUint64(b[16:], o.ReceiveAddr)
	for i, v := range [5]uint32{o.SendBytes, o.ReceiveBytes, o.Flags, o.SendHandles, o.Accept} {
		binary.LittleEndian.PutUint32(b[24+4*i:], v)
	}
	binary.LittleEndian.PutUint32(b[44:], 0)
	for i := range o.Send {
		o.Send[i].Put(b[SendOffset+HandOnSize*i:])
	}
	for i, h := range o.Given {
		binary.LittleEndian.PutUint64(b[GivenOffset+8*i:], uint64(h))
	}
}

// MessageHead is what stands before Send in a MessageOptions.
type MessageHead struct {
	Deadline                                            int64
	SendAddr, ReceiveAddr                               uint64
	SendBytes, ReceiveBytes, Flags, SendHandles, Accept uint32
}

// MessageHeadWords is its size in words of 8 bytes, SendOffset in bytes.
const (
	MessageHeadWords = 6
	SendOffset       = 8 * MessageHeadWords
)

// GetMessageHead reads a MessageHead from its words.
func GetMessageHead(w *[MessageHeadWords]uint64) MessageHead {
	return MessageHead{
		Deadline: int64(w[0]), SendAddr: w[1], ReceiveAddr: w[2],
		SendBytes: uint32(w[3]), ReceiveBytes: uint32(w[3] >> 32),
		Flags: uint32(w[4]), SendHandles: uint32(w[4] >> 32), Accept: uint32(w[5]),
	}
}

// GetMessageSend reads the first n of Send, at most MaxMessageHandles, from their words.
func GetMessageSend(w *[2 * MaxMessageHandles]uint64, n uint32) (send [MaxMessageHandles]HandOn) {
	for i := range send[:n] {
		send[i] = handOnOf(w[2*i], w[2*i+1])
	}
	return send
}
