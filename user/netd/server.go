// SPDX-License-Identifier: Apache-2.0

package netd

import (
	"context"
	"math/rand/v2"
	"sync"

	"gvisor.dev/gvisor/pkg/tcpip"

	"loam/abi"
	"loam/user/ipc"
	"loam/user/sockets"
	"loam/user/sys"
)

// server is a sockets.Sockets.
type server struct {
	network *network
	// client makes use of what Attach is given: it calls ended once, from a goroutine of its own, when the process has
	// ended, and gives what tells of events. The handles are its from then on, also with an error.
	client func(process, wake ipc.Handle, bits uint64, ended func()) (peer, error)
	// into has what Receive gives, until the next one: it is nil where there may be several at the same time.
	into []byte

	mu       sync.Mutex // guards what follows
	sessions map[uint64]*session
	changes  uint32 // of the network
}

var _ sockets.Sockets = (*server)(nil)

// serverOf makes the server of a network, whose clients hear of its changes.
func serverOf(n *network, client func(process, wake ipc.Handle, bits uint64, ended func()) (peer, error)) *server {
	s := &server{network: n, client: client}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.changed = s.changed
	return s
}

// peer is a client as the server sees it.
type peer struct {
	events []byte     // memory that it reads
	handle ipc.Handle // to that
	wake   func()     // signals it
	close  func()     // gives back what it holds
}

// Attach is for sockets.Sockets, and so are the others.
func (s *server) Attach(_ context.Context, process, wake ipc.Handle, bits uint64) (ipc.Handle, uint64, error) {
	number := 1 + rand.Uint64N(1<<63)
	s.mu.Lock() // before the process can have ended
	defer s.mu.Unlock()
	p, err := s.client(process, wake, bits, func() { s.end(number) })
	if err != nil {
		return ipc.Handle{}, 0, err
	}
	if len(s.sessions) >= sockets.MaxSessions {
		p.close()
		return ipc.Handle{}, 0, abi.EMFILE
	}
	if s.sessions == nil {
		s.sessions = map[uint64]*session{}
	}
	s.sessions[number] = &session{network: s.network, peer: p}
	return p.handle, number, nil
}

// end ends a session, whose client has ended.
func (s *server) end(number uint64) {
	s.mu.Lock()
	n := s.sessions[number]
	delete(s.sessions, number)
	s.mu.Unlock()
	if n != nil {
		n.end()
	}
}

// Detach ends a session whose client goes on without it.
func (s *server) Detach(_ context.Context, number uint64) error {
	if _, err := s.session(number); err != nil {
		return err
	}
	s.end(number)
	return nil
}

// changed has all clients look at the configuration again.
func (s *server) changed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes++
	for _, n := range s.sessions {
		sys.StoreShared(n.peer.events, len(n.peer.events)-sockets.EventSize, s.changes)
		n.peer.wake()
	}
}

func (s *server) session(number uint64) (*session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.sessions[number]; n != nil {
		return n, nil
	}
	return nil, abi.EBADF
}

// socket gives a socket of a session.
func (s *server) socket(number uint64, i uint32) (*socket, error) {
	n, err := s.session(number)
	if err != nil {
		return nil, err
	}
	return n.socket(i)
}

// Watch is answered by the kernel.
func (s *server) Watch(ctx context.Context, number uint64) error {
	if _, err := s.session(number); err != nil {
		return err
	}
	ipc.Keep(ctx)
	return ipc.ErrKept
}

// Configuration tells of the network.
func (s *server) Configuration(_ context.Context, number uint64) (sockets.Configuration, error) {
	if _, err := s.session(number); err != nil {
		return sockets.Configuration{}, err
	}
	if !s.network.ready() {
		return sockets.Configuration{}, abi.EAGAIN
	}
	return s.network.configuration(), nil
}

// Socket makes a socket.
func (s *server) Socket(_ context.Context, number uint64, kind uint8, six bool) (uint32, error) {
	n, err := s.session(number)
	if err != nil {
		return 0, err
	}
	return n.make(kind, six)
}

// Close ends a socket.
func (s *server) Close(_ context.Context, number uint64, i uint32, reset bool) error {
	n, err := s.session(number)
	if err != nil {
		return err
	}
	return n.close(i, reset)
}

// Bind binds.
func (s *server) Bind(_ context.Context, number uint64, i uint32, at sockets.Address) error {
	k, err := s.socket(number, i)
	if err != nil {
		return err
	}
	defer k.named()
	e := k.end.Bind(full(at))
	if _, none := e.(*tcpip.ErrNoPortAvailable); none { // which connect tells otherwise
		return abi.EADDRINUSE
	}
	return errnoOf(e)
}

// Listen listens.
func (s *server) Listen(_ context.Context, number uint64, i uint32, backlog uint32) error {
	k, err := s.socket(number, i)
	if err != nil {
		return err
	}
	return k.listen(backlog)
}

// Accept gives a connection.
func (s *server) Accept(_ context.Context, number uint64, i uint32) (connection uint32, local, far sockets.Address, err error) {
	n, err := s.session(number)
	if err != nil {
		return 0, local, far, err
	}
	return n.accept(i)
}

// Connect connects.
func (s *server) Connect(_ context.Context, number uint64, i uint32, to sockets.Address) error {
	k, err := s.socket(number, i)
	if err != nil {
		return err
	}
	defer k.look()
	defer k.named()
	return errnoOf(k.end.Connect(full(to)))
}

// Send sends.
func (s *server) Send(_ context.Context, number uint64, i uint32, data []byte, toward bool, to sockets.Address) (uint32, error) {
	k, err := s.socket(number, i)
	if err != nil {
		return 0, err
	}
	return k.send(data, toward, to)
}

// Receive receives.
func (s *server) Receive(_ context.Context, number uint64, i uint32, most uint32, peek bool) ([]byte, uint32, sockets.Address, error) {
	k, err := s.socket(number, i)
	if err != nil {
		return nil, 0, sockets.Address{}, err
	}
	return k.receive(room{s.into[:0], int(min(most, sockets.MaxData))}, peek)
}

// Shutdown shuts down.
func (s *server) Shutdown(_ context.Context, number uint64, i uint32, receiving, sending bool) error {
	k, err := s.socket(number, i)
	if err != nil {
		return err
	}
	return k.shutdown(receiving, sending)
}

// SetOption sets an option.
func (s *server) SetOption(_ context.Context, number uint64, i uint32, option uint8, value int64) error {
	k, err := s.socket(number, i)
	if err != nil {
		return err
	}
	return k.setOption(option, value)
}

// Option gives an option.
func (s *server) Option(_ context.Context, number uint64, i uint32, option uint8) (int64, error) {
	k, err := s.socket(number, i)
	if err != nil {
		return 0, err
	}
	return k.option(option)
}

// Names gives addresses.
func (s *server) Names(_ context.Context, number uint64, i uint32) (local sockets.Address, connected bool, far sockets.Address, err error) {
	k, err := s.socket(number, i)
	if err != nil {
		return local, false, far, err
	}
	at, e := k.end.GetLocalAddress()
	if e != nil {
		return local, false, far, errno(e)
	}
	to, e := k.end.GetRemoteAddress()
	return addressFrom(at, k.six), e == nil, addressFrom(to, k.six), nil
}

// Disown resets a connection of a server before this one.
func (s *server) Disown(_ context.Context, number uint64, local, far sockets.Address) error {
	if _, err := s.session(number); err != nil {
		return err
	}
	return errnoOf(s.network.disown(full(local), full(far)))
}

// Error gives a socket's error.
func (s *server) Error(_ context.Context, number uint64, i uint32) (uint32, error) {
	k, err := s.socket(number, i)
	if err != nil {
		return 0, err
	}
	defer k.look()
	e := k.end.LastError()
	if e != nil { // TCP has noted it twice, as what ended the connection and as what a call is to say
		_ = k.end.LastError()
	}
	return uint32(errno(e)), nil
}
