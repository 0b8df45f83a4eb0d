// SPDX-License-Identifier: Apache-2.0

package inet

import (
	"loam/abi"
	"loam/user/linux/lx"
	"loam/user/linux/socket"
)

// limit is how many bytes may be under way to a socket: what its receive buffer and the sender's send buffer say.
func (s *Socket) limit() int { return s.ReceiveBuffer + s.peer.SendBuffer }

// room is how many bytes there is room for at the other end.
func (s *Socket) room() int { return s.peer.limit() - s.peer.in.Buffered() }

// writes reports whether a third of the room is free, or the other end doesn't count any more.
func (s *Socket) writes() bool { return s.peer == nil || 3*s.room() >= s.peer.limit() }

// streamEvents is Events of what can be read and written.
func (s *Socket) streamEvents() (v uint32) {
	if s.state == SynSent {
		return 0
	}
	if n := s.in.Buffered(); n > 0 && n >= min(s.LeastReceived, s.ReceiveBuffer/2) {
		v |= readable
	}
	if s.shut&socket.NoSend != 0 || s.writes() {
		return v | writable
	}
	s.noSpace = true
	return v
}

// Send sends what there is room for. lx.Wait: some is left, or there is no connection yet.
func (s *Socket) Send(b lx.Buffer) (int, abi.Errno) {
	switch {
	case s.state == Established || s.state == CloseWait:
	case s.err != 0:
		return 0, s.TakeError()
	case s.state == SynSent:
		return 0, lx.Wait
	default:
		return 0, abi.EPIPE
	}
	if b.Len() == 0 {
		return 0, 0
	}
	if s.there() {
		return s.sendBeyond(b)
	}
	p := s.peer
	if p.shut&socket.NoReceive != 0 && (p.state == FinWait1 || p.state == FinWait2) {
		return s.sendToNobody(b)
	}
	n, e := p.in.Fill(b, p.limit())
	if n > 0 {
		p.queue.Tell(readable)
	}
	switch {
	case e != 0 && n > 0:
		return n, 0
	case e == 0 && b.Len() > 0:
		s.noSpace = true
		return n, lx.Wait
	}
	return n, e
}

// sendToNobody is Send to an end that takes nothing any more: what is sent is answered by a reset, of which the
// next call hears.
func (s *Socket) sendToNobody(b lx.Buffer) (int, abi.Errno) {
	n := min(b.Len(), s.SendBuffer)
	part := make([]byte, n)
	n, e := b.Get(part)
	if n == 0 {
		return 0, e
	}
	s.peer.reset()
	s.reset()
	return n, 0
}

// Receive gives what has come. lx.Wait: nothing has, or less than is asked for at least. With peek it stays there.
func (s *Socket) Receive(b lx.Buffer, peek, drop bool) (n int, e abi.Errno) {
	if s.state == Listen {
		return 0, abi.ENOTCONN
	}
	if s.there() && s.state != SynSent {
		return s.receiveBeyond(b, peek, drop)
	}
	switch have := s.in.Buffered(); {
	case have == 0:
		return 0, s.none()
	case have < min(s.LeastReceived, b.Len()) && s.none() == lx.Wait:
		return 0, lx.Wait
	case drop:
		n = min(have, b.Len())
		if !peek {
			s.in.Discard(n)
		}
	case peek:
		n, e = s.in.Show(b)
	default:
		n, e = s.in.Drain(b)
	}
	if n > 0 {
		e = 0
	}
	if !peek {
		s.taken()
	}
	return n, e
}

// taken tells who sends that there is room again, if he has found none.
func (s *Socket) taken() {
	if p := s.peer; p != nil && p.noSpace && p.writes() {
		p.noSpace = false
		p.queue.Tell(writable)
	}
}

// none is the result where nothing has come.
func (s *Socket) none() abi.Errno {
	switch {
	case s.ended:
		return 0
	case s.err != 0:
		return s.TakeError()
	case s.shut&socket.NoReceive != 0:
		return 0
	case s.state == Closed:
		return abi.ENOTCONN
	}
	return lx.Wait
}
