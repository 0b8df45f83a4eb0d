// SPDX-License-Identifier: Apache-2.0

package inet

import (
	"encoding/binary"
	"net/netip"

	"loam/abi"
)

// Messages of netlink(7) and rtnetlink(7): a head of 16 bytes (length, type, flags, sequence, number of who it is
// for), then what the type says, then attributes. Each begins at a multiple of 4 bytes.
const (
	headSize = 16

	typeError = 2
	typeDone  = 3
	newLink   = 16
	getLink   = 18
	newAddr   = 20
	getAddr   = 22
	getRoute  = 26
	lastType  = 127

	isRequest = 1
	isMulti   = 2
	wantsAll  = 0x300
)

// request is a message to be answered.
type request struct {
	b        []byte // all of it
	kind     uint16
	flags    uint16
	sequence uint32
	number   uint32 // of who asks
	all      []*Interface
}

// AnswerNetlink answers the requests in what was sent by the socket of a number.
func AnswerNetlink(b []byte, number uint32, all []*Interface) (answers [][]byte) {
	le := binary.LittleEndian
	for len(b) >= headSize {
		n := int(le.Uint32(b))
		if n < headSize || n > len(b) {
			return answers
		}
		r := request{b: b[:n], kind: le.Uint16(b[4:]), flags: le.Uint16(b[6:]), sequence: le.Uint32(b[8:]), number: number, all: all}
		if r.flags&isRequest != 0 && r.kind >= headSize {
			answers = append(answers, r.answer()...)
		}
		b = b[min((n+3)&^3, len(b)):]
	}
	return answers
}

// answer gives the messages that answer a request, as they are received.
func (r *request) answer() [][]byte {
	family := uint8(0)
	if len(r.b) > headSize {
		family = r.b[headSize]
	}
	all := r.flags&wantsAll != 0
	var b []byte
	switch {
	case r.kind == getLink && all:
		for _, i := range r.all {
			b = r.link(b, i, isMulti)
		}
	case r.kind == getLink:
		for _, i := range r.all {
			if r.asksFor(i) {
				return [][]byte{r.link(nil, i, 0)}
			}
		}
		return [][]byte{r.failure(abi.ENODEV)}
	case r.kind == getAddr && all:
		for _, i := range r.all {
			b = r.addresses(b, i, family)
		}
	case r.kind == getRoute && all:
	case r.kind > lastType, r.kind%4 == 2:
		return [][]byte{r.failure(abi.ENOTSUP)}
	default: // something is to be changed
		return [][]byte{r.failure(abi.EPERM)}
	}
	return [][]byte{r.message(b, typeDone, isMulti, make([]byte, 4))}
}

// asksFor reports whether a request for one interface is for that one: by its number, or else by its name.
func (r *request) asksFor(i *Interface) bool {
	const indexAt, attributesAt, nameOf = headSize + 4, headSize + 16, 3
	if len(r.b) < attributesAt {
		return false
	}
	if n := binary.LittleEndian.Uint32(r.b[indexAt:]); n != 0 {
		return n == i.Index
	}
	for b := r.b[attributesAt:]; len(b) >= 4; {
		n := int(binary.LittleEndian.Uint16(b))
		if n < 4 || n > len(b) {
			return false
		}
		if binary.LittleEndian.Uint16(b[2:]) == nameOf {
			return string(b[4:n]) == i.Name+"\x00" || string(b[4:n]) == i.Name
		}
		b = b[min((n+3)&^3, len(b)):]
	}
	return false
}

// message appends a message.
func (r *request) message(b []byte, kind, flags uint16, content []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint32(b, uint32(headSize+len(content)))
	b = le.AppendUint16(le.AppendUint16(b, kind), flags)
	b = le.AppendUint32(le.AppendUint32(b, r.sequence), r.number)
	b = append(b, content...)
	return append(b, make([]byte, -len(content)&3)...)
}

// failure is the answer to a request that is refused: the error, and the request's head.
func (r *request) failure(e abi.Errno) []byte {
	content := binary.LittleEndian.AppendUint32(nil, uint32(-int32(e)))
	return r.message(nil, typeError, 0, append(content, r.b[:headSize]...))
}

// attribute appends one.
func attribute(b []byte, kind uint16, value []byte) []byte {
	b = binary.LittleEndian.AppendUint16(b, uint16(4+len(value)))
	b = append(binary.LittleEndian.AppendUint16(b, kind), value...)
	return append(b, make([]byte, -len(value)&3)...)
}

// link appends a message about an interface: struct ifinfomsg and attributes.
func (r *request) link(b []byte, i *Interface, flags uint16) []byte {
	const address, broadcast, name, mtu, queue, state = 1, 2, 3, 4, 13, 16
	le := binary.LittleEndian
	word := func(v uint32) []byte { return le.AppendUint32(nil, v) }
	c := le.AppendUint16([]byte{0, 0}, i.Type)
	c = le.AppendUint32(le.AppendUint32(c, i.Index), i.Flags)
	c = le.AppendUint32(c, 0)
	c = attribute(c, name, append([]byte(i.Name), 0))
	c = attribute(c, queue, word(i.Queue))
	c = attribute(c, state, []byte{i.operation()})
	c = attribute(c, mtu, word(i.MTU))
	c = attribute(c, address, i.Hardware[:])
	c = attribute(c, broadcast, i.everybody())
	return r.message(b, newLink, flags, c)
}

// addresses appends a message about each address of an interface that is of a family.
func (r *request) addresses(b []byte, i *Interface, family uint8) []byte {
	for _, p := range i.Addresses {
		if family == FamilyNone || family == FamilyIPv4 && p.Addr().Is4() || family == FamilyIPv6 && p.Addr().Is6() {
			b = r.address(b, i, p)
		}
	}
	return b
}

// scope tells how far an address is known, by rtnetlink(7)'s numbers.
func scope(a netip.Addr) uint8 {
	const universe, link, host = 0, 253, 254
	switch {
	case a.IsLoopback():
		return host
	case a.IsLinkLocalUnicast():
		return link
	}
	return universe
}

// address appends a message about an address: struct ifaddrmsg and attributes.
func (r *request) address(b []byte, i *Interface, p netip.Prefix) []byte {
	const address, local, label, broadcast = 1, 2, 3, 4
	const permanent = 0x80
	family := uint8(FamilyIPv4)
	if p.Addr().Is6() {
		family = FamilyIPv6
	}
	c := []byte{family, uint8(p.Bits()), permanent, scope(p.Addr())}
	c = binary.LittleEndian.AppendUint32(c, i.Index)
	c = attribute(c, address, p.Addr().AsSlice())
	if p.Addr().Is4() {
		c = attribute(c, local, p.Addr().AsSlice())
		if i.Flags&flagBroadcast != 0 {
			c = attribute(c, broadcast, Broadcast(p).AsSlice())
		}
		c = attribute(c, label, append([]byte(i.Name), 0))
	}
	return r.message(b, newAddr, isMulti, c)
}
