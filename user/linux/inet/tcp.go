// SPDX-License-Identifier: Apache-2.0

package inet

import (
	"net/netip"
	"slices"

	"loam/abi"
	"loam/user/linux/lx"
	"loam/user/linux/poll"
	"loam/user/linux/socket"
)

// connection is what a socket of TCP has.
type connection struct {
	peer    *Socket   // the other end
	in      poll.Ring // what came from there
	ended   bool      // the end of it has come
	orphan  bool      // its owner has closed it
	noSpace bool      // somebody has found no room for what he sends

	backlog  int       // of one that listens
	accepted []*Socket // the ends here of connections that nobody took yet
	waiting  []*Socket // who has found no room among them
}

// mostBacklog is net.core.somaxconn.
const mostBacklog = 4096

// Listen has it take connections.
func (s *Socket) Listen(backlog int32) abi.Errno {
	switch {
	case s.Kind == socket.Datagram:
		return abi.ENOTSUP
	case s.phase != unconnected || s.state != Closed && s.state != Listen:
		return abi.EINVAL
	}
	s.backlog = int(min(uint32(backlog), mostBacklog))
	if s.state == Listen {
		s.listenAgain()
		return 0
	}
	s.state, s.shut = Listen, 0
	switch {
	case s.port == 0 && s.take(0) == 0, s.port != 0 && s.free(s.port, false):
		s.want()
		return 0
	}
	s.state = Closed
	s.unbind()
	return abi.EADDRINUSE
}

// listenAgain has another backlog count, also there.
func (s *Socket) listenAgain() {
	for len(s.waiting) > 0 && !s.full() {
		from := s.waiting[0]
		s.waiting = s.waiting[1:]
		from.establish(s)
	}
	if s.there() {
		s.host.ask(s.listenThere)
		s.acceptThere()
	}
}

// full reports whether a listener has no room for another connection.
func (s *Socket) full() bool { return len(s.accepted) > s.backlog }

// Accept takes a connection. lx.Wait: there is none.
func (s *Socket) Accept() (*Socket, abi.Errno) {
	switch {
	case s.Kind == socket.Datagram:
		return nil, abi.ENOTSUP
	case s.state != Listen:
		return nil, abi.EINVAL
	case len(s.accepted) == 0:
		s.acceptThere() // one that the server had no room for may be there
	}
	if len(s.accepted) == 0 {
		return nil, lx.Wait
	}
	c := s.accepted[0]
	s.accepted[0] = nil
	s.accepted = s.accepted[1:]
	c.phase = isConnected
	if len(s.waiting) > 0 && !s.full() {
		from := s.waiting[0]
		s.waiting = s.waiting[1:]
		from.establish(s)
	}
	s.acceptThere()
	return c, 0
}

// Connect connects it. lx.Wait: it isn't yet; nonblock: nobody waits for it.
func (s *Socket) Connect(b []byte, nonblock bool) abi.Errno {
	switch {
	case len(b) < 2:
		return abi.EINVAL
	case s.Kind == socket.Datagram:
		return s.connectDatagram(b)
	case family(b) == FamilyNone:
		s.disconnect()
		s.phase = unconnected
		return 0
	}
	told := abi.EALREADY
	switch s.phase {
	case isConnected:
		return abi.EISCONN
	case disconnecting:
		return abi.EINVAL
	case unconnected:
		if s.state != Closed {
			return abi.EISCONN
		}
		if e := s.dial(b); e != 0 {
			return e
		}
		s.phase = connecting
		if told = abi.EINPROGRESS; nonblock { // how it has ended is heard later, as on Linux
			return told
		}
	}
	switch s.state {
	case SynSent:
		if nonblock {
			return told
		}
		return lx.Wait
	case Closed:
		return s.refused()
	}
	s.phase = isConnected
	return 0
}

// refused ends a connect(2) that has failed.
func (s *Socket) refused() abi.Errno {
	e := s.TakeError()
	if e == 0 {
		e = abi.ECONNABORTED
	}
	s.disconnect()
	s.phase = unconnected
	return e
}

// dial looks for who listens, and has both connected.
func (s *Socket) dial(b []byte) abi.Errno {
	to, e := s.parse(b)
	if e != 0 {
		return e
	}
	from, target, e := s.target(to.Addr())
	if e != 0 {
		return e
	}
	to = netip.AddrPortFrom(target, to.Port())
	if s.host.beyond(target) {
		return s.dialBeyond(from, to)
	}
	if s.port != 0 && s.host.pairs[pair{netip.AddrPortFrom(from, s.port), to}] != nil {
		return abi.EADDRNOTAVAIL
	}
	before := s.bound
	s.bound = netip.AddrPortFrom(from, before.Port())
	if s.port == 0 && s.take(0) != 0 {
		s.bound = before
		return abi.EADDRNOTAVAIL
	}
	s.state, s.remote, s.err, s.shut, s.ended = SynSent, to, 0, 0, false
	s.host.pairs[pair{s.bound, to}] = s
	switch l := s.host.listener(to); {
	case l == nil && s.bound == to: // it has found itself
		s.peer, s.state = s, Established
		s.queue.Tell(everybody)
	case l == nil:
		s.reset()
	case l.full():
		l.waiting = append(l.waiting, s)
	default:
		s.establish(l)
	}
	return 0
}

// target gives the addresses that a connection to one is from and to.
func (s *Socket) target(to netip.Addr) (from, target netip.Addr, e abi.Errno) {
	if s.Six && to.Is6() && to.IsLinkLocalUnicast() { // which needs an interface, and there is none that has such
		return from, to, abi.EINVAL
	}
	fixed6 := s.bound.Addr().Is6() && !s.bound.Addr().IsUnspecified()
	if to.Is4() && (s.OnlySix || fixed6 && to.IsUnspecified()) {
		return from, to, abi.ENETUNREACH
	}
	if s.bound.Addr().Is4() && to.Is6() { // of a socket that is bound to a mapped address
		if !to.IsUnspecified() {
			return from, to, abi.ENETUNREACH
		}
		to = netip.IPv4Unspecified()
	}
	from, target, e = s.host.route(s.bound.Addr(), to)
	if e == 0 && toMany(target) && s.Kind == socket.Stream {
		e = abi.ENETUNREACH
	}
	return from, target, e
}

// establish connects a socket with a listener, which gets the other end.
func (s *Socket) establish(l *Socket) {
	c := s.host.New(socket.Stream, l.Six)
	c.Options = l.Options
	c.bound, c.remote = s.remote, s.bound
	c.occupy(c.bound.Port())
	c.state, s.state = Established, Established
	c.peer, s.peer = s, c
	s.host.pairs[pair{c.bound, c.remote}] = c
	l.accepted = append(l.accepted, c)
	l.queue.Tell(readable)
	s.queue.Tell(everybody)
}

// forget takes back that a socket waits for a listener's room.
func (s *Socket) forget() {
	if l := s.host.listener(s.remote); l != nil {
		if i := slices.Index(l.waiting, s); i >= 0 {
			l.waiting = slices.Delete(l.waiting, i, i+1)
		}
	}
}
