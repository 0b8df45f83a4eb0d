// SPDX-License-Identifier: Apache-2.0

package ipc

import (
	"encoding/binary"
	"math"
	"slices"

	"loam/abi"
	"loam/user/sys"
)

// Word 0 of a message, the header:
//
//	bits  0 to 7    of a request the method, of an answer how it went (answerOK and the like)
//	      8 to 13   how many bytes are in words 1 to 7
//	      14        bytes are in the buffer, word 1 is how many
//	      15        words 1 to 7 are arguments
//	      32 to 63  of a request the service, of an answer's error its code
//
// Exactly one of the three forms is used; of bytes in words there may be none. The
// other bits are 0. What doesn't fit this is malformed.
const (
	formShift  = 8
	formInline = 0x3f << formShift
	formBuffer = 1 << 14
	formWords  = 1 << 15
	formMask   = formInline | formBuffer | formWords

	serviceShift = 32
	unusedBits   = 0xffff_0000
)

// maxInline is how many bytes fit in words 1 to 7.
const maxInline = 8 * (abi.MessageWords - 1)

// How a request went.
const (
	answerOK    = 0
	answerErrno = 1 // the code is an error number
	answerError = 2 // the code is an Error's, the bytes are its text
)

// Words is the header of a request whose arguments are words.
func Words(service uint32, method uint8) uint64 {
	return uint64(service)<<serviceShift | formWords | uint64(method)
}

// Bytes is the header of a request whose arguments are in a Buffer.
func Bytes(service uint32, method uint8) uint64 {
	return uint64(service)<<serviceShift | uint64(method)
}

// A Buffer has the bytes and handles of one request and of its answer. Generated
// code writes and reads them by Put and Get. What is read is never outside of what
// came: after the first thing that isn't there all others read as zero, and Done
// says so.
type Buffer struct {
	out     []byte
	in      []byte // what came
	at      int    // how much of it has been read
	bad     bool
	sends   int
	given   int                      // handles that came
	taken   int                      // how many of them were read
	words   [abi.MessageWords]uint64 // an answer's, if bytes are in them
	room    []byte
	options sys.MessageOptions
}

// reset makes b empty.
func (b *Buffer) reset() {
	b.out, b.in, b.at, b.bad, b.sends, b.given, b.taken = b.out[:0], nil, 0, false, 0, 0, 0
}

// want has room for n bytes that come.
func (b *Buffer) want(n int) {
	if len(b.room) < n {
		b.room = make([]byte, n)
	}
}

// pack puts what is sent into words, if it fits, or else into the options, and
// gives the header's form. Handles go into the options. needs says whether the options are wanted.
func (b *Buffer) pack(w *[abi.MessageWords]uint64) (form uint64, needs bool) {
	o := &b.options
	o.SendAddr, o.SendBytes, o.SendHandles = nil, 0, uint32(b.sends)
	n := len(b.out)
	if n > maxInline {
		o.SendAddr, o.SendBytes = &b.out[0], uint32(n)
		w[1] = uint64(n)
		return formBuffer, true
	}
	packInline(w, b.out)
	return uint64(n) << formShift, b.sends > 0
}

// packInline puts up to maxInline bytes into words 1 to 7.
func packInline[B []byte | string](w *[abi.MessageWords]uint64, from B) {
	copy(sys.WordBytes(w[1:]), from)
}

// unpackInline has b read from words that stay.
func (b *Buffer) unpackInline(w *[abi.MessageWords]uint64, n int) {
	b.in = sys.WordBytes(w[1:])[:n]
}

// inlineBytes gives how many bytes are in words by a header that says so.
func inlineBytes(header uint64) (int, bool) {
	n := int(header & formInline >> formShift)
	return n, header&(formBuffer|formWords) == 0 && n <= maxInline
}

// Done reports whether all that was read was there, and all that was there has
// been read.
func (b *Buffer) Done() bool { return !b.bad && b.at == len(b.in) && b.taken == b.given }

// Put makes room for n bytes and gives it, to be written whole.
func (b *Buffer) Put(n int) []byte {
	at := len(b.out)
	b.out = slices.Grow(b.out, n)[:at+n]
	return b.out[at:]
}

// PutUint8 writes a byte.
func (b *Buffer) PutUint8(v uint8) { b.out = append(b.out, v) }

// PutUint16 writes 2 bytes.
func (b *Buffer) PutUint16(v uint16) { b.out = binary.LittleEndian.AppendUint16(b.out, v) }

// PutUint32 writes 4 bytes.
func (b *Buffer) PutUint32(v uint32) { b.out = binary.LittleEndian.AppendUint32(b.out, v) }

// PutUint64 writes 8 bytes.
func (b *Buffer) PutUint64(v uint64) { b.out = binary.LittleEndian.AppendUint64(b.out, v) }

// PutBool writes a byte, 0 or 1.
func (b *Buffer) PutBool(v bool) { b.PutUint8(uint8(Bool(v))) }

// PutCount writes how many elements follow.
func (b *Buffer) PutCount(n int) {
	// More than a message can have makes it too long, whatever the element.
	b.PutUint32(uint32(min(n, math.MaxUint32)))
}

// aligned is how many bytes of a string or slice lie at a multiple of 8 in a message, so
// that they are copied by words, for which Go on RISC-V wants both sides aligned alike.
// It is more than there can be in words, which have no room for gaps.
const aligned = 64

// gap is how many bytes, all 0, are left out at an offset before n bytes.
func gap(at, n int) int {
	if n < aligned {
		return 0
	}
	return -at & 7
}

// putLength writes the length of bytes that follow, and the gap before them.
func (b *Buffer) putLength(n int) {
	b.PutCount(n)
	b.out = append(b.out, zeros[:gap(len(b.out), n)]...)
}

var zeros [8]byte

// PutString writes a string's length and the string.
func (b *Buffer) PutString(s string) {
	b.putLength(len(s))
	b.out = append(b.out, s...)
}

// PutBytes writes the length and the bytes.
func (b *Buffer) PutBytes(p []byte) {
	b.putLength(len(p))
	b.out = append(b.out, p...)
}

// PutHandle sends a handle.
func (b *Buffer) PutHandle(h Handle) {
	if b.sends < abi.MaxMessageHandles {
		b.options.Send[b.sends] = abi.HandOn(h)
	}
	b.sends++
}

// Get gives the next n bytes, nil if there aren't as many.
func (b *Buffer) Get(n int) []byte {
	at := b.at
	if n > len(b.in)-at {
		b.Bad()
		return nil
	}
	b.at = at + n
	return b.in[at : at+n : at+n]
}

// Bad says that what was read means nothing: everything from now on is absent.
func (b *Buffer) Bad() { b.bad, b.in, b.at = true, nil, 0 }

// GetUint8 reads what PutUint8 wrote, 0 if there is nothing; so do the others.
func (b *Buffer) GetUint8() uint8 {
	at := b.at
	if at >= len(b.in) {
		b.Bad()
		return 0
	}
	b.at = at + 1
	return b.in[at]
}

// GetUint16 reads 2 bytes.
func (b *Buffer) GetUint16() uint16 {
	at := b.at
	if at+2 > len(b.in) {
		b.Bad()
		return 0
	}
	b.at = at + 2
	return binary.LittleEndian.Uint16(b.in[at:])
}

// GetUint32 reads 4 bytes.
func (b *Buffer) GetUint32() uint32 {
	at := b.at
	if at+4 > len(b.in) {
		b.Bad()
		return 0
	}
	b.at = at + 4
	return binary.LittleEndian.Uint32(b.in[at:])
}

// GetUint64 reads 8 bytes.
func (b *Buffer) GetUint64() uint64 {
	at := b.at
	if at+8 > len(b.in) {
		b.Bad()
		return 0
	}
	b.at = at + 8
	return binary.LittleEndian.Uint64(b.in[at:])
}

// GetBool reads a byte that is 0 or 1.
func (b *Buffer) GetBool() bool {
	v := b.GetUint8()
	b.bad = b.bad || v > 1
	return v == 1
}

// GetCount reads how many elements follow, each at least size bytes long, at least
// 1: never more than there can be in what came.
func (b *Buffer) GetCount(size int) int {
	n := uint64(b.GetUint32())
	if n*uint64(size) > uint64(len(b.in)-b.at) {
		b.Bad()
		return 0
	}
	return int(n)
}

// GetString reads a string.
func (b *Buffer) GetString() string { return string(b.GetBytes()) }

// GetBytes reads bytes, which are those of the buffer: they are valid as long as
// it isn't used for something else.
func (b *Buffer) GetBytes() []byte {
	n := b.GetCount(1)
	for _, zero := range b.Get(gap(b.at, n)) {
		b.bad = b.bad || zero != 0
	}
	return b.Get(n)
}

// GetHandle takes the next of the handles that came.
func (b *Buffer) GetHandle() Handle {
	if b.taken >= b.given {
		b.bad = true
		return Handle{}
	}
	b.taken++
	return Handle{Handle: b.options.Given[b.taken-1]}
}

// Drop gives back handles that came and that nobody is to have.
func (b *Buffer) Drop() {
	for _, h := range b.options.Given[:b.given] {
		_ = closeHandle(h)
	}
	b.given = 0
}

// Bool gives a bool as a word.
func Bool(v bool) uint64 {
	if v {
		return 1
	}
	return 0
}
