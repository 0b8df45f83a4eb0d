// SPDX-License-Identifier: Apache-2.0

package netd

import (
	"bytes"
	"encoding/binary"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"
)

const (
	// mostTogether is the most that a frame has which is put together of others, in bytes: IP's length could say 13 more, but this
	// is what the stack keeps and uses again.
	mostTogether = 1 << 16
	// handed is how large a frame is whose room goes with it, in bytes: to copy it, and have room for it alone, would take longer.
	handed = mostTogether / 2
)

// frame is one that goes to the stack. What is put together has its headers for themselves: the stack looks at those again when it
// has given the data to a socket, and what it shares with somebody it copies first, all that is in one piece.
type frame struct{ head, data *buffer.View } // data may be nil

func (f *frame) release() {
	f.head.Release()
	if f.data != nil {
		f.data.Release()
	}
}

// together puts frames together that carry a TCP stream's segments one behind the other, as cards do (generic receive
// offload): the stack's way of a frame is long, and the same for one of 60 KiB. Only what follows without any difference
// but the one that comes of that is put together.
//
// No data is read for it. A segment's checksum says what the sum of its data must be (RFC 1071); the sum of these is
// what the whole one's checksum says. So a false one makes the whole false, and the stack, which checks it as any
// other, drops it; its sender sends all of that again.
//
// Of acknowledgments that say nothing else the last one is enough, if each says more than the one before: of a peer that
// sends one for each segment they are as many as there is to be sent.
type together struct {
	v     *buffer.View // has the frame that may go on, and room behind it; or nil
	b     []byte       // of it
	n     int          // bytes of the frame
	head  [128]byte    // the next one's headers, if it may go on with it
	apart int          // bytes of these
	first segment      // it, if it may, or if it is an acknowledgment
	goes  bool
	acks  bool
	parts int
	sum   uint32 // of its data, modulo 0xffff
}

// fits reports whether a frame of n bytes can be had room for, without a flush before or at all.
func (t *together) fits(n int) bool { return t.n == 0 || n <= len(t.b)-t.n }

// room is where the next frame, of n bytes, is to be put, which has to fit: its headers for themselves, if it may be one that goes on
// with the one before, so that its data comes to lie where it belongs; and the rest. If it is to be in one piece head is nil.
func (t *together) room(n int, onePiece bool) (head, rest []byte) {
	if len(t.b) < t.n+n { // it is the first
		if t.v != nil {
			t.v.Release()
		}
		t.v = buffer.NewViewSize(max(n, mostTogether))
		t.b = t.v.AsSlice()
	}
	t.apart = 0
	if t.goes && !onePiece && t.first.data < n && t.first.data <= len(t.head) {
		t.apart = t.first.data
		head = t.head[:t.apart]
	}
	return head, t.b[t.n : t.n+n-t.apart]
}

// add takes the frame that is in room. done gets the one before, if this one doesn't go on with it.
func (t *together) add(n int, done []frame) []frame {
	if t.apart > 0 {
		s, ok := segmentIn(t.head[:t.apart], n)
		if ok && s.follows(&t.first, t.n) {
			t.goOn(&s)
			t.n += n - t.apart
			return done
		}
		copy(t.b[t.n+t.apart:], t.b[t.n:t.n+n-t.apart])
		copy(t.b[t.n:], t.head[:t.apart])
	}
	b := t.b[t.n : t.n+n]
	s, ok := segmentOf(b)
	if ok && t.goes && s.follows(&t.first, t.n) {
		t.goOn(&s)
		t.n += copy(t.b[t.n:], b[s.data:]) // over its headers
		return done
	}
	goes, acks := ok && s.mayGoOn(), ok && !s.hasData()
	if !acks || !t.acks || !s.saysMore(&t.first) {
		done = t.flush(done)
	}
	t.n = 0
	_, rest := t.room(n, true)
	t.n = copy(rest, b)
	t.goes, t.acks, t.parts = goes, acks, 1
	if goes || acks {
		s.frame = t.b[:n]
		t.first, t.sum = s, s.claimed()
	}
	return done
}

// goOn notes that a segment is put behind the others.
func (t *together) goOn(s *segment) {
	t.sum += s.claimed()
	t.first.push(s.frame)
	t.goes = s.mayGoOn()
	t.parts++
}

// flush gives up the frame that might have gone on, if there is one.
func (t *together) flush(done []frame) []frame {
	if t.n == 0 {
		return done
	}
	if t.parts > 1 {
		t.first.complete(t.n, t.sum)
	}
	f := frame{head: t.give()}
	if t.parts > 1 {
		f.data, f.head = f.head, buffer.NewViewWithData(f.head.AsSlice()[:t.first.data])
		f.data.TrimFront(t.first.data)
	}
	t.n, t.goes, t.acks = 0, false, false
	return append(done, f)
}

// give gives the frame away: with all the room, if it is large.
func (t *together) give() *buffer.View {
	if t.n < handed {
		return buffer.NewViewWithData(t.b[:t.n])
	}
	v := t.v
	v.CapLength(t.n)
	t.v, t.b = nil, nil
	return v
}

// segment is a frame with data of a TCP stream, or an acknowledgment, and nothing unusual.
type segment struct {
	frame     []byte // its headers at least
	length    int    // bytes of all of it
	tcp, data int    // where TCP's header and the data begin
}

const (
	ipAt    = header.EthernetMinimumSize
	tcpAtV4 = ipAt + header.IPv4MinimumSize
	tcpAtV6 = ipAt + header.IPv6MinimumSize

	flagsAt, windowAt, checksumAt, urgentAt = 13, 14, 16, 18 // in TCP's header
)

// segmentOf looks at a frame.
func segmentOf(b []byte) (s segment, ok bool) { return segmentIn(b, len(b)) }

// segmentIn looks at a frame of n bytes that begins with b.
func segmentIn(b []byte, n int) (s segment, ok bool) {
	s.frame, s.length = b, n
	if len(b) < tcpAtV4+header.TCPMinimumSize {
		return s, false
	}
	switch header.Ethernet(b).Type() {
	case header.IPv4ProtocolNumber:
		const fragment = 0xbfff // all but that it mustn't become one
		if b[ipAt] != 0x45 || b[ipAt+9] != uint8(header.TCPProtocolNumber) || be16(b, ipAt+6)&fragment != 0 || be16(b, ipAt+2) != n-ipAt ||
			checksum.Checksum(b[ipAt:tcpAtV4], 0) != 0xffff { // which is computed anew
			return s, false
		}
		s.tcp = tcpAtV4
	case header.IPv6ProtocolNumber:
		if b[ipAt]>>4 != 6 || b[ipAt+6] != uint8(header.TCPProtocolNumber) || be16(b, ipAt+4) != n-tcpAtV6 {
			return s, false
		}
		s.tcp = tcpAtV6
	default:
		return s, false
	}
	if len(b) < s.tcp+header.TCPMinimumSize {
		return s, false
	}
	s.data = s.tcp + int(b[s.tcp+12]>>4)*4
	const flags = header.TCPFlagAck | header.TCPFlagPsh
	ok = s.data >= s.tcp+header.TCPMinimumSize && s.data <= len(b) && b[s.tcp+12]&0xf == 0 &&
		b[s.tcp+flagsAt]|uint8(header.TCPFlagPsh) == uint8(flags)
	return s, ok
}

func (s *segment) hasData() bool { return s.data < s.length }

// mayGoOn reports whether others may follow: the sender doesn't push what it has, and their data begins at a whole word.
func (s *segment) mayGoOn() bool {
	return s.hasData() && s.frame[s.tcp+flagsAt]&uint8(header.TCPFlagPsh) == 0 && (s.length-s.data)%2 == 0
}

// saysMore reports whether s, an acknowledgment, leaves nothing to say for the one before.
func (s *segment) saysMore(before *segment) bool {
	return s.isLike(before) && s.sequence() == before.sequence() && int32(s.acknowledged()-before.acknowledged()) > 0 &&
		s.frame[s.tcp+flagsAt] == before.frame[s.tcp+flagsAt]
}

// follows reports whether s, with data, goes on with first, which has n bytes until now.
func (s *segment) follows(first *segment, n int) bool {
	const acknowledgmentAt = 8
	at := s.tcp
	return s.hasData() && n+s.length-s.data <= mostTogether && s.isLike(first) && s.sequence() == first.sequence()+uint32(n-s.data) &&
		s.has(first, at+acknowledgmentAt, at+flagsAt) && s.has(first, at+windowAt, at+checksumAt)
}

// isLike reports whether two segments' headers are the same but for what may differ within a stream.
func (s *segment) isLike(a *segment) bool {
	if s.tcp != a.tcp || s.data != a.data || !s.has(a, 0, ipAt) {
		return false
	}
	if s.tcp == tcpAtV4 { // all but the length, the number and the checksum
		if !s.has(a, ipAt, ipAt+2) || !s.has(a, ipAt+6, ipAt+10) || !s.has(a, ipAt+12, s.tcp) {
			return false
		}
	} else if !s.has(a, ipAt, ipAt+4) || !s.has(a, ipAt+6, s.tcp) { // all but the length
		return false
	}
	return s.has(a, s.tcp, s.tcp+4) && s.has(a, s.tcp+urgentAt, s.data)
}

// has reports whether s has some bytes of a's.
func (s *segment) has(a *segment, from, to int) bool {
	return bytes.Equal(s.frame[from:to], a.frame[from:to])
}

func (s *segment) sequence() uint32     { return binary.BigEndian.Uint32(s.frame[s.tcp+4:]) }
func (s *segment) acknowledged() uint32 { return binary.BigEndian.Uint32(s.frame[s.tcp+8:]) }

// push has the segment pushed if b's is.
func (s *segment) push(b []byte) { s.frame[s.tcp+flagsAt] |= b[s.tcp+flagsAt] }

// claimed is the sum of the data, as the checksum has it, modulo 0xffff: the sum of all is 0.
func (s *segment) claimed() uint32 { return 0xffff - s.headers(s.length) }

// headers is the sum of TCP's header and of what is summed with it, of a frame of n bytes, modulo 0xffff.
func (s *segment) headers(n int) uint32 {
	addresses := s.tcp - 2*header.IPv4AddressSize
	if s.tcp == tcpAtV6 {
		addresses = s.tcp - 2*header.IPv6AddressSize
	}
	return (uint32(checksum.Checksum(s.frame[addresses:s.data], 0)) + uint32(header.TCPProtocolNumber) + uint32(n-s.tcp)) % 0xffff
}

// complete has the headers say that the frame has n bytes, and sum as that of its data.
func (s *segment) complete(n int, sum uint32) {
	b := s.frame
	if s.tcp == tcpAtV4 {
		put16(b, ipAt+2, n-ipAt)
		put16(b, ipAt+10, 0)
		put16(b, ipAt+10, int(^checksum.Checksum(b[ipAt:s.tcp], 0)))
	} else {
		put16(b, ipAt+4, n-tcpAtV6)
	}
	put16(b, s.tcp+checksumAt, 0)
	put16(b, s.tcp+checksumAt, int(0xffff-(s.headers(n)+sum)%0xffff))
}

func be16(b []byte, at int) int     { return int(binary.BigEndian.Uint16(b[at:])) }
func put16(b []byte, at int, v int) { binary.BigEndian.PutUint16(b[at:], uint16(v)) }
