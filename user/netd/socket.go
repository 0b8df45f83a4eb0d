// SPDX-License-Identifier: Apache-2.0

package netd

import (
	"bytes"
	"io"
	"sync"
	"sync/atomic"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/waiter"

	"loam/abi"
	"loam/user/sockets"
	"loam/user/sys"
)

// allEvents are those that a client is told of; the stack's numbers are poll(2)'s.
const allEvents = waiter.EventIn | waiter.EventOut | waiter.EventErr | waiter.EventHUp | waiter.EventRdHUp

// socket is an endpoint of the stack with its word of events.
type socket struct {
	session *session
	number  uint32
	kind    uint8
	six     bool
	end     tcpip.Endpoint
	queue   *waiter.Queue
	entry   waiter.Entry
	begun   atomic.Uint32 // how often events began
	word    atomic.Uint32 // of events, as they are in the client's memory, or will be

	charges sync.Mutex // guards what follows; taken above those of the stack and of the account
	sending direction
	coming  direction
	backlog uint32 // of a listener
	charged int64  // what is reserved for all of that

	mu     sync.Mutex // guards what follows; no other lock is taken under it
	closed bool
	port   uint16 // of datagrams, that is counted (link.datagrams); 0: none yet
}

// newSocket makes one, for which is charged: its buffers are of a size.
func newSocket(n *session, number uint32, kind uint8, six bool, size int64, end tcpip.Endpoint, queue *waiter.Queue) *socket {
	k := &socket{session: n, number: number, kind: kind, six: six, end: end, queue: queue}
	k.sending.size, k.coming.size, k.charged = size, size, perSocket+2*size
	// Without the stack's own ways of having them grow: with notify it says how much may come, if that has changed.
	end.SocketOptions().SetSendBufferSize(size, kind == sockets.Stream)
	end.SocketOptions().SetReceiveBufferSize(size, kind == sockets.Stream && tcp.EndpointState(end.State()) == tcp.StateEstablished)
	k.entry.Init(k, allEvents)
	queue.EventRegister(&k.entry)
	k.look()
	return k
}

// NotifyEvent is for waiter.EventListener: events have begun. The stack may hold locks, so it isn't asked which
// are true; those that it names are added.
func (k *socket) NotifyEvent(mask waiter.EventMask) {
	k.begun.Add(1) // before the word: look, which reads the other way round, misses nothing
	k.word.Or(uint32(mask & allEvents))
	k.publish()
	k.session.peer.wake()
}

// look has the word say what is true now.
func (k *socket) look() {
	for {
		begun := k.begun.Load()
		k.word.Store(uint32(k.end.Readiness(allEvents)))
		k.publish()
		if k.begun.Load() == begun {
			return
		}
	}
}

// publish writes the word to the client's memory, as long as the number is this socket's.
func (k *socket) publish() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.closed {
		v := k.word.Load()&sockets.EventMask | k.begun.Load()<<sockets.EventCount
		sys.StoreShared(k.session.peer.events, int(k.number)*sockets.EventSize, v)
	}
}

// again has the client look at it again, a listener for which there was no room.
func (k *socket) again() { k.NotifyEvent(waiter.EventIn) }

// close ends it. The number is free after that.
func (k *socket) close(reset bool) {
	k.mu.Lock()
	was := k.closed
	k.closed = true
	k.mu.Unlock()
	if was {
		return
	}
	k.queue.EventUnregister(&k.entry)
	if reset {
		k.end.Abort()
	} else {
		k.end.Close()
	}
	k.uncharge()
	if k.port != 0 { // which nobody sets any more
		k.session.network.link.datagrams.close(k.port)
	}
}

// named has the datagrams counted that come for its port, as soon as it has one.
func (k *socket) named() {
	if k.kind != sockets.Datagram {
		return
	}
	a, e := k.end.GetLocalAddress()
	k.mu.Lock()
	defer k.mu.Unlock()
	if e == nil && a.Port != 0 && k.port == 0 && !k.closed {
		k.port = a.Port
		k.session.network.link.datagrams.open(k.port)
	}
}

// send sends.
func (k *socket) send(data []byte, toward bool, to sockets.Address) (uint32, error) {
	defer k.look()
	if k.kind == sockets.Stream && len(data) == 0 {
		return 0, nil
	}
	var o tcpip.WriteOptions
	if toward {
		a := full(to)
		o.To = &a
	}
	// What the stack takes it keeps: the message's memory is the next one's, too.
	n, err := k.end.Write(bytes.NewReader(data), o)
	if k.kind == sockets.Stream && (err == nil && n < int64(len(data)) || isFull(err)) && k.growSending() {
		var more int64
		more, err = k.end.Write(bytes.NewReader(data[n:]), o)
		if n += more; n > 0 {
			err = nil
		}
	}
	k.named()
	if err != nil {
		return 0, errno(err)
	}
	return uint32(n), nil
}

// isFull reports whether there is no room now.
func isFull(err tcpip.Error) bool {
	_, full := err.(*tcpip.ErrWouldBlock)
	return full
}

// receive receives, with the room's memory, if it has some.
func (k *socket) receive(b room, peek bool) ([]byte, uint32, sockets.Address, error) {
	defer k.look()
	r, err := k.end.Read(&b, tcpip.ReadOptions{Peek: peek, NeedRemoteAddr: k.kind != sockets.Stream})
	if !peek && k.kind == sockets.Datagram {
		k.session.network.link.datagrams.received(k.port, isFull(err))
	}
	switch err.(type) {
	case nil:
	case *tcpip.ErrClosedForReceive: // the end
		return nil, 0, sockets.Address{}, nil
	case *tcpip.ErrBadBuffer: // no room at all
		return nil, uint32(r.Total), addressFrom(r.RemoteAddr, k.six), nil
	default:
		return nil, 0, sockets.Address{}, errno(err)
	}
	if !peek && k.kind == sockets.Stream {
		k.growComing(int64(r.Count))
	}
	return b.b, uint32(r.Total), addressFrom(r.RemoteAddr, k.six), nil
}

// room takes so many bytes at most.
type room struct {
	b    []byte
	most int
}

// Write is for io.Writer. Of more than there is room for it takes a part, and says so.
func (r *room) Write(p []byte) (int, error) {
	n := min(len(p), r.most-len(r.b))
	r.b = append(r.b, p[:n]...)
	if n < len(p) {
		return n, io.ErrShortWrite
	}
	return n, nil
}

// shutdown ends directions.
func (k *socket) shutdown(receiving, sending bool) error {
	defer k.look()
	var f tcpip.ShutdownFlags
	if receiving {
		f |= tcpip.ShutdownRead
	}
	if sending {
		f |= tcpip.ShutdownWrite
	}
	if f == 0 {
		return abi.EINVAL
	}
	return errnoOf(k.end.Shutdown(f))
}
