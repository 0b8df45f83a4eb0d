// SPDX-License-Identifier: Apache-2.0

package netd

import (
	"encoding/binary"

	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	vnet "loam/user/virtio/net"
)

// cutter makes frames of packets whose segments the stack leaves to the device to cut (vnet.Offload), for a device that
// doesn't: the stack's own way of a packet is long, and the same for one of 32 KiB.
type cutter struct {
	whole segment // the packet's headers
	part  segment // a frame's
	parts [][]byte
}

// cut sends the segments of a packet, whose parts are in l.parts, from the one on whose data begins at from. done reports whether
// those were all; else there was no room for the one at next.
func (l *link) cut(p *stack.PacketBuffer, from int) (next int, done bool) {
	c := &l.cutter
	data, ok := c.split(l.parts, p)
	if !ok {
		l.dropped++
		return 0, true
	}
	defer func() { clear(c.parts[:cap(c.parts)]) }()
	total := p.Data().Size()
	most := max(1, total)
	if mss := int(p.GSOOptions.MSS); mss > 0 {
		most = mss
	}
	pair := l.pair(p)
	for at := from; ; at += most {
		n := min(most, total-at)
		c.begin(at, at/most, at+n == total)
		c.parts = within(append(c.parts[:0], c.part.frame), data, at, n)
		c.part.complete(len(c.part.frame)+n, sumOf(c.parts[1:]))
		ok, err := l.card.Send(pair, vnet.Offload{}, c.parts...)
		if l.check(err); !ok || l.failed {
			return at, false
		}
		if at+n == total {
			return 0, true
		}
	}
}

// split parts a packet's headers from its data. !ok: they aren't such that segments can be made of it.
func (c *cutter) split(parts [][]byte, p *stack.PacketBuffer) (data [][]byte, ok bool) {
	n, h := p.HeaderSize(), c.whole.frame[:0]
	for len(h) < n && len(parts) > 0 {
		k := min(n-len(h), len(parts[0]))
		if h = append(h, parts[0][:k]...); k == len(parts[0]) {
			parts = parts[1:]
		} else {
			parts[0] = parts[0][k:]
		}
	}
	c.whole = segment{frame: h, tcp: ipAt + int(p.GSOOptions.L3HdrLen), data: n}
	switch c.whole.tcp {
	case tcpAtV4:
		ok = len(h) == n && n >= tcpAtV4+header.TCPMinimumSize && h[ipAt] == 0x45
	case tcpAtV6:
		ok = len(h) == n && n >= tcpAtV6+header.TCPMinimumSize && h[ipAt+6] == uint8(header.TCPProtocolNumber)
	}
	return parts, ok
}

// begin makes the headers of segment i, whose data begins at a place.
func (c *cutter) begin(at, i int, last bool) {
	s := &c.part
	s.tcp, s.data = c.whole.tcp, c.whole.data
	s.frame = append(s.frame[:0], c.whole.frame...)
	b := s.frame
	if s.tcp == tcpAtV4 {
		put16(b, ipAt+4, be16(b, ipAt+4)+i)
	}
	binary.BigEndian.PutUint32(b[s.tcp+4:], s.sequence()+uint32(at))
	if !last {
		b[s.tcp+flagsAt] &^= uint8(header.TCPFlagFin | header.TCPFlagPsh)
	}
}

// within appends n bytes of data from a place on to parts.
func within(parts, data [][]byte, at, n int) [][]byte {
	for _, b := range data {
		if n == 0 {
			break
		}
		if at >= len(b) {
			at -= len(b)
			continue
		}
		k := min(n, len(b)-at)
		parts = append(parts, b[at:at+k])
		at, n = 0, n-k
	}
	return parts
}

// sumOf is the sum of data, modulo 0xffff.
func sumOf(data [][]byte) uint32 {
	var c checksum.Checksumer
	for _, b := range data {
		c.Add(b)
	}
	return uint32(c.Checksum())
}
