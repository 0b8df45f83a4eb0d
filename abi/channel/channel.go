// SPDX-License-Identifier: Apache-2.0

// Package channel is the codec of the host channel: the two byte streams over
// which a guest and the loam command talk (guest to host: a debug port; host
// to guest: the second serial port).
//
// A frame is one byte of type, three bytes of payload length (little-endian,
// at most MaxPayload), and the payload. Types are numbered apart for each
// direction. Neither side trusts the other: the guest runs programs of unknown
// origin on a kernel that may have been broken, and the kernel must survive
// whatever arrives on a serial line. So a decoder needs memory that does not
// depend on what the peer sends, rejects a header as soon as its fourth byte is
// there, and stays failed after the first fault: once framing is lost there is
// no byte from which it could be found again.
//
// The package imports nothing and allocates nothing, so that the machine floor
// (panic console, trap handlers) can use it too; reading frames from an
// io.Reader is package abi/channel/stream. Errors are of the type Fault, an
// integer, for the same reason.
//
// Version 1 is frames over the two streams and nothing else: for deterministic
// runs, which must not depend on the host's speed. Under Version 2 payloads
// lie in memory that both share (see InRing). The host offers that memory by
// the kernel's command line, ring=ADDRESS, and the kernel says by the version
// in its Hello whether it uses it. Under QEMU 7.2's software emulation on two
// cores, in MiB/s:
//
//	          version 1  version 2
//	output    0.36       100        2.8 us a byte: a system call of the emulator's
//	input     0.05       80         14 bytes an interrupt
//
// Rejected: a text protocol (streams must be binary-clean), length-free framing
// with escapes (doubles hostile output and needs a scan of each byte), and a
// checksum (the transport is memory of the same machine). A kernel and the
// loam command that carries it are built together, so that an unknown type is
// a fault and not an extension; Version guards against mixing them.
package channel

// TraceMark is the first byte of a line in Stderr that isn't a program's or a service's own, but what the
// personality says of calls (loam run --trace and --syscalls).
const TraceMark = 0x1f

// The protocol's versions, the payload of Hello.
const (
	Version     = 1 // frames only
	VersionRing = 2 // with payloads in the ring
)

const (
	// HeaderSize is the number of bytes before a payload.
	HeaderSize = 4
	// MaxPayload is the largest payload in bytes of any frame.
	MaxPayload = 65536
	// MaxLine is the largest payload in bytes of the frames that hold one
	// line for people (Notice), and of the reason inside Exit.
	MaxLine = 1024
	// HelloSize is the exact payload size of Hello in bytes.
	HelloSize = 4
	// ExitSize is the size in bytes of the fixed part of Exit's payload.
	ExitSize = 8
	// RequestHead is the size in bytes of what comes before the bytes of a Request
	// and of an Answer: a word that names the request.
	RequestHead = 4
	// MaxRequest is the most bytes that a Request has behind its head.
	MaxRequest = 256
	// MaxAnswer is the most bytes that an answer has, behind the heads of all of
	// its frames.
	MaxAnswer = 16 << 10
)

// Type is a frame's type. Its meaning depends on the direction.
type Type uint8

// Types of frames from the guest to the host.
const (
	Hello  Type = 1 // first frame: the version, u32 little-endian
	Stdout Type = 2 // bytes the program wrote to descriptor 1
	Stderr Type = 3 // bytes the program wrote to descriptor 2
	Exit   Type = 4 // last frame: kind u32, value u32, reason (UTF-8)
	Stats  Type = 5 // UTF-8 lines `name value unit`
	Notice Type = 6 // one UTF-8 line for people
	Room   Type = 7 // the ring to the guest has room, after WantRoom; no payload

	MemoryMap Type = 8 // a piece of the map of memory, see MapPiece
	Answer    Type = 9 // a piece of the answer to a Request, see PutRequestHead
)

// Types of frames from the host to the guest.
const (
	Stdin    Type = 1 // bytes for the program's descriptor 0
	StdinEOF Type = 2 // descriptor 0 has ended; no payload
	WantRoom Type = 3 // to be answered by Room once half the ring is free; no payload
	Request  Type = 4 // for a program in the guest, see PutRequestHead; never in the ring
)

// Kind says how a program ended: the first word of an Exit frame.
type Kind uint32

const (
	// Exited: the program ended itself; the value is its exit status, 0..255.
	Exited Kind = 0
	// Signalled: the program died of a signal; the value is its number, 1..64.
	Signalled Kind = 1
	// NotStarted: the program could not be started; the reason says why and
	// the value is an errno, or 0.
	NotStarted Kind = 2
)

// Direction says which way the frames of a stream go.
type Direction uint8

const (
	// ToHost is the guest's side talking.
	ToHost Direction = 0
	// ToGuest is the host's side talking.
	ToGuest Direction = 1
)

// Fault is a violation of the protocol by the peer. The zero value means none.
type Fault uint8

const (
	// BadType: the type does not exist in this direction.
	BadType Fault = 1
	// BadLength: the length is over MaxPayload or not one the type may have.
	BadLength Fault = 2
	// BadVersion: a Hello with a version that does not exist or was not offered.
	BadVersion Fault = 3
	// BadExit: an Exit whose kind or value is out of range.
	BadExit Fault = 4
	// Truncated: the stream ended inside a frame.
	Truncated Fault = 5
)

// Error makes Fault an error; converting one to error does not allocate.
func (f Fault) Error() string {
	switch f {
	case BadType:
		return "host channel: unknown frame type"
	case BadLength:
		return "host channel: frame length out of range"
	case BadVersion:
		return "host channel: protocol version differs"
	case BadExit:
		return "host channel: malformed exit frame"
	case Truncated:
		return "host channel: stream ended inside a frame"
	}
	return "host channel: fault"
}

// bounds returns the smallest and largest payload of a type, InRing included,
// and whether the type exists in the direction and version.
func bounds(d Direction, ring bool, t Type) (min, max int, ok bool) {
	min, max, ok = payload(d, t&^InRing)
	switch {
	case t&InRing != 0:
		// Only what has a payload can have it in the ring.
		if min == 0 {
			min = 1
		}
		ok = ok && ring && max > 0 && !(d == ToGuest && t&^InRing == Request)
	case d == ToGuest && t == Stdin:
		ok = !ring // in the ring only, so that there is one order
	case d == ToGuest && t == WantRoom, d == ToHost && t == Room:
		ok = ring
	}
	return min, max, ok
}

// payload returns the smallest and largest payload of a type, and whether the
// type exists in the direction at all.
func payload(d Direction, t Type) (min, max int, ok bool) {
	if d == ToGuest {
		switch t {
		case Stdin:
			return 0, MaxPayload, true
		case StdinEOF, WantRoom:
			return 0, 0, true
		case Request:
			return RequestHead + 1, RequestHead + MaxRequest, true
		}
		return 0, 0, false
	}
	switch t {
	case Hello:
		return HelloSize, HelloSize, true
	case Stdout, Stderr, Stats:
		return 0, MaxPayload, true
	case Exit:
		return ExitSize, ExitSize + MaxLine, true
	case Notice:
		return 0, MaxLine, true
	case Room:
		return 0, 0, true
	case MemoryMap:
		return 1, MaxPayload, true
	case Answer:
		return RequestHead, RequestHead + MaxAnswer, true
	}
	return 0, 0, false
}

// PutHeader writes the header of a frame with a payload of n bytes. It returns
// false, and leaves b alone, if n is not in 0..MaxPayload.
func PutHeader(b *[HeaderSize]byte, t Type, n int) bool {
	if n < 0 || n > MaxPayload {
		return false
	}
	b[0] = byte(t)
	b[1] = byte(n)
	b[2] = byte(n >> 8)
	b[3] = byte(n >> 16)
	return true
}

// PutHello writes the payload of Hello.
func PutHello(b *[HelloSize]byte, version uint32) { put32(b[:], version) }

// ParseHello returns the version in the payload of Hello; the Fault is 0 if
// there is such a version.
func ParseHello(p []byte) (version uint32, f Fault) {
	if len(p) != HelloSize {
		return 0, BadLength
	}
	if version = get32(p); version != Version && version != VersionRing {
		return 0, BadVersion
	}
	return version, 0
}

// PutExit writes the fixed part of Exit's payload; a reason of at most MaxLine
// bytes may follow it.
func PutExit(b *[ExitSize]byte, k Kind, value uint32) {
	put32(b[0:4], uint32(k))
	put32(b[4:8], value)
}

// ParseExit takes Exit's payload apart. The reason aliases p and is what the
// peer sent: neither valid UTF-8 nor free of control characters.
func ParseExit(p []byte) (k Kind, value uint32, reason []byte, f Fault) {
	if len(p) < ExitSize || len(p) > ExitSize+MaxLine {
		return 0, 0, nil, BadLength
	}
	k, value = Kind(get32(p)), get32(p[4:])
	ok := false
	switch k {
	case Exited:
		ok = value <= 255
	case Signalled:
		ok = value >= 1 && value <= 64
	case NotStarted:
		ok = true
	}
	if !ok {
		return 0, 0, nil, BadExit
	}
	return k, value, p[ExitSize:], 0
}

// put32 writes v little-endian to b, which has 4 bytes or more.
func put32(b []byte, v uint32) {
	_ = b[3]
	b[0], b[1], b[2], b[3] = byte(v), byte(v>>8), byte(v>>16), byte(v>>24)
}

// get32 reads a little-endian word from b, which has 4 bytes or more.
func get32(b []byte) uint32 {
	_ = b[3]
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}
