// SPDX-License-Identifier: Apache-2.0

package inet

import (
	"net/netip"

	"loam/abi"
	"loam/user/linux/poll"
	"loam/user/linux/socket"
)

// State is that of a connection, by Linux's numbers. A socket of UDP is Closed, or Established if it is connected.
type State uint8

// The states.
const (
	Established State = 1 + iota
	SynSent
	SynReceived
	FinWait1
	FinWait2
	TimeWait
	Closed
	CloseWait
	LastAck
	Listen
	Closing
)

// phase is how far connect(2) is.
type phase uint8

const (
	unconnected phase = iota
	connecting        // and nobody was told how it ended
	isConnected
	disconnecting
)

// Socket is a socket of TCP or UDP.
type Socket struct {
	Kind socket.Kind // Stream or Datagram
	Six  bool        // of IPv6
	Options

	host      *Host
	bound     netip.AddrPort // what it is told to be bound to
	port      uint16         // that it has; 0: none
	fixedAddr bool           // the address was asked for, and stays
	fixedPort bool           // the port was asked for, and stays
	remote    netip.AddrPort // a port 0: none
	state     State
	phase     phase
	shut      uint8 // of socket.NoReceive, socket.NoSend
	err       abi.Errno
	queue     poll.Queue

	connection
	datagrams
	outside
}

// New makes a socket.
func (h *Host) New(kind socket.Kind, six bool) *Socket {
	s := &Socket{Kind: kind, Six: six, host: h, state: Closed, Options: defaults(kind)}
	s.bound = s.nowhere()
	s.remote = s.nowhere()
	return s
}

// Queue is for poll.File.
func (s *Socket) Queue() *poll.Queue { return &s.queue }

// State gives the state.
func (s *Socket) State() State { return s.state }

// Bound is the address that the socket is bound to.
func (s *Socket) Bound() netip.AddrPort { return s.bound }

// Remote is the address that it is connected to. false: it isn't. also: also one whose connection is over.
func (s *Socket) Remote(also bool) (netip.AddrPort, bool) {
	connected := s.remote.Port() != 0 && (also || s.state != Closed && s.state != SynSent)
	return s.remote, connected
}

// Failing reports whether there is an error to be told.
func (s *Socket) Failing() bool { return s.err != 0 }

// TakeError gives the error that is to be told once (SO_ERROR).
func (s *Socket) TakeError() abi.Errno {
	e := s.err
	s.err = 0
	return e
}

// Bits of epoll(7) that are told together.
const (
	readable  = abi.EPOLLIN | abi.EPOLLRDNORM
	writable  = abi.EPOLLOUT | abi.EPOLLWRNORM
	band      = abi.EPOLLWRBAND
	rdHup     = abi.EPOLLRDHUP
	everybody = readable | writable | band | rdHup | abi.EPOLLHUP | abi.EPOLLERR
)

// Events is for poll.File.
func (s *Socket) Events() (v uint32) {
	if s.state == Listen {
		if len(s.accepted) > 0 {
			v = readable
		}
		return v
	}
	if s.err != 0 {
		v |= abi.EPOLLERR
	}
	if s.shut == socket.NoReceive|socket.NoSend || s.state == Closed && s.Kind == socket.Stream {
		v |= abi.EPOLLHUP
	}
	if s.shut&socket.NoReceive != 0 {
		v |= rdHup | readable
	}
	switch {
	case s.Kind == socket.Datagram:
		return v | s.datagramEvents()
	case s.there():
		return v | s.eventsBeyond()
	}
	return v | s.streamEvents()
}

// Ended reports whether nothing more is waited for: of datagrams, who asks without waiting isn't told of it, as on Linux.
func (s *Socket) Ended() bool { return s.Kind == socket.Datagram && s.shut&socket.NoReceive != 0 }

// Shutdown is shutdown(2), with bits.
func (s *Socket) Shutdown(bits uint8) (e abi.Errno) {
	if s.phase == connecting {
		if s.phase = isConnected; s.state == SynSent || s.state == Closed {
			s.phase = disconnecting
		}
	}
	switch {
	case s.state == Listen && bits&socket.NoReceive == 0:
	case s.state == Listen, s.state == SynSent:
		s.disconnect()
	default:
		if s.state == Closed {
			e = abi.ENOTCONN
		}
		s.shut |= bits
		if s.there() && s.Kind == socket.Stream && s.state != Closed {
			s.shutdownBeyond(bits)
		} else if bits&socket.NoSend != 0 && s.Kind == socket.Stream {
			s.sendFin()
		}
	}
	s.queue.Tell(everybody)
	return e
}

// Close closes it for its owner.
func (s *Socket) Close() {
	if s.Kind == socket.Datagram {
		s.datagrams = datagrams{}
		s.wanted = false
		s.leave(false)
		s.release()
	} else {
		s.closeStream()
	}
	s.queue.Tell(everybody)
}

// Buffered is how many bytes can be received: of datagrams, those of the first.
func (s *Socket) Buffered() int {
	switch {
	case s.Kind == socket.Datagram && len(s.received) > 0:
		return s.firstSize()
	case s.there() && s.state != Listen:
		return s.bufferedBeyond()
	}
	return s.in.Buffered()
}
