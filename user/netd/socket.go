// SPDX-License-Identifier: Apache-2.0

package netd

import (
	"bytes"
	"io"
	"sync"
	"sync/atomic"

	"gvisor.dev/gvisor/pkg/tcpip"
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

	mu     sync.Mutex // guards what follows; no other lock is taken under it
	closed bool
}

func newSocket(n *session, number uint32, kind uint8, six bool, end tcpip.Endpoint, queue *waiter.Queue) *socket {
	k := &socket{session: n, number: number, kind: kind, six: six, end: end, queue: queue}
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
	if err != nil {
		return 0, errno(err)
	}
	return uint32(n), nil
}

// receive receives.
func (k *socket) receive(most int, peek bool) ([]byte, uint32, sockets.Address, error) {
	defer k.look()
	b := room{b: make([]byte, 0, most)}
	r, err := k.end.Read(&b, tcpip.ReadOptions{Peek: peek, NeedRemoteAddr: k.kind != sockets.Stream})
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
		k.end.ModerateRecvBuf(r.Count)
	}
	return b.b, uint32(r.Total), addressFrom(r.RemoteAddr, k.six), nil
}

// room takes as much as it has room for.
type room struct{ b []byte }

// Write is for io.Writer. Of more than there is room for it takes a part, and says so.
func (r *room) Write(p []byte) (int, error) {
	n := min(len(p), cap(r.b)-len(r.b))
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
