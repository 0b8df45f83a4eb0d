// SPDX-License-Identifier: Apache-2.0

package inet

import (
	"net/netip"

	"loam/abi"
	"loam/user/linux/poll"
	"loam/user/linux/socket"
)

// sendFin says to the other end that nothing more is sent, if that wasn't said yet.
func (s *Socket) sendFin() {
	p := s.peer
	switch s.state {
	case Established:
		s.state = FinWait2 // it is acknowledged at once
		p.receiveFin()
	case CloseWait:
		s.state = LastAck
		p.receiveFin()
		s.done()
	}
}

// receiveFin has come: the other end sends nothing more.
func (s *Socket) receiveFin() {
	s.shut |= socket.NoReceive
	s.ended = true
	switch s.state {
	case Established:
		s.state = CloseWait
	case FinWait2:
		s.done()
	}
	s.queue.Tell(everybody)
}

// reset has come: the connection is over.
func (s *Socket) reset() {
	switch s.state {
	case Closed:
		return
	case SynSent:
		s.err = abi.ECONNREFUSED
	case CloseWait:
		s.err = abi.EPIPE
	default:
		s.err = abi.ECONNRESET
	}
	s.done()
	s.queue.Tell(everybody)
}

// done ends a connection at this end. What has come can be read still.
func (s *Socket) done() {
	s.unlink()
	s.shut = socket.NoReceive | socket.NoSend
	s.queue.Tell(everybody)
}

// unlink takes a socket out of its connection, and gives back a port that was not asked for.
func (s *Socket) unlink() {
	if s.state == SynSent {
		s.forget()
	}
	if p := (pair{s.bound, s.remote}); s.host.pairs[p] == s {
		delete(s.host.pairs, p)
	}
	s.state, s.peer = Closed, nil
	if !s.fixedPort || s.orphan {
		s.release()
	}
}

// abort ends a connection at both ends: the other is told by a reset.
func (s *Socket) abort() {
	s.leave(true)
	switch s.state {
	case Established, CloseWait, FinWait1, FinWait2:
		p := s.peer
		s.unlink()
		if p != s && p != nil {
			p.reset()
		}
	}
}

// disconnect has it be as one that was never connected, but for what was asked for.
func (s *Socket) disconnect() {
	before := s.state
	if before == Listen {
		s.stopListening()
	}
	if s.abort(); before == SynSent || s.state != before && before != Listen {
		s.err = abi.ECONNRESET
	}
	if before != Closed {
		s.unlink()
	}
	s.in = poll.Ring{}
	s.shut, s.ended, s.remote = 0, false, s.nowhere()
	s.unbind()
	s.queue.Tell(everybody)
}

// unbind gives back an address that was not asked for. The port is told still, also one that was given back.
func (s *Socket) unbind() {
	if !s.fixedAddr {
		s.bound = netip.AddrPortFrom(s.nowhere().Addr(), s.bound.Port())
	}
}

// stopListening resets connections that nobody has taken, and refuses those that were to come.
func (s *Socket) stopListening() {
	s.state, s.wanted = Closed, false
	s.leave(true)
	accepted, waiting := s.accepted, s.waiting
	s.accepted, s.waiting = nil, nil
	for _, c := range accepted {
		c.orphan = true
		c.abort()
		c.unlink()
	}
	for _, c := range waiting {
		c.reset()
	}
}

// closeStream is Close of TCP: with what was not read the other end is reset, else it can still send until it
// closes, and is reset then.
func (s *Socket) closeStream() {
	if s.there() && s.state != Listen {
		s.closeBeyond()
		return
	}
	unread := s.in.Buffered() > 0
	s.in = poll.Ring{}
	s.orphan = true
	s.shut = socket.NoReceive | socket.NoSend
	switch {
	case s.state == Listen:
		s.stopListening()
	case s.state == Closed:
	case unread, s.Linger && s.LingerTime == 0:
		s.abort()
	case s.state == Established || s.state == CloseWait:
		s.sendFin()
	}
	if s.state == Closed || s.state == SynSent {
		s.unlink()
	}
}
