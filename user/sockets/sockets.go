// SPDX-License-Identifier: Apache-2.0

package sockets

import (
	"context"
	"net/netip"

	"loam/user/ipc"
)

//go:generate go run loam/tools/ipcgen Sockets

// Limits.
const (
	MaxSessions = 16       // clients at once
	MaxSockets  = 4096     // of a session, with those that wait to be accepted
	MaxBacklog  = 1024     // connections that wait to be accepted
	MaxData     = 60 << 10 // bytes that Send and Receive carry at most: 15 pages
)

// EventSize is how many bytes of the memory of events a socket has: a word, little-endian. Its lower half
// are the events that hold, the upper half counts how often some began. The last word of all counts changes of
// the network.
const (
	EventSize  = 4
	EventsSize = 20 << 10 // of all: whole pages
	EventMask  = 0xffff
	EventCount = 16 // where the count begins
)

// Kinds of sockets.
const (
	Stream   = 1 // TCP
	Datagram = 2 // UDP
	Echo     = 3 // ICMP echo requests and replies, as Linux's ping sockets
)

// Events of a socket, as of poll(2).
const (
	EventIn     = 0x001 // Receive or Accept may give something, if only an end or an error
	EventOut    = 0x004 // Send may take something; of a socket that connects, it is or isn't connected
	EventError  = 0x008 // Error gives one
	EventHangUp = 0x010 // it is connected in neither direction
	EventEnd    = 0x2000
)

// Options. Values are 0 or 1, or what is said; times are in nanoseconds.
const (
	ReuseAddress      = iota + 1
	ReusePort         //
	Broadcast         //
	KeepAlive         //
	OnlyIPv6          //
	Cork              //
	NoDelay           //
	TTL               // of IPv4, and the next one's of IPv6
	HopLimit          //
	TypeOfService     // of IPv4, and the next one's of IPv6
	TrafficClass      //
	KeepAliveCount    // probes
	KeepAliveIdle     // a time
	KeepAliveInterval // a time
	UserTimeout       // a time
	MaxSegment        // bytes
	SendBuffer        // bytes
	ReceiveBuffer     // bytes
	ReceiveQueueSize  // bytes that have come; can't be set
	Linger            // 0: not; else a time, and 1 more
)

// Sockets is what the network server's endpoint serves. Each call answers at once: what can't be done now is
// EAGAIN. Errors are Linux's.
type Sockets interface {
	// Attach begins a session, for a process, of which the handle must have Wait: its end is
	// the session's. bits of wake, a notification, are signalled when an event of one of the session's sockets
	// begins. events is memory to be read: word i, EventSize bytes, is that of socket i. EMFILE: there are
	// MaxSessions. A number of a session is known to its client alone; EBADF: of an instance before
	// this one, whose sockets have ended.
	Attach(ctx context.Context, process, wake ipc.Handle, bits uint64) (events ipc.Handle, session uint64, err error)
	// Detach ends a session, as its client's end does.
	Detach(ctx context.Context, session uint64) error
	// Watch ends when the server has: with ECONNRESET.
	Watch(ctx context.Context, session uint64) error
	// Configuration tells of the network. EAGAIN: there is no address yet, and wake is signalled when there is.
	Configuration(ctx context.Context, session uint64) (c Configuration, err error)
	// Socket makes a socket of a kind, of IPv6 or IPv4. Numbers are the least that are free. EMFILE: there are MaxSockets;
	// ENOBUFS: there is no memory for one more.
	Socket(ctx context.Context, session uint64, kind uint8, six bool) (socket uint32, err error)
	// Close ends a socket: what is to be sent still is, for a while, unless it is reset.
	Close(ctx context.Context, session uint64, socket uint32, reset bool) error
	// Bind binds a socket to an address and a port, one by chance for 0.
	Bind(ctx context.Context, session uint64, socket uint32, at Address) error
	// Listen has a stream take connections, of which so many wait at most.
	Listen(ctx context.Context, session uint64, socket uint32, backlog uint32) error
	// Accept gives a connection that waits, and its addresses. One for which there is no socket (EMFILE, ENOBUFS) still waits, and
	// EventIn begins again when there may be.
	Accept(ctx context.Context, session uint64, socket uint32) (connection uint32, local, peer Address, err error)
	// Connect connects, of datagrams in name alone. EINPROGRESS: EventOut comes with the result, which Error gives.
	Connect(ctx context.Context, session uint64, socket uint32, to Address) error
	// Send sends data, all of a datagram, to an address if toward. Of a stream it tells how much was taken.
	Send(ctx context.Context, session uint64, socket uint32, data []byte, toward bool, to Address) (n uint32, err error)
	// Receive gives what has come, at most so many bytes, and MaxData, without taking it if peek. size is that of the
	// whole datagram. No data of a stream is its end.
	Receive(ctx context.Context, session uint64, socket uint32, most uint32, peek bool) (data []byte, size uint32, from Address, err error)
	// Shutdown ends receiving, sending, or both.
	Shutdown(ctx context.Context, session uint64, socket uint32, receiving, sending bool) error
	// SetOption and Option are for options.
	SetOption(ctx context.Context, session uint64, socket uint32, option uint8, value int64) error
	Option(ctx context.Context, session uint64, socket uint32, option uint8) (value int64, err error)
	// Names gives a socket's address, and its peer's if it is connected.
	Names(ctx context.Context, session uint64, socket uint32) (local Address, connected bool, peer Address, err error)
	// Disown has the other end of a connection of a session before this one, which has ended with its server,
	// hear that it has: it is sent what it answers, and that answer is answered by a reset.
	Disown(ctx context.Context, session uint64, local, peer Address) error
	// Error gives the error that a socket has met, which it has no more then; 0: none.
	Error(ctx context.Context, session uint64, socket uint32) (errno uint32, err error)
}

// IP is an address; one of IPv4 is in the last four bytes.
type IP struct {
	Bytes [16]byte
	Four  bool
}

// Addr gives the address.
func (i IP) Addr() netip.Addr {
	a := netip.AddrFrom16(i.Bytes)
	if i.Four {
		return a.Unmap()
	}
	return a
}

// Address is an address with a port; the unspecified address with 0 in all other fields is none.
type Address struct {
	IP   IP
	Port uint16
}

// Prefix is an address within its network.
type Prefix struct {
	IP   IP
	Bits uint8
}

// Configuration is what is known of the network.
type Configuration struct {
	Changes   uint32 // how often it has changed
	MTU       uint32
	Hardware  [6]byte
	Addresses []Prefix
	Routers   []IP
	DNS       []IP
	Domain    string
}
