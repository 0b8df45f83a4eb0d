// SPDX-License-Identifier: Apache-2.0

package netd

import (
	"sync"

	"gvisor.dev/gvisor/pkg/tcpip/header"
)

// mostDatagrams is how many datagrams may wait at a port: the stack counts their bytes alone, and one may have none.
const mostDatagrams = 128

// datagrams counts those that have come for ports that sockets have, and weren't received.
type datagrams struct {
	mu    sync.Mutex // guards what follows; no other lock is taken under it
	ports map[uint16]*waitingDatagrams
}

type waitingDatagrams struct{ sockets, count int }

// open has a port be a socket's, and close not any more.
func (d *datagrams) open(port uint16) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ports == nil {
		d.ports = map[uint16]*waitingDatagrams{}
	}
	p := d.ports[port]
	if p == nil {
		p = &waitingDatagrams{}
		d.ports[port] = p
	}
	p.sockets++
}

func (d *datagrams) close(port uint16) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p := d.ports[port]; p != nil {
		if p.sockets--; p.sockets == 0 {
			delete(d.ports, port)
		}
	}
}

// comes counts one that comes for a port, and reports whether there is room.
func (d *datagrams) comes(port uint16) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := d.ports[port]
	if p == nil {
		return true // the stack has nobody to keep it for
	}
	if p.count >= mostDatagrams {
		return false
	}
	p.count++
	return true
}

// received takes one off; all: there are none.
func (d *datagrams) received(port uint16, all bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch p := d.ports[port]; {
	case p == nil:
	case all && p.sockets == 1:
		p.count = 0
	case p.count > 0:
		p.count--
	}
}

// datagramPort gives the port that a frame's datagram is for, if it is one, or its first piece.
func datagramPort(frame []byte) (uint16, bool) {
	if len(frame) < header.EthernetMinimumSize {
		return 0, false
	}
	body := frame[header.EthernetMinimumSize:]
	var u header.UDP
	switch header.Ethernet(frame).Type() {
	case header.IPv4ProtocolNumber:
		ip := header.IPv4(body)
		if len(body) < header.IPv4MinimumSize || ip.Protocol() != uint8(header.UDPProtocolNumber) || ip.FragmentOffset() != 0 {
			return 0, false
		}
		u = header.UDP(body[min(int(ip.HeaderLength()), len(body)):])
	case header.IPv6ProtocolNumber:
		ip := header.IPv6(body)
		if len(body) < header.IPv6MinimumSize || ip.NextHeader() != uint8(header.UDPProtocolNumber) {
			return 0, false
		}
		u = header.UDP(body[header.IPv6MinimumSize:])
	}
	if len(u) < header.UDPMinimumSize {
		return 0, false
	}
	return u.DestinationPort(), true
}
