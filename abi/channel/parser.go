// SPDX-License-Identifier: Apache-2.0

package channel

// Event says what a step of a Parser produced; several may hold at once.
type Event uint8

const (
	// Begin: a header is complete; Type and Length are those of its frame.
	Begin Event = 1 << iota
	// Data: there are payload bytes.
	Data
	// End: the frame's payload is complete.
	End
)

// Parser splits a stream of bytes into frames without keeping any payload: it
// hands payload on as it comes, so that a frame of 64 KiB needs no 64 KiB. It
// holds no pointer and allocates nothing. The zero value parses frames from
// the guest to the host; set For first to parse the other direction.
type Parser struct {
	// For is the direction of the stream; not to be changed after the start.
	For Direction
	// Ring says that the version is VersionRing. It may be set between two
	// frames.
	Ring bool

	head  [HeaderSize]byte
	have  uint8 // header bytes collected; HeaderSize while in a payload
	fault Fault
	size  int32 // payload length of the current frame, bytes
	left  int32 // payload bytes still to come
}

// Type is the current frame's type without InRing, valid from Begin to the
// next Begin.
func (p *Parser) Type() Type { return Type(p.head[0]) &^ InRing }

// InRing reports whether the current frame's payload is in the ring: then the
// frame has no Data and its header is Begin and End.
func (p *Parser) InRing() bool { return Type(p.head[0])&InRing != 0 }

// Length is the payload length of the current frame in bytes, 0..MaxPayload,
// valid from Begin to the next Begin.
func (p *Parser) Length() int { return int(p.size) }

// Fault is the violation that stopped the parser, or 0.
func (p *Parser) Fault() Fault { return p.fault }

// Idle reports whether the parser is between two frames: the only place where
// a stream may end.
func (p *Parser) Idle() bool { return p.have == 0 && p.fault == 0 }

// Feed takes one byte. With Data in the result the byte is payload of the
// current frame. After a fault it returns 0 for ever.
func (p *Parser) Feed(b byte) Event {
	if p.fault != 0 {
		return 0
	}
	if p.have < HeaderSize {
		return p.header(b)
	}
	p.left--
	if p.left == 0 {
		p.have = 0
		return Data | End
	}
	return Data
}

// Next takes bytes from the front of in, up to the end of a header or of a
// payload, whichever comes first. It returns what happened, the payload bytes
// among those taken (aliasing in; only with Data), and how many were taken.
// With a non-empty in it takes at least one, except after a fault: then none.
func (p *Parser) Next(in []byte) (e Event, payload []byte, n int) {
	if p.fault != 0 {
		return 0, nil, 0
	}
	for p.have < HeaderSize {
		if n == len(in) {
			return 0, nil, n
		}
		e = p.header(in[n])
		n++
		if e != 0 || p.fault != 0 {
			return e, nil, n
		}
	}
	if len(in) == 0 {
		return 0, nil, 0
	}
	k := len(in)
	if k > int(p.left) {
		k = int(p.left)
	}
	p.left -= int32(k)
	if p.left == 0 {
		p.have = 0
		return Data | End, in[:k], k
	}
	return Data, in[:k], k
}

// header takes one byte of a header, and checks the header at its last byte.
func (p *Parser) header(b byte) Event {
	p.head[p.have&(HeaderSize-1)] = b
	p.have++
	if p.have < HeaderSize {
		return 0
	}
	n := int(p.head[1]) | int(p.head[2])<<8 | int(p.head[3])<<16
	min, max, ok := bounds(p.For, p.Ring, Type(p.head[0]))
	switch {
	case !ok:
		p.fault = BadType
		return 0
	case n < min || n > max:
		p.fault = BadLength
		return 0
	}
	p.size, p.left = int32(n), int32(n)
	if n == 0 || p.InRing() {
		p.have, p.left = 0, 0
		return Begin | End
	}
	return Begin
}
