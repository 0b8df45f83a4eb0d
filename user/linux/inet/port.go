// SPDX-License-Identifier: Apache-2.0

package inet

import (
	"math/rand/v2"
	"net/netip"
	"slices"

	"loam/abi"
	"loam/user/linux/socket"
)

// Ports that are given to who wants any: net.ipv4.ip_local_port_range.
const (
	firstPort = 32768
	lastPort  = 60999
)

// overlap reports whether there is an address that both sockets cover.
func overlap(a, b *Socket) bool {
	x, y := a.bound.Addr(), b.bound.Addr()
	switch {
	case x.IsUnspecified() && y.IsUnspecified():
		return x == y || x.Is6() && !a.OnlySix || y.Is6() && !b.OnlySix
	case x.IsUnspecified():
		return a.covers(y) > 0
	}
	return b.covers(x) > 0
}

// inTheWay reports whether another socket keeps one from a port, which it has asked for or (any) was found for it.
func (s *Socket) inTheWay(other *Socket, any bool) bool {
	switch {
	case other == s:
		return false
	case s.Reuse && other.Reuse && other.state != Listen && !any:
		return false
	case s.ReusePort && other.ReusePort && !any:
		return false
	}
	return overlap(s, other)
}

// free reports whether a socket may have a port.
func (s *Socket) free(number uint16, any bool) bool {
	return !slices.ContainsFunc(s.host.ports[port{s.Kind, number}], func(other *Socket) bool { return s.inTheWay(other, any) })
}

// take gives the socket a port: 0: any that is free. EADDRINUSE: another has it, or all are taken.
func (s *Socket) take(number uint16) abi.Errno {
	if number == 0 {
		if number = s.anyPort(); number == 0 {
			return abi.EADDRINUSE
		}
	} else if !s.free(number, false) {
		return abi.EADDRINUSE
	}
	s.occupy(number)
	return 0
}

// occupy has the socket be among those that have a port.
func (s *Socket) occupy(number uint16) {
	h := s.host
	p := port{s.Kind, number}
	h.ports[p] = append(h.ports[p], s)
	s.port = number
	s.bound = netip.AddrPortFrom(s.bound.Addr(), number)
}

// anyPort gives a port that nobody is in the way of, 0: there is none.
func (s *Socket) anyPort() uint16 {
	h := s.host
	for range lastPort - firstPort + 1 {
		number := h.next
		if h.next += uint16(1 + rand.N(3)); h.next > lastPort || h.next < firstPort {
			h.next = firstPort + uint16(rand.N(3))
		}
		if s.free(number, true) {
			return number
		}
	}
	for number := uint16(firstPort); number <= lastPort; number++ { // which chance has left out
		if s.free(number, true) {
			return number
		}
	}
	return 0
}

// release takes the socket's port away. The address that is told of it stays.
func (s *Socket) release() {
	if s.port == 0 {
		return
	}
	p := port{s.Kind, s.port}
	all := s.host.ports[p]
	if i := slices.Index(all, s); len(all) == 1 {
		delete(s.host.ports, p)
	} else {
		s.host.ports[p] = slices.Delete(all, i, i+1)
	}
	s.port = 0
}

// Bind binds the socket to an address.
func (s *Socket) Bind(b []byte) abi.Errno {
	a, e := s.parseBound(b)
	again := s.state != Closed || s.port != 0
	may := abi.Errno(0)
	if e == 0 {
		may = s.host.mayBind(a.Addr())
	}
	switch {
	case e != 0:
		return e
	case again && s.Six: // which is looked at first there
		return abi.EINVAL
	case may != 0:
		return may
	case again:
		return abi.EINVAL
	}
	s.bound = a
	if e := s.take(a.Port()); e != 0 {
		s.bound = s.nowhere()
		return e
	}
	s.fixedAddr, s.fixedPort = !a.Addr().IsUnspecified(), a.Port() != 0
	if s.Kind == socket.Datagram {
		s.want()
	}
	return 0
}

// parseBound takes an address apart that a socket is to be bound to.
func (s *Socket) parseBound(b []byte) (netip.AddrPort, abi.Errno) {
	if !s.Six {
		if len(b) >= size4 && family(b) == FamilyNone && address4(b).Addr().IsUnspecified() {
			return address4(b), 0 // as programs of the first days have it
		}
		return s.parse(b)
	}
	a, e := s.parse(b)
	switch {
	case e != 0:
		return a, e
	case a.Addr().Is6() && a.Addr().IsMulticast(), a.Addr().Is4() && s.OnlySix:
		return a, abi.EINVAL
	}
	return a, 0
}

// nowhere is the address of a socket that isn't bound.
func (s *Socket) nowhere() netip.AddrPort {
	if s.Six {
		return netip.AddrPortFrom(netip.IPv6Unspecified(), 0)
	}
	return netip.AddrPortFrom(netip.IPv4Unspecified(), 0)
}

// autobind gives a port to a socket that has none.
func (s *Socket) autobind() abi.Errno {
	if s.port == 0 && s.take(0) != 0 {
		return abi.EAGAIN
	}
	return 0
}
