// SPDX-License-Identifier: Apache-2.0

package inet

import (
	"context"
	"net/netip"

	"loam/abi"
	"loam/user/linux/lx"
	"loam/user/sockets"
)

// Datagrams to and from beyond the sandbox. A socket that is bound to all addresses gets those of the sandbox and
// those that the server has for it.

// appearDatagram binds it there, too, and connects it if it is.
func (s *Socket) appearDatagram() {
	e := s.makeThere(sockets.Datagram, s.bound.Addr().Is6())
	if s.lost = e == lost; e != 0 {
		return
	}
	e = s.bindThere(netip.AddrPortFrom(s.boundThere(), s.port))
	if e == abi.EADDRINUSE && !s.fixedPort { // another sandbox has it: any will do
		e = s.bindThere(netip.AddrPortFrom(s.boundThere(), 0))
	}
	if e == 0 && s.state == Established {
		e = s.host.ask(func(ctx context.Context, server sockets.Sockets, session uint64) error {
			return server.Connect(ctx, session, s.at(), addressThere(s.remote))
		})
	}
	if s.lost = e == lost; e != 0 {
		s.leave(false)
	}
}

// boundThere is the address that it is bound to there: one that was asked for.
func (s *Socket) boundThere() netip.Addr {
	if s.fixedAddr {
		return s.bound.Addr()
	}
	if s.bound.Addr().Is6() {
		return netip.IPv6Unspecified()
	}
	return netip.IPv4Unspecified()
}

// reconnectBeyond has datagrams there come from and go to the address that it is connected to.
func (s *Socket) reconnectBeyond() {
	s.leave(false)
	if s.host.beyond(s.remote.Addr()) {
		s.want()
	}
}

// sendDatagramBeyond sends one.
func (s *Socket) sendDatagramBeyond(b lx.Buffer, to netip.AddrPort) (int, abi.Errno) {
	if e := s.wantNow(); e != 0 {
		return 0, e
	}
	if b.Len() > sockets.MaxData {
		return 0, abi.EMSGSIZE
	}
	data := s.host.net.part(b.Len())
	if _, e := b.Get(data); e != 0 {
		return 0, e
	}
	e := s.host.ask(func(ctx context.Context, server sockets.Sockets, session uint64) error {
		_, err := server.Send(ctx, session, s.at(), data, s.state != Established || to != s.remote, addressThere(to))
		return err
	})
	switch {
	case e == abi.EAGAIN:
		return 0, lx.Wait
	case e == lost:
		return 0, Unknown // a datagram may come twice; nothing of the server is heard when it goes
	case e != 0:
		return 0, e
	}
	return len(data), 0
}

// wantNow has it be there, or says why it can't.
func (s *Socket) wantNow() abi.Errno {
	if !s.there() {
		s.want()
	}
	switch {
	case s.there():
		return 0
	case s.lost:
		return Unknown
	}
	return abi.ENETUNREACH
}

// receiveDatagramBeyond gives one that has come there. lx.Wait: none has.
func (s *Socket) receiveDatagramBeyond(b lx.Buffer, peek bool) (n int, a Arrived, e abi.Errno) {
	if s.word()&sockets.EventIn == 0 {
		return 0, a, lx.Wait
	}
	var data []byte
	var size uint32
	var from sockets.Address
	e = s.host.ask(func(ctx context.Context, server sockets.Sockets, session uint64) (err error) {
		data, size, from, err = server.Receive(ctx, session, s.at(), uint32(min(b.Len(), sockets.MaxData)), peek)
		return err
	})
	switch {
	case e == abi.EAGAIN, e == lost: // of which more is heard
		return 0, a, lx.Wait
	case e != 0:
		return 0, a, e
	}
	data = data[:min(len(data), b.Len())]
	size = min(max(size, uint32(len(data))), mostDatagram)
	a = Arrived{From: s.addressHere(from), To: s.bound, Size: int(size), TTL: defaultHops}
	if a.To.Addr().IsUnspecified() {
		if to, ok := s.host.net.source(a.From.Addr()); ok {
			a.To = netip.AddrPortFrom(to, s.port)
		}
	}
	n, e = b.Put(data)
	return n, a, e
}
