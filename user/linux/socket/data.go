// SPDX-License-Identifier: Apache-2.0

package socket

import (
	"loam/abi"
	"loam/user/linux/lx"
)

// Sent is what goes with the bytes of a message.
type Sent struct {
	To     *Socket // of a datagram: where to; nil: to the socket that it is connected to
	Cred   Credentials
	Rights []any // files
}

// Received is what came with the bytes.
type Received struct {
	From   string // the sender's name
	Cred   Credentials
	Rights []any // the receiver's now, but if it only looked
	Size   int   // of a packet, which may be more than there was room for
	Whole  bool  // of a packet: all of it was received
}

// slack is what Linux has a message cost at least, in bytes of a socket's limit.
const slack = 32

// Send sends what there is room for. lx.Wait: some is left. rights go with the first byte alone.
func (s *Socket) Send(b lx.Buffer, m Sent) (int, abi.Errno) {
	if s.Kind == Stream {
		return s.sendStream(b, m)
	}
	return s.sendPacket(b, m)
}

// sendStream is Send of a stream.
func (s *Socket) sendStream(b lx.Buffer, m Sent) (done int, e abi.Errno) {
	switch {
	case s.peer == nil:
		return 0, abi.ENOTCONN
	case s.shut&NoSend != 0:
		return 0, abi.EPIPE
	}
	p := s.peer
	for b.Len() > 0 {
		if p.closed || p.shut&NoReceive != 0 {
			e = abi.EPIPE
			break
		}
		room := s.Limit - p.bytes
		if room <= 0 {
			e = lx.Wait
			break
		}
		data := make([]byte, min(room, b.Len(), 32<<10))
		n, err := b.Get(data)
		if n > 0 {
			p.put(message{data: data[:n], cred: m.Cred, rights: m.Rights, by: s})
			m.Rights = nil
			done += n
		}
		if e = err; e != 0 {
			break
		}
	}
	if done > 0 {
		p.queue.Tell(readable)
		if e != lx.Wait {
			e = 0
		}
	}
	return done, e
}

// put adds a message, to the last one if nothing tells them apart.
func (s *Socket) put(m message) {
	s.bytes += len(m.data)
	if n := len(s.in); s.Kind == Stream && n > 0 && len(m.rights) == 0 {
		if last := &s.in[n-1]; last.cred == m.cred && len(last.rights) == 0 && len(last.data)+len(m.data) <= 64<<10 {
			last.data = append(last.data, m.data...)
			return
		}
	}
	s.in = append(s.in, m)
}

// take takes the first message.
func (s *Socket) take() message {
	m := s.in[0]
	s.in[0] = message{}
	if s.in = s.in[1:]; len(s.in) == 0 {
		s.in = nil
	}
	s.bytes -= len(m.data)
	return m
}

// failed gives the error that is to be told once.
func (s *Socket) failed() abi.Errno {
	e := s.Error
	s.Error = 0
	return e
}

// Ready tells of what a packet is refused for before anything that goes with it is looked at.
func (s *Socket) Ready() abi.Errno {
	switch {
	case s.Kind != Packet:
	case s.Error != 0:
		return s.failed()
	case s.state != connected:
		return abi.ENOTCONN
	}
	return 0
}

// MaySend tells of what a datagram or packet of n bytes is refused for wherever it goes.
func (s *Socket) MaySend(n int) abi.Errno {
	switch {
	case s.Kind == Stream:
	case n > s.Limit-slack:
		return abi.EMSGSIZE
	case s.Error != 0:
		return s.failed()
	case s.shut&NoSend != 0:
		return abi.EPIPE
	}
	return 0
}

// sendPacket is Send of a datagram or packet: all or nothing.
func (s *Socket) sendPacket(b lx.Buffer, m Sent) (int, abi.Errno) {
	to := m.To
	if to == nil && s.peer == nil {
		return 0, abi.ENOTCONN
	}
	if to == nil {
		to = s.peer
	}
	switch {
	case to.closed && s.Kind == Packet:
		return 0, abi.EPIPE
	case to.closed:
		if s.peer == to {
			s.disconnect()
		}
		return 0, abi.ECONNREFUSED
	case to.Kind != s.Kind:
		return 0, abi.EPROTOTYPE
	case to.peer != nil && to.peer != s:
		return 0, abi.EPERM
	case to.shut&NoReceive != 0:
		return 0, abi.EPIPE
	case to.peer != s && to.full() || to.peer == s && to.bytes >= s.Limit:
		return 0, lx.Wait
	}
	data := make([]byte, b.Len())
	n, e := b.Get(data)
	if e != 0 {
		return 0, e
	}
	to.put(message{data: data[:n], cred: m.Cred, rights: m.Rights, by: s})
	to.queue.Tell(readable)
	return n, 0
}

// Receive gives what has come. lx.Wait: nothing has. With peek it stays there.
func (s *Socket) Receive(b lx.Buffer, peek bool) (int, Received, abi.Errno) {
	if s.Kind == Stream {
		return s.receiveStream(b, peek)
	}
	return s.receivePacket(b, peek)
}

// none is the result where nothing has come.
func (s *Socket) none() (int, Received, abi.Errno) {
	switch {
	case s.Error != 0:
		return 0, Received{}, s.failed()
	case s.shut&NoReceive != 0 && s.Kind != Datagram:
		return 0, Received{}, 0
	}
	return 0, Received{}, lx.Wait
}

// Ended reports whether nothing more can come to a socket: of datagrams, and connections, who asks without
// waiting isn't told of it, as on Linux.
func (s *Socket) Ended() bool { return s.shut&NoReceive != 0 }

// To gives where datagrams go.
func (s *Socket) To() *Socket { return s.peer }

// receiveStream goes on over messages as long as nothing tells them apart.
func (s *Socket) receiveStream(b lx.Buffer, peek bool) (done int, r Received, e abi.Errno) {
	switch {
	case s.state != connected:
		return 0, r, abi.EINVAL
	case b.Len() == 0 && len(s.in) > 0 && !peek: // who asks for nothing gets what goes with the bytes all the same
		first := &s.in[0]
		r = Received{From: first.by.Name, Cred: first.cred, Rights: first.rights}
		first.rights = nil
		return 0, r, 0
	case len(s.in) == 0:
		return s.none()
	}
	first := &s.in[0]
	r = Received{From: first.by.Name, Cred: first.cred}
	// Who only looks is shown the files of a message of which no byte fits any more, as by Linux.
	for i := 0; i < len(s.in) && (b.Len() > 0 || peek) && r.Rights == nil; {
		m := &s.in[i]
		if m.cred != r.Cred {
			break
		}
		n, err := b.Put(m.data[:min(len(m.data), b.Len())])
		if done += n; n > 0 || peek {
			r.Rights = m.rights
		}
		switch {
		case peek:
			i++
		case n == len(m.data):
			s.take()
		case n > 0:
			m.data, m.rights = m.data[n:], nil
			s.bytes -= n
		}
		if e = err; e != 0 {
			break
		}
	}
	if done > 0 {
		e = 0
	}
	if !peek && done > 0 && s.peer != nil {
		s.peer.queue.Tell(writable)
	}
	return done, r, e
}

// receivePacket gives one message, cut to what there is room for.
func (s *Socket) receivePacket(b lx.Buffer, peek bool) (int, Received, abi.Errno) {
	switch {
	case s.Kind == Packet && s.state != connected:
		return 0, Received{}, abi.ENOTCONN
	case s.Error != 0:
		return 0, Received{}, s.failed()
	case len(s.in) == 0:
		return s.none()
	}
	m := s.in[0]
	r := Received{From: m.by.Name, Cred: m.cred, Rights: m.rights, Size: len(m.data), Whole: len(m.data) <= b.Len()}
	n, e := b.Put(m.data[:min(len(m.data), b.Len())])
	if peek {
		if e != 0 {
			return 0, Received{}, e
		}
		return n, r, 0
	}
	s.take()
	if m.by != nil {
		m.by.queue.Tell(writable)
	}
	for c := range s.clients {
		c.queue.Tell(writable)
	}
	s.room.Tell(everybody)
	if e != 0 {
		s.discard(r.Rights)
		return 0, Received{}, e
	}
	return n, r, 0
}

// Buffered is how many bytes can be received: of datagrams, those of the first.
func (s *Socket) Buffered() int {
	if s.Kind == Datagram {
		if len(s.in) == 0 {
			return 0
		}
		return len(s.in[0].data)
	}
	return s.bytes
}

// Unsent is how many bytes of its own are under way.
func (s *Socket) Unsent() int { return s.underWay() }
