// SPDX-License-Identifier: Apache-2.0

package inet

import (
	"context"
	"net/netip"

	"loam/abi"
	"loam/user/linux/lx"
	"loam/user/linux/poll"
	"loam/user/linux/socket"
	"loam/user/sockets"
	"loam/user/sys"
)

// Unknown is no error of Linux's, but what an operation answers that needs to know of the network beyond the sandbox
// while that isn't known yet. It has changed nothing: the call is made again when the host's Known queue is told,
// also one of a socket that never waits.
const Unknown abi.Errno = lx.Wait + 1

// Session is one with the network's server.
type Session struct {
	Server sockets.Sockets
	Number uint64
	Events []byte // that the server writes
}

// network is what is beyond the sandbox, and which of its sockets are there.
type network struct {
	start   func() // has Up or NoNetwork called, but not before it returns
	known   poll.Queue
	begun   bool     // start was called
	session *Session // nil: none
	none    bool     // there is none to be had: as without a network
	changes uint32   // of the network, that were told of
	interfaces
	sockets []*Socket // by their numbers in the session; nil where none is
	data    []byte    // of a call to the server
	broken  []pair    // connections of the last session, whose other ends are to hear of its end
}

// Attach gives the host a network beyond the sandbox. Nothing begins before it is wanted: then start is called.
func (h *Host) Attach(start func()) { h.net = &network{start: start} }

// Known is told when operations that were Unknown can be made again.
func (h *Host) Known() *poll.Queue { return &h.net.known }

// Up has the network be that of a session.
func (h *Host) Up(s Session, c sockets.Configuration) {
	h.net.session, h.net.none = &s, false
	h.Configured(c)
	for _, all := range h.ports {
		for _, s := range all {
			if s.wanted {
				s.appear()
			}
		}
	}
	for _, p := range h.net.broken {
		h.ask(func(ctx context.Context, server sockets.Sockets, session uint64) error {
			return server.Disown(ctx, session, addressThere(p.from), addressThere(p.to))
		})
	}
	h.net.broken = nil
	h.net.known.Tell(everybody)
}

// Configured has the network have another configuration.
func (h *Host) Configured(c sockets.Configuration) { h.net.configure(c) }

// NoNetwork says that there is no network, for now: whoever waits for it hears that, and the next that asks has it tried
// again. again: somebody wants it without asking (Retry).
func (h *Host) NoNetwork() (again bool) {
	h.net.none, h.net.begun = true, false
	h.net.known.Tell(everybody)
	return h.wanted()
}

// Late says that it takes too long until the network is known: until then it is as if there were none.
func (h *Host) Late() {
	if h.net.session == nil {
		h.net.none = true
		h.net.known.Tell(everybody)
	}
}

// Retry begins a session if somebody wants it.
func (h *Host) Retry() {
	if h.wanted() {
		h.beginNetwork()
	}
}

// wanted reports whether a socket is to be there in each session, or somebody beyond is to hear of the last one's end.
func (h *Host) wanted() bool {
	if len(h.net.broken) > 0 {
		return true
	}
	for _, all := range h.ports {
		for _, s := range all {
			if s.wanted {
				return true
			}
		}
	}
	return false
}

// Down says that the session is over. Connections are reset; who listens or was bound is there again
// with the next session.
func (h *Host) Down() {
	n := h.net
	all := n.sockets
	n.session, n.begun, n.none, n.sockets, n.interfaces = nil, false, false, nil, interfaces{}
	n.changes = 0 // of the next one's the count begins anew
	for _, s := range all {
		if s == nil {
			continue
		}
		s.outside = outside{wanted: s.wanted}
		if s.Kind == socket.Stream && s.state != Listen {
			if s.state != Closed { // else it has ended in both directions, and what had come may be lost
				n.broken = append(n.broken, pair{s.bound, s.remote})
			}
			s.err = abi.ECONNRESET
			s.done()
		}
		s.queue.Tell(everybody)
	}
	n.known.Tell(everybody)
	h.Retry()
}

// beginNetwork has a session begin, if there is a network and none has.
func (h *Host) beginNetwork() {
	if h.net != nil && !h.net.begun {
		h.net.begun = true
		h.net.start()
	}
}

// up reports whether sockets can be had there.
func (h *Host) up() bool { return h.net != nil && h.net.session != nil }

// unknown begins a session if there is none, and reports whether it has to be waited for.
func (h *Host) unknown() bool {
	switch {
	case h.net == nil || h.net.session != nil:
		return false
	case h.net.none: // who asks meanwhile hears the same, until it is known otherwise
		h.beginNetwork()
		return false
	}
	h.beginNetwork()
	return true
}

// IsOwn reports whether an address is one of the sandbox's.
func (h *Host) IsOwn(a netip.Addr) bool { return IsOwn(a) || h.net != nil && h.net.has(a) }

// beyond reports whether what is sent to an address leaves the sandbox.
func (h *Host) beyond(a netip.Addr) bool { return !h.IsOwn(a) && a != loopbacks4 && h.up() }

// routeBeyond gives the address that something is sent from to one beyond the sandbox, by a socket that is
// bound to from, or isn't.
func (h *Host) routeBeyond(from, to netip.Addr, bound bool) (netip.Addr, abi.Errno) {
	switch {
	case h.unknown():
		return from, Unknown
	case !h.up() || toMany(to) || to.IsMulticast():
		return from, abi.ENETUNREACH
	case bound && IsOwn(from):
		return from, abi.EINVAL
	}
	source, ok := h.net.source(to)
	if !ok {
		return from, abi.ENETUNREACH
	}
	if bound {
		return from, 0
	}
	return source, 0
}

// outside is what a socket has of one of the server's.
type outside struct {
	number uint32 // one more than its number there; 0: it has none
	wanted bool   // it is to have one in each session: it listens, or is bound
	lost   bool   // it couldn't be made there, for the session has ended
	seen   uint32 // its word of events that was looked at
	pushed settings
}

// there reports whether a socket has one of the server's.
func (s *Socket) there() bool { return s.number != 0 }

// at is its number.
func (s *Socket) at() uint32 { return s.number - 1 }

// word is what its events were last.
func (s *Socket) word() uint32 {
	return sys.LoadShared(s.host.net.session.Events, int(s.at())*sockets.EventSize)
}

// lost is what a call to the server answers whose session has ended, which is heard of soon (Down): the server has died over the
// call, or doesn't know the session. But for calls that send, receive or connect nothing else gives that error.
const lost = abi.ECONNRESET

// ask makes a call to the server. An error is of Linux's, whatever the server says.
func (h *Host) ask(call func(ctx context.Context, server sockets.Sockets, session uint64) error) abi.Errno {
	n := h.net
	e := lx.Errno(call(context.Background(), n.session.Server, n.session.Number))
	if e == abi.EBADF {
		return lost
	}
	return known(e)
}

// mostErrno is the largest number of an error of Linux's. Behind it are those that mean something here alone.
const mostErrno = 133

// known gives an error that the server has said, if it is one.
func known(e abi.Errno) abi.Errno {
	if e > mostErrno {
		return abi.EIO
	}
	return e
}

// again has an operation that has changed nothing yet be made again with the next session, if this one is lost.
func again(e abi.Errno) abi.Errno {
	if e == lost {
		return Unknown
	}
	return e
}

// makeThere makes a socket of the server's.
func (s *Socket) makeThere(kind uint8, six bool) (e abi.Errno) {
	var number uint32
	e = s.host.ask(func(ctx context.Context, server sockets.Sockets, session uint64) (err error) {
		number, err = server.Socket(ctx, session, kind, six)
		return err
	})
	if e == 0 && !s.isThere(number) {
		return abi.EIO
	}
	if e == 0 {
		s.Changed()
	}
	return e
}

// isThere notes that a socket has one of the server's, if its number can be one.
func (s *Socket) isThere(number uint32) bool {
	n := s.host.net
	if number >= sockets.MaxSockets || int(number) < len(n.sockets) && n.sockets[number] != nil {
		return false
	}
	for uint32(len(n.sockets)) <= number {
		n.sockets = append(n.sockets, nil)
	}
	n.sockets[number] = s
	s.number = number + 1
	s.pushed = s.atFirst()
	s.seen = s.word()
	return true
}

// leave gives up the socket there.
func (s *Socket) leave(reset bool) {
	if !s.there() {
		return
	}
	at := s.at()
	s.number = 0
	s.host.net.sockets[at] = nil
	s.host.ask(func(ctx context.Context, server sockets.Sockets, session uint64) error {
		return server.Close(ctx, session, at, reset)
	})
}

// bindThere binds it. Of streams, what waits for its time there to be over is not in the way. Of datagrams, the option
// would take those of another sandbox's socket away: it is only for who has asked for it.
func (s *Socket) bindThere(to netip.AddrPort) abi.Errno {
	return s.host.ask(func(ctx context.Context, server sockets.Sockets, session uint64) error {
		if s.Kind == socket.Stream || s.Reuse || s.ReusePort {
			if err := server.SetOption(ctx, session, s.at(), sockets.ReuseAddress, 1); err != nil {
				return err
			}
		}
		return server.Bind(ctx, session, s.at(), addressThere(to))
	})
}

// addressThere gives an address for the server.
func addressThere(a netip.AddrPort) sockets.Address {
	return sockets.Address{IP: sockets.IP{Bytes: a.Addr().As16(), Four: a.Addr().Is4()}, Port: a.Port()}
}

// addressHere gives it as the socket can have it: to one of IPv4 nothing else is said.
func (s *Socket) addressHere(a sockets.Address) netip.AddrPort {
	ip := a.IP.Addr().Unmap()
	if ip.Is6() && !s.Six {
		ip = netip.IPv4Unspecified()
	}
	return netip.AddrPortFrom(ip, a.Port)
}

// Heard looks at what the server has said by events. changed: the network may have, or it isn't known yet.
func (h *Host) Heard() (changed bool) {
	if !h.up() {
		return true
	}
	n := h.net
	c := sys.LoadShared(n.session.Events, len(n.session.Events)-sockets.EventSize)
	changed, n.changes = c != n.changes, c
	for i := 0; i < len(h.net.sockets); i++ { // those that are accepted meanwhile, too
		s := h.net.sockets[i]
		if s == nil {
			continue
		}
		if w := s.word(); w != s.seen {
			s.seen = w
			s.heard(w)
		}
	}
	return changed
}

// heard looks at a socket's events.
func (s *Socket) heard(w uint32) {
	if s.Kind == socket.Stream {
		s.heardStream(w)
	} else if w&sockets.EventError != 0 {
		if e, ok := s.errorThere(); ok && e != 0 { // else one that was there before stays
			s.err = e
		}
	}
	if s.there() {
		s.queue.Tell(s.eventsThere(w))
	} else {
		s.queue.Tell(everybody)
	}
}

// errorThere takes the error that the socket has met there. false: the session is lost, and nothing is known.
func (s *Socket) errorThere() (met abi.Errno, ok bool) {
	e := s.host.ask(func(ctx context.Context, server sockets.Sockets, session uint64) error {
		v, err := server.Error(ctx, session, s.at())
		met = known(abi.Errno(min(v, mostErrno+1)))
		return err
	})
	return met, e == 0
}

// eventsThere gives the bits of epoll(7) for a word of events.
func (s *Socket) eventsThere(w uint32) (v uint32) {
	for _, b := range [...]struct{ theirs, ours uint32 }{
		{sockets.EventIn, readable}, {sockets.EventOut, writable}, {sockets.EventEnd, rdHup | readable},
		{sockets.EventHangUp, abi.EPOLLHUP}, {sockets.EventError, abi.EPOLLERR},
	} {
		if w&b.theirs != 0 {
			v |= b.ours
		}
	}
	return v
}

// appear has a socket that listens, or is bound, be there in the server.
func (s *Socket) appear() {
	if !s.host.up() || s.there() || IsOwn(s.bound.Addr()) {
		return
	}
	if s.Kind == socket.Datagram {
		s.appearDatagram()
	} else if s.state == Listen {
		s.appearListener()
	}
}

// want has a socket appear, now and in each session to come.
func (s *Socket) want() {
	if s.host.net == nil || IsOwn(s.bound.Addr()) {
		return
	}
	s.wanted = true
	if s.host.up() {
		s.appear()
	} else {
		s.host.beginNetwork()
	}
}
