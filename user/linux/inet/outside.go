// SPDX-License-Identifier: Apache-2.0

package inet

import (
	"context"
	"net/netip"

	"loam/abi"
	"loam/user/linux/lx"
	"loam/user/linux/socket"
	"loam/user/sockets"
)

// Streams whose other end is beyond the sandbox. Their bytes are in the server; here are the states that
// calls depend on.

// dialBeyond begins a connection. A port that wasn't asked for is the server's to choose.
func (s *Socket) dialBeyond(from netip.Addr, to netip.AddrPort) abi.Errno {
	if e := s.makeThere(sockets.Stream, to.Addr().Is6()); e != 0 {
		return again(e)
	}
	e := abi.Errno(0)
	if s.port != 0 {
		e = s.bindThere(netip.AddrPortFrom(from, s.port))
	}
	if e == 0 {
		e = s.host.ask(func(ctx context.Context, server sockets.Sockets, session uint64) error {
			return server.Connect(ctx, session, s.at(), addressThere(to))
		})
	}
	if e != 0 && e != abi.EINPROGRESS {
		s.leave(true)
		return again(e)
	}
	s.bound = netip.AddrPortFrom(from, s.localPort())
	s.state, s.remote, s.err, s.shut, s.ended = SynSent, to, 0, 0, false
	if e == 0 {
		s.state = Established
		s.queue.Tell(everybody)
	}
	return 0
}

// localPort asks for the port that it has there.
func (s *Socket) localPort() (port uint16) {
	s.host.ask(func(ctx context.Context, server sockets.Sockets, session uint64) error {
		local, _, _, err := server.Names(ctx, session, s.at())
		port = local.Port
		return err
	})
	return port
}

// appearListener listens there, too.
func (s *Socket) appearListener() {
	e := s.makeThere(sockets.Stream, s.bound.Addr().Is6())
	if e == 0 {
		e = s.bindThere(s.bound)
	}
	if e == 0 {
		e = s.host.ask(s.listenThere)
	}
	if e != 0 { // it is reached from the sandbox alone
		s.leave(true)
		return
	}
	s.acceptThere()
}

// listenThere has the server take connections for it.
func (s *Socket) listenThere(ctx context.Context, server sockets.Sockets, session uint64) error {
	return server.Listen(ctx, session, s.at(), uint32(max(s.backlog, 1)))
}

// acceptThere takes connections from there, as many as there is room for. One for which the server has no room waits there, and
// an event tells when it has.
func (s *Socket) acceptThere() {
	for s.there() && !s.full() && s.word()&sockets.EventIn != 0 {
		var number uint32
		var local, far sockets.Address
		e := s.host.ask(func(ctx context.Context, server sockets.Sockets, session uint64) (err error) {
			number, local, far, err = server.Accept(ctx, session, s.at())
			return err
		})
		if e != 0 {
			return
		}
		c := s.host.New(socket.Stream, s.Six)
		c.Options = s.Options
		if !c.isThere(number) {
			return
		}
		c.bound, c.remote, c.state = s.addressHere(local), s.addressHere(far), Established
		c.occupy(s.port)
		c.Changed()
		c.heardStream(c.seen) // what has happened before it was accepted
		s.accepted = append(s.accepted, c)
		s.queue.Tell(readable)
	}
}

// heardStream has the state be what has happened there.
func (s *Socket) heardStream(w uint32) {
	const over = sockets.EventError | sockets.EventHangUp
	switch {
	case s.state == Listen:
		if w&sockets.EventIn != 0 {
			s.acceptThere()
		}
		return
	case s.state == SynSent && w&(over|sockets.EventOut) != 0, w&sockets.EventError != 0 && s.state != Closed:
		e, ok := s.errorThere()
		if !ok {
			return // Down ends it, and knows whose other end has to hear of that
		}
		if e != 0 {
			s.err = e
			s.over()
			return
		}
		if s.state == SynSent {
			s.state = Established
		}
	}
	// Who receives no more by his own will has this event, too, which says nothing of the other end then.
	if w&sockets.EventEnd != 0 && s.state != SynSent && s.shut&socket.NoReceive == 0 {
		s.endHeard()
	}
}

// endHeard is for a connection of which nothing more will come.
func (s *Socket) endHeard() {
	s.shut |= socket.NoReceive
	switch s.state {
	case Established:
		s.state = CloseWait
	case FinWait2:
		s.state = Closed
	}
}

// over ends a connection, of which nothing is left there: what has come can be read still, as on Linux.
func (s *Socket) over() {
	s.keep()
	s.leave(true)
	s.done()
}

// keep takes what has come there, as much as the receive buffer has room for.
func (s *Socket) keep() {
	for s.there() && s.state != SynSent && s.in.Buffered() < s.ReceiveBuffer {
		most := uint32(min(s.ReceiveBuffer-s.in.Buffered(), sockets.MaxData))
		var data []byte
		e := s.host.ask(func(ctx context.Context, server sockets.Sockets, session uint64) (err error) {
			data, _, _, err = server.Receive(ctx, session, s.at(), most, false)
			return err
		})
		if e != 0 || len(data) == 0 {
			return
		}
		s.in.Append(data)
	}
}

// eventsBeyond is Events of what can be read and written.
func (s *Socket) eventsBeyond() (v uint32) {
	if s.state == SynSent {
		return 0
	}
	w := s.word()
	if w&(sockets.EventIn|sockets.EventEnd) != 0 {
		v |= readable
	}
	if w&sockets.EventOut != 0 || s.shut&socket.NoSend != 0 {
		v |= writable
	}
	return v
}

// sendBeyond sends what there is room for there.
func (s *Socket) sendBeyond(b lx.Buffer) (done int, e abi.Errno) {
	for b.Len() > 0 {
		part := s.host.net.part(b.Len())
		k, bad := b.Get(part)
		if k == 0 {
			return done, bad
		}
		var n uint32
		e := s.host.ask(func(ctx context.Context, server sockets.Sockets, session uint64) (err error) {
			n, err = server.Send(ctx, session, s.at(), part[:k], false, sockets.Address{})
			return err
		})
		n = min(n, uint32(k))
		done += int(n)
		switch {
		case e == abi.EAGAIN, e == 0 && int(n) < k:
			return done, lx.Wait
		case e != 0 && done > 0:
			s.failsLater(e)
			return done, 0
		case e != 0:
			return 0, s.failed(e)
		}
	}
	return done, 0
}

// failed notes how a connection has ended, of which a call has heard first.
func (s *Socket) failed(e abi.Errno) abi.Errno {
	if e == abi.ECONNRESET || e == abi.ETIMEDOUT || e == abi.EHOSTUNREACH || e == abi.ENETUNREACH {
		if e == abi.ECONNRESET { // or the server has died over the call
			s.host.net.doubt(pair{s.bound, s.remote})
		}
		s.over()
	}
	return e
}

// failsLater is failed of a call that has done something: the next one hears of the error.
func (s *Socket) failsLater(e abi.Errno) {
	if s.failed(e); !s.there() {
		s.err = e
	}
}

// mostDoubts is how many connections are kept of which it isn't known who has ended them: calls are made one after
// the other, so few fail before the session's end is heard of.
const mostDoubts = 64

// doubt notes a connection whose other end may have to hear that it is over.
func (n *network) doubt(p pair) {
	if len(n.broken) >= mostDoubts {
		n.broken = n.broken[1:]
	}
	n.broken = append(n.broken, p)
}

// part is memory for data that goes to the server.
func (n *network) part(size int) []byte {
	if n.data == nil {
		n.data = make([]byte, sockets.MaxData)
	}
	return n.data[:min(size, len(n.data))]
}

// receiveBeyond gives what has come there.
func (s *Socket) receiveBeyond(b lx.Buffer, peek, drop bool) (done int, e abi.Errno) {
	for done == 0 || b.Len() > 0 && (!drop || b.Len() > done) {
		if s.word()&(sockets.EventIn|sockets.EventEnd|sockets.EventError|sockets.EventHangUp) == 0 {
			return done, waitUnless(done)
		}
		most := b.Len()
		if drop {
			most -= done
		}
		var data []byte
		e := s.host.ask(func(ctx context.Context, server sockets.Sockets, session uint64) (err error) {
			data, _, _, err = server.Receive(ctx, session, s.at(), uint32(min(most, sockets.MaxData)), peek)
			return err
		})
		switch {
		case e == abi.EAGAIN:
			return done, waitUnless(done)
		case e == abi.ENOTCONN && s.state == Closed: // it has ended at both sides
			return done, 0
		case e != 0 && done > 0:
			s.failsLater(e)
			return done, 0
		case e != 0:
			return 0, s.failed(e)
		case len(data) == 0:
			if s.shut&socket.NoReceive == 0 { // who has read its end need not hear of it by an event first
				s.endHeard()
			}
			return done, 0
		}
		n := min(len(data), most)
		data = data[:n]
		if !drop {
			if n, e = b.Put(data); e != 0 {
				return done + n, e
			}
		}
		if done += n; peek {
			break
		}
	}
	return done, 0
}

// waitUnless is lx.Wait unless something was done.
func waitUnless(done int) abi.Errno {
	if done > 0 {
		return 0
	}
	return lx.Wait
}

// bufferedBeyond is how many bytes can be received there.
func (s *Socket) bufferedBeyond() (n int) {
	s.host.ask(func(ctx context.Context, server sockets.Sockets, session uint64) error {
		v, err := server.Option(ctx, session, s.at(), sockets.ReceiveQueueSize)
		n = int(min(max(v, 0), 1<<30))
		return err
	})
	return n
}

// shutdownBeyond ends directions there.
func (s *Socket) shutdownBeyond(bits uint8) {
	receiving, sending := bits&socket.NoReceive != 0, bits&socket.NoSend != 0
	s.host.ask(func(ctx context.Context, server sockets.Sockets, session uint64) error {
		return server.Shutdown(ctx, session, s.at(), receiving, sending)
	})
	switch {
	case !sending:
	case s.state == Established:
		s.state = FinWait2
	case s.state == CloseWait:
		s.state = Closed
	}
}

// closeBeyond closes a connection for its owner: the server sends what is left.
func (s *Socket) closeBeyond() {
	s.orphan, s.shut = true, socket.NoReceive|socket.NoSend
	s.leave(s.Linger && s.LingerTime == 0)
	s.state = Closed
	s.release()
}
