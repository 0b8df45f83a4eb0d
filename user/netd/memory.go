// SPDX-License-Identifier: Apache-2.0

package netd

import (
	"sync"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"

	"loam/abi"
	"loam/user/object"
	"loam/user/sockets"
	"loam/user/sys"
)

// Buffers of a connection, in bytes: the least, which one has that waits to be accepted, what it begins with at most, and
// what it grows to at most.
const (
	leastBuffer = 8 << 10
	firstBuffer = 32 << 10
	mostBuffer  = 2 << 20
)

// perSocket is what a socket costs besides its buffers: its endpoint in the stack, with timers and headers of segments.
const perSocket = 8 << 10

// Of the memory that the server may have: what it takes without sockets, of which pieces of datagrams that wait for the others
// are half (netstack has 4 MiB for each family), and how many bytes the runtime and the stack need for each that sockets are
// given (garbage that isn't collected yet, buffers that are filled in part).
const (
	withoutSockets = 16 << 20
	timesMemory    = 2
	leastMemory    = 2 << 20 // of sockets, whatever the server may have
)

// account is the memory of all sockets, which is reserved before it is used: each socket has what its buffers may take, and keeps it
// when it is closed until what was to be sent is. Where there is no more, a new socket is ENOBUFS, and buffers stay as they are.
type account struct {
	mu     sync.Mutex // guards what follows; no other lock is taken under it
	most   int64
	used   int64
	closed []*closing       // that are still charged, the first that was closed first
	short  map[*socket]bool // listeners that found no room for a connection
	sweeps bool             // somebody looks after closed
	linger time.Duration    // how long one may go on that has been closed, and whose peer says nothing
}

// closing is a socket that its owner has closed, as long as the stack has it.
type closing struct {
	socket *socket
	size   int64
	heard  uint64    // segments that have come of its peer,
	since  time.Time // the last one by then, or it was closed then
}

// hears looks whether its peer has said something since the last time.
func (c *closing) hears() {
	if heard := c.socket.end.Stats().(*tcp.Stats).SegmentsReceived.Value(); heard != c.heard {
		c.heard, c.since = heard, time.Now()
	}
}

// closingTime is how long what was to be sent is tried to be sent behind a close to a peer that says nothing. As on Linux
// (net.ipv4.tcp_orphan_retries) one that answers may take its time; it need not answer more often than it is asked, every 2 minutes.
const closingTime = 4 * time.Minute

// memoryFor gives how much of what the server may have is for sockets.
func memoryFor(server uint64) int64 {
	return max((int64(min(server, 1<<40))-withoutSockets)/timesMemory, leastMemory)
}

// ownMemory is how much memory this process may have: what the manifest says (limit pages), or a quarter of the
// machine's.
func ownMemory() uint64 {
	total, _ := sys.MachineMemory()
	most := total / 4
	if i, err := object.Process(abi.HandleProcess).Info(); err == nil {
		if l := uint64(i.Limits[abi.LimitPages]) * abi.PageSize; l < total {
			most = l
		}
	}
	return most
}

// take reserves memory if there is that much, and another rest besides. What is closed is given up for it.
func (a *account) take(n, rest int64) bool {
	for {
		a.mu.Lock()
		if a.used+n+rest <= a.most {
			a.used += n
			a.mu.Unlock()
			return true
		}
		if rest > 0 || len(a.closed) == 0 { // nobody's end is worth a larger buffer
			a.mu.Unlock()
			return false
		}
		first := a.closed[0]
		a.closed = a.closed[1:]
		a.mu.Unlock()
		first.socket.end.Abort()
		a.give(first.size)
	}
}

// give gives it back. Listeners that found none are to try again.
func (a *account) give(n int64) {
	a.mu.Lock()
	a.used -= n
	short := a.short
	a.short = nil
	a.mu.Unlock()
	for k := range short {
		k.again()
	}
}

// wants has a listener hear when there is memory again, or a number.
func (a *account) wants(k *socket) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.short == nil {
		a.short = map[*socket]bool{}
	}
	a.short[k] = true
}

// first gives the size of a new socket's buffers: less, the less there is.
func (a *account) first() int64 {
	const share = 2048
	a.mu.Lock()
	defer a.mu.Unlock()
	return min(max((a.most-a.used)/share, leastBuffer), firstBuffer)
}

// backlog gives how many connections may wait to be accepted of those that a listener asks for, and what they cost.
func (a *account) backlog(asked uint32) (n, size int64) {
	const each, share, least = perSocket + leastBuffer, 8, 4
	a.mu.Lock()
	defer a.mu.Unlock()
	n = min(int64(min(asked, sockets.MaxBacklog)), max((a.most-a.used)/share/each, least))
	return n, n * each
}

// closes has a closed socket stay charged for as long as the stack has it.
func (a *account) closes(k *socket, size int64) {
	if over(k) {
		a.give(size)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = append(a.closed, &closing{socket: k, size: size, since: time.Now()})
	if !a.sweeps {
		a.sweeps = true
		time.AfterFunc(sweepEvery, a.sweep)
	}
}

// sweepEvery is how often it is looked which closed sockets have ended: the stack doesn't tell of all.
const sweepEvery = 500 * time.Millisecond

// over reports whether the stack has nothing of a closed socket any more.
func over(k *socket) bool {
	if k.kind != sockets.Stream {
		return true
	}
	s := tcp.EndpointState(k.end.State())
	return s == tcp.StateClose || s == tcp.StateError || s == tcp.StateInitial
}

// sweep gives back what closed sockets had that have ended, and ends those that hear nothing for too long. One that only waits for late
// segments (TIME_WAIT) has no buffers any more.
func (a *account) sweep() {
	a.mu.Lock()
	left, back := a.closed[:0], int64(0)
	var late []*socket
	for _, c := range a.closed {
		c.hears()
		waits := tcp.EndpointState(c.socket.end.State()) == tcp.StateTimeWait
		switch {
		case over(c.socket):
			back += c.size
			continue
		case c.size > perSocket && waits:
			back += c.size - perSocket
			c.size = perSocket
		case !waits && time.Since(c.since) > a.linger:
			late = append(late, c.socket)
		}
		left = append(left, c)
	}
	clear(a.closed[len(left):])
	a.closed = left
	if a.sweeps = len(left) > 0; a.sweeps {
		time.AfterFunc(sweepEvery, a.sweep)
	}
	a.mu.Unlock()
	for _, k := range late { // the next sweep finds it over
		k.end.Abort()
	}
	if back > 0 {
		a.give(back)
	}
}
