// SPDX-License-Identifier: Apache-2.0

package inet

import (
	"net/netip"

	"loam/abi"
	"loam/user/linux/lx"
	"loam/user/linux/socket"
	"loam/user/sockets"
)

// datagrams is what a socket of UDP has.
type datagrams struct {
	received []datagram
	cost     int // of those
}

// datagram is one that came.
type datagram struct {
	data     []byte
	from, to netip.AddrPort
	ttl      uint8
}

// slack is what a datagram costs besides its bytes of the receive buffer: about what Linux's does.
const slack = 768

// mostDatagram is how many bytes a datagram has at most, over IPv4.
const mostDatagram = 65_507

// Arrived is what is known of a datagram.
type Arrived struct {
	From, To netip.AddrPort
	Size     int // which may be more than there was room for
	TTL      uint8
}

// datagramEvents is Events of what can be read and written.
func (s *Socket) datagramEvents() uint32 {
	v := uint32(writable | band)
	if s.there() && s.word()&sockets.EventOut == 0 { // what is sent goes there, or waits for it
		v = 0
	}
	if len(s.received) > 0 || s.there() && s.word()&sockets.EventIn != 0 {
		v |= readable
	}
	return v
}

// firstSize is the size of the next datagram.
func (s *Socket) firstSize() int {
	if len(s.received) == 0 {
		return 0
	}
	return len(s.received[0].data)
}

// connectDatagram has datagrams go to an address, and come from there alone.
func (s *Socket) connectDatagram(b []byte) abi.Errno {
	if family(b) == FamilyNone {
		s.disconnectDatagram()
		return 0
	}
	if e := s.autobind(); e != 0 {
		return e
	}
	to, e := s.parseTarget(b)
	if e != 0 {
		return e
	}
	from, target, e := s.target(to.Addr())
	switch {
	case e != 0:
		return e
	case isBroadcast(target) && !s.Broadcast:
		return abi.EACCES
	}
	if s.bound.Addr().IsUnspecified() {
		s.bound = netip.AddrPortFrom(from, s.bound.Port())
	}
	s.remote, s.state = netip.AddrPortFrom(target, to.Port()), Established
	s.reconnectBeyond()
	return 0
}

// parseTarget takes an address apart that datagrams are sent to: those of IPv4 will do for sockets of IPv6.
func (s *Socket) parseTarget(b []byte) (netip.AddrPort, abi.Errno) {
	if s.Six && len(b) >= size4 && family(b) == FamilyIPv4 && !s.OnlySix {
		return address4(b), 0
	}
	return s.parse(b)
}

func (s *Socket) disconnectDatagram() {
	s.state, s.remote = Closed, s.nowhere()
	s.leave(false)
	s.unbind()
	if !s.fixedPort {
		s.release()
		s.bound = netip.AddrPortFrom(s.bound.Addr(), 0)
		s.wanted = false
	} else if s.wanted {
		s.appear()
	}
}

// SendDatagram sends one to an address, nil: to the one that the socket is connected to, and from an address of its
// own, if that is valid.
func (s *Socket) SendDatagram(b lx.Buffer, address []byte, own netip.Addr) (int, abi.Errno) {
	switch { // it has a port then, also if nothing can be sent
	case s.autobind() != 0:
		return 0, abi.EAGAIN
	case !s.Six && b.Len() > 0xffff:
		return 0, abi.EMSGSIZE
	}
	to, e := s.destination(address)
	if e != 0 {
		return 0, e
	}
	if !own.IsValid() {
		own = s.bound.Addr()
	}
	from, target, e := s.sendTarget(own, to.Addr())
	most := mostDatagram
	if target.Is6() {
		most += 20
	}
	switch {
	case e != 0:
		return 0, e
	case isBroadcast(target) && !s.Broadcast:
		return 0, abi.EACCES
	case b.Len() > most:
		return 0, abi.EMSGSIZE
	case s.err != 0:
		return 0, s.TakeError()
	case s.shut&socket.NoSend != 0:
		return 0, abi.EPIPE
	}
	if s.host.beyond(target) {
		return s.sendDatagramBeyond(b, netip.AddrPortFrom(target, to.Port()))
	}
	data := make([]byte, b.Len())
	if _, e := b.Get(data); e != 0 {
		return 0, e
	}
	s.deliver(datagram{data, netip.AddrPortFrom(from, s.port), netip.AddrPortFrom(target, to.Port()), uint8(s.ttl(target))})
	return len(data), 0
}

// destination finds where a datagram goes.
func (s *Socket) destination(b []byte) (to netip.AddrPort, e abi.Errno) {
	if b != nil && s.Six && len(b) >= 2 && family(b) == FamilyNone {
		b = nil
	}
	switch {
	case b == nil && s.state != Established:
		return to, abi.EDESTADDRREQ
	case b == nil:
		return s.remote, 0
	case s.Six:
		to, e = s.destination6(b)
	case len(b) < size4:
		return to, abi.EINVAL
	case family(b) != FamilyIPv4 && family(b) != FamilyNone:
		return to, abi.EAFNOSUPPORT
	default:
		to = address4(b)
	}
	if e == 0 && to.Port() == 0 {
		e = abi.EINVAL
	}
	return to, e
}

func (s *Socket) destination6(b []byte) (to netip.AddrPort, e abi.Errno) {
	switch {
	case len(b) < 2:
		return to, abi.EINVAL
	case family(b) == FamilyIPv4 && s.OnlySix:
		return to, abi.ENETUNREACH
	case family(b) == FamilyIPv4:
		if len(b) < size4 {
			return to, abi.EINVAL
		}
		return address4(b), 0
	case family(b) != FamilyIPv6:
		return to, abi.EINVAL
	}
	to, e = s.parse(b)
	if e == 0 && to.Addr().Is4() && s.OnlySix {
		e = abi.ENETUNREACH
	}
	return to, e
}

// sendTarget is target of a datagram that is sent from an address.
func (s *Socket) sendTarget(own, to netip.Addr) (from, target netip.Addr, e abi.Errno) {
	bound := s.bound
	s.bound = netip.AddrPortFrom(own, bound.Port())
	from, target, e = s.target(to)
	s.bound = bound
	return from, target, e
}

// deliver gives a datagram to who is to have it. If there is nobody, who is connected hears of it; if there is no
// room, nobody does.
func (s *Socket) deliver(d datagram) {
	if toMany(d.to.Addr()) {
		s.host.deliverAll(d)
		return
	}
	to := s.host.receiver(d.from, d.to)
	if to == nil {
		told := s.state == Established && d.to == s.remote || s.tellsErrors()
		if told && s.covers(d.from.Addr()) > 0 { // that it can come back to
			s.err = abi.ECONNREFUSED
			s.queue.Tell(everybody)
		}
		return
	}
	to.queueDatagram(d)
}

// deliverAll gives a datagram to everybody who listens: a broadcast. Of multicast nobody is a member.
func (h *Host) deliverAll(d datagram) {
	if d.to.Addr().IsMulticast() {
		return
	}
	for _, to := range h.ports[port{socket.Datagram, d.to.Port()}] {
		if to.covers(d.to.Addr()) > 0 && (to.state != Established || to.remote == d.from) {
			to.queueDatagram(d)
		}
	}
}

// queueDatagram has a datagram be received, if there is room for it.
func (s *Socket) queueDatagram(d datagram) {
	if s.cost+len(d.data)+slack > s.ReceiveBuffer && len(s.received) > 0 {
		return
	}
	s.received = append(s.received, d)
	s.cost += len(d.data) + slack
	s.queue.Tell(readable)
}

// ReceiveDatagram gives one, cut to what there is room for. lx.Wait: none has come. With peek it stays there.
func (s *Socket) ReceiveDatagram(b lx.Buffer, peek bool) (n int, a Arrived, e abi.Errno) {
	switch {
	case s.err != 0:
		return 0, a, s.TakeError()
	case len(s.received) == 0 && s.there():
		return s.receiveDatagramBeyond(b, peek)
	case len(s.received) == 0:
		return 0, a, lx.Wait
	}
	d := &s.received[0]
	a = Arrived{From: d.from, To: d.to, Size: len(d.data), TTL: d.ttl}
	n, e = b.Put(d.data[:min(len(d.data), b.Len())])
	if !peek {
		s.cost -= len(d.data) + slack
		*d = datagram{}
		if s.received = s.received[1:]; len(s.received) == 0 {
			s.received = nil
		}
	}
	if e != 0 {
		return 0, Arrived{}, e
	}
	return n, a, 0
}
