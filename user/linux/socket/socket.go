// SPDX-License-Identifier: Apache-2.0

package socket

import (
	"loam/abi"
	"loam/user/linux/lx"
	"loam/user/linux/poll"
)

// Kind is what a socket moves: SOCK_STREAM and so on.
type Kind uint8

// The kinds.
const (
	Stream   Kind = 1
	Datagram Kind = 2
	Packet   Kind = 5 // a sequence of packets
)

// Bits of shutdown(2), which are one less in its argument.
const (
	NoReceive = 1
	NoSend    = 2
)

// DefaultLimit is how many bytes a socket has under way at most: net.core.wmem_default.
const DefaultLimit = 212_992

// Credentials are who made a socket, or sent a message.
type Credentials struct {
	PID      int32
	UID, GID uint32
}

// Nobody is the Credentials of a socket that isn't connected.
var Nobody = Credentials{0, ^uint32(0), ^uint32(0)}

// state is how far a socket is.
type state uint8

const (
	fresh state = iota
	listening
	connected // of a datagram socket too: peer has what is sent
)

// Socket is a socket.
type Socket struct {
	Kind  Kind
	Name  string      // that it is bound to: a path, or "\x00" and any bytes; "": none
	Own   Credentials // of who made it, or listens
	Peer  Credentials // of who it is connected to
	Limit int         // SO_SNDBUF
	Error abi.Errno   // SO_ERROR, to be told once

	state   state
	peer    *Socket
	shut    uint8
	closed  bool
	in      []message
	bytes   int // of in
	backlog int
	clients map[*Socket]bool // datagram sockets that are connected to this one
	discard func([]any)

	queue poll.Queue
	room  poll.Queue
}

// message is what was sent at once.
type message struct {
	data   []byte
	cred   Credentials
	rights []any
	by     *Socket // whose limit it counts against
	socket *Socket // of a listening socket: the other end of a connection
}

// New makes a socket that nothing is connected to. discard gets the rights of messages that nobody receives.
func New(kind Kind, own Credentials, discard func([]any)) *Socket {
	return &Socket{Kind: kind, Own: own, Peer: Nobody, Limit: DefaultLimit, discard: discard}
}

// Pair connects two sockets with each other.
func Pair(a, b *Socket) {
	a.join(b)
	b.join(a)
	a.Peer, b.Peer = b.Own, a.Own
}

func (s *Socket) join(to *Socket) {
	s.state, s.peer = connected, to
	if s.Kind == Datagram {
		if to.clients == nil {
			to.clients = map[*Socket]bool{}
		}
		to.clients[s] = true
	}
}

// Queue is for poll.File.
func (s *Socket) Queue() *poll.Queue { return &s.queue }

// Room is told when there may be room for another datagram.
func (s *Socket) Room() *poll.Queue { return &s.room }

// Connected reports whether there is another end, or was.
func (s *Socket) Connected() bool { return s.state == connected }

// Listening reports whether it listens.
func (s *Socket) Listening() bool { return s.state == listening }

// PeerName is the name of the other end.
func (s *Socket) PeerName() (string, bool) {
	if s.peer == nil {
		return "", false
	}
	return s.peer.Name, true
}

// Bits of epoll(7) that package abi lacks.
const (
	readable  = abi.EPOLLIN | abi.EPOLLRDNORM
	writable  = abi.EPOLLOUT | abi.EPOLLWRNORM | abi.EPOLLWRBAND
	rdHup     = 0x2000
	everybody = readable | writable | abi.EPOLLHUP | abi.EPOLLERR | rdHup
)

// Events is for poll.File.
func (s *Socket) Events() (v uint32) {
	if s.Error != 0 {
		v |= abi.EPOLLERR
	}
	if s.shut == NoReceive|NoSend {
		v |= abi.EPOLLHUP
	}
	if s.shut&NoReceive != 0 {
		v |= rdHup | readable
	}
	if len(s.in) > 0 {
		v |= readable
	}
	if s.Kind != Datagram && s.state == fresh {
		v |= abi.EPOLLHUP
	}
	if s.writes() {
		v |= writable
	}
	return v
}

// writes reports whether a write can be expected to find room.
func (s *Socket) writes() bool {
	p := s.peer
	switch {
	case s.state == listening:
		return false
	case s.Kind == Datagram && p != nil && p.peer != s && p.full():
		return false
	}
	return 4*s.underWay() <= s.Limit
}

// underWay is how many bytes of this socket's are not yet received. Only what the peer has is known, and counts.
func (s *Socket) underWay() int {
	if s.peer == nil || s.peer.closed {
		return 0
	}
	if s.Kind != Datagram {
		return s.peer.bytes
	}
	n := 0
	for i := range s.peer.in {
		if s.peer.in[i].by == s {
			n += len(s.peer.in[i].data)
		}
	}
	return n
}

// mostDatagrams is net.unix.max_dgram_qlen.
const mostDatagrams = 10

// full reports whether no more datagrams, or connections, may come.
func (s *Socket) full() bool {
	if s.state == listening {
		return len(s.in) > s.backlog
	}
	return len(s.in) > mostDatagrams
}

// Listen has it take connections. own is who listens.
func (s *Socket) Listen(backlog int32, own Credentials) abi.Errno {
	const somaxconn = 4096
	switch {
	case s.Kind == Datagram:
		return abi.ENOTSUP
	case s.Name == "" || s.state == connected:
		return abi.EINVAL
	}
	s.backlog = int(min(uint32(backlog), somaxconn))
	s.state, s.Own = listening, own
	s.room.Tell(everybody)
	return 0
}

// Connect connects a stream or a sequence of packets to a socket that listens. lx.Wait: too many wait already.
func (s *Socket) Connect(to *Socket, own Credentials) abi.Errno {
	switch {
	case to.Kind != s.Kind:
		return abi.EPROTOTYPE
	case to.closed || to.state != listening || to.shut&NoReceive != 0:
		return abi.ECONNREFUSED
	case to.full():
		return lx.Wait
	case s.state == connected:
		return abi.EISCONN
	case s.state == listening:
		return abi.EINVAL
	}
	other := New(s.Kind, to.Own, s.discard)
	other.Name = to.Name
	s.Own = own
	Pair(s, other)
	to.in = append(to.in, message{socket: other})
	to.queue.Tell(readable)
	s.queue.Tell(writable)
	return 0
}

// Accept takes a connection. lx.Wait: there is none.
func (s *Socket) Accept() (*Socket, abi.Errno) {
	switch {
	case s.Kind == Datagram:
		return nil, abi.ENOTSUP
	case s.state != listening:
		return nil, abi.EINVAL
	case len(s.in) == 0:
		return nil, lx.Wait
	}
	m := s.take()
	s.room.Tell(everybody)
	return m.socket, 0
}

// ConnectDatagram has datagrams go to a socket, and come from there alone; nil: from and to anybody.
func (s *Socket) ConnectDatagram(to *Socket) abi.Errno {
	switch {
	case to == nil:
	case to.Kind != s.Kind:
		return abi.EPROTOTYPE
	case to.peer != nil && to.peer != s:
		return abi.EPERM
	}
	if s.peer != to {
		s.disconnect()
	}
	if to != nil {
		s.join(to)
		s.Peer = to.Own
	}
	s.queue.Tell(writable)
	return 0
}

// disconnect ends a datagram socket's connection. What has come over it is lost; if there was
// something, the other end hears of it.
func (s *Socket) disconnect() {
	old := s.peer
	s.state, s.peer, s.Peer = fresh, nil, Nobody
	if old == nil {
		return
	}
	delete(old.clients, s)
	if len(s.in) == 0 {
		return
	}
	s.drop()
	s.room.Tell(everybody)
	if old.peer == s && !old.closed {
		old.Error = abi.ECONNRESET
		old.queue.Tell(everybody)
	}
}

// Shutdown is shutdown(2), with bits.
func (s *Socket) Shutdown(bits uint8) {
	s.shut |= bits
	if p := s.peer; p != nil && s.Kind != Datagram && !p.closed {
		p.shut |= bits>>1 | bits<<1&NoSend
		p.queue.Tell(everybody)
		p.room.Tell(everybody)
	}
	s.queue.Tell(everybody)
	s.room.Tell(everybody)
}

// drop forgets what has come.
func (s *Socket) drop() {
	for len(s.in) > 0 {
		m := s.take()
		if len(m.rights) > 0 {
			s.discard(m.rights)
		}
		if m.socket != nil { // a connection that nobody took
			m.socket.peer.Error = abi.ECONNRESET
			m.socket.Close()
		}
	}
}

// Close ends it. The other end hears of it.
func (s *Socket) Close() {
	if s.closed {
		return
	}
	unread := len(s.in) > 0 && s.state == connected
	s.closed = true
	s.drop()
	if p := s.peer; p != nil && s.Kind != Datagram && !p.closed {
		p.shut = NoReceive | NoSend
		if unread {
			p.Error = abi.ECONNRESET
		}
		p.queue.Tell(everybody)
	}
	if s.peer != nil {
		delete(s.peer.clients, s)
	}
	for c := range s.clients {
		c.queue.Tell(everybody)
	}
	s.queue.Tell(everybody)
	s.room.Tell(everybody)
}
