// SPDX-License-Identifier: Apache-2.0

//go:build linux

package ninetest

import (
	"errors"
	"io"
	"sync"

	"loam/user/ninep"
)

// Local is a transport to a server in this process. Each request has a goroutine.
type Local struct {
	Server *Server
}

var errRoom = errors.New("a reply is larger than its room")

// MaxMessage is the server's.
func (l *Local) MaxMessage() uint32 { return MessageSize }

// Memory gives ordinary memory.
func (l *Local) Memory(n int) ([]byte, error) { return make([]byte, n), nil }

// Forget has nothing to do: Start ends every exchange.
func (l *Local) Forget(*ninep.Exchange) {}

// Start has a goroutine answer the request.
func (l *Local) Start(x *ninep.Exchange) error {
	packet := append(append([]byte(nil), x.Request[0]...), x.Request[1]...)
	go func() {
		x.Done(deliver(x, l.Server.Handle(packet)))
	}()
	return nil
}

// deliver writes a reply to where it is to lie.
func deliver(x *ninep.Exchange, reply []byte) (int, error) {
	if len(reply) > len(x.Reply[0])+len(x.Reply[1]) {
		return 0, errRoom
	}
	n := copy(x.Reply[0], reply)
	copy(x.Reply[1], reply[n:])
	return len(reply), nil
}

// Stream is a transport to a server at the other end of a connection.
type Stream struct {
	conn io.ReadWriteCloser
	wmu  sync.Mutex // taken to write; before mu

	mu    sync.Mutex // guards what follows
	under map[uint16]*ninep.Exchange
	err   error
}

// NewStream makes a transport of a connection.
func NewStream(conn io.ReadWriteCloser) *Stream {
	s := &Stream{conn: conn, under: map[uint16]*ninep.Exchange{}}
	go s.receive()
	return s
}

// Close closes the connection, which ends all exchanges.
func (s *Stream) Close() error { return s.conn.Close() }

// MaxMessage is what servers commonly take.
func (s *Stream) MaxMessage() uint32 { return MessageSize }

// Memory gives ordinary memory.
func (s *Stream) Memory(n int) ([]byte, error) { return make([]byte, n), nil }

// Forget ends an exchange that gets no reply.
func (s *Stream) Forget(x *ninep.Exchange) {
	if s.take(x.Tag) != nil {
		x.Done(0, nil)
	}
}

func (s *Stream) take(tag uint16) *ninep.Exchange {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.under[tag]
	delete(s.under, tag)
	return x
}

// Start writes the request.
func (s *Stream) Start(x *ninep.Exchange) error {
	s.mu.Lock()
	if s.err != nil {
		defer s.mu.Unlock()
		return s.err
	}
	s.under[x.Tag] = x
	s.mu.Unlock()
	s.wmu.Lock()
	defer s.wmu.Unlock()
	packet := append(append([]byte(nil), x.Request[0]...), x.Request[1]...)
	if _, err := s.conn.Write(packet); err != nil {
		_ = s.conn.Close() // receive ends the exchange
	}
	return nil
}

// receive brings replies until the connection ends.
func (s *Stream) receive() {
	var err error
	for err == nil {
		var header [7]byte
		if _, err = io.ReadFull(s.conn, header[:]); err != nil {
			break
		}
		size := le.Uint32(header[:])
		if size < 7 || size > MessageSize {
			err = errRoom
			break
		}
		packet := append(header[:], make([]byte, size-7)...)
		if _, err = io.ReadFull(s.conn, packet[7:]); err != nil {
			break
		}
		if x := s.take(le.Uint16(header[5:])); x != nil {
			x.Done(deliver(x, packet))
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
	for tag, x := range s.under {
		delete(s.under, tag)
		x.Done(0, err)
	}
}
