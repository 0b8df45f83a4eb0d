// SPDX-License-Identifier: Apache-2.0

package ninep

import (
	"context"
	"encoding/binary"
	"sync"

	"loam/abi"
)

// Config says how a client uses its transport. Fields that are zero get the default.
type Config struct {
	MessageSize uint32 // largest message in bytes; at least 8,192; by default 512 KiB and 24, for whole pages of data
	Requests    int    // at once; at most 1,024, 16 by default
	Fids        int    // files that the server keeps for us; 65,536 by default
	ReadOnly    bool   // send nothing that could change a file
}

const (
	minMessage      = 8192 // holds any request without its data; QEMU refuses less than 4,096
	defaultMessage  = 512<<10 + overhead
	defaultRequests = 16
	maxRequests     = 1024
	defaultFids     = 1 << 16
	flushSize       = 16 // room for a Tflush (9) or an Rflush (7)
)

func (g *Config) complete(t Transport) error {
	if g.MessageSize == 0 {
		g.MessageSize = defaultMessage
	}
	if g.Requests == 0 {
		g.Requests = defaultRequests
	}
	if g.Fids == 0 {
		g.Fids = defaultFids
	}
	g.MessageSize = min(g.MessageSize, t.MaxMessage())
	if g.MessageSize < minMessage || g.Requests < 1 || g.Requests > maxRequests || g.Fids < 1 || g.Fids > 1<<24 {
		return abi.EINVAL
	}
	return nil
}

// Client is a connection to a server. Its methods are its messages, one each; they may be
// called from any goroutine.
type Client struct {
	*connection
	readOnly bool
}

// connection is what a client shares with that which Reading gives.
type connection struct {
	transport Transport
	driver    Driver // the transport, if it is one
	msize     uint32
	free      chan *slot    // of requests that nobody uses
	early     chan struct{} // one for each request of BeginRead's
	fids      fids
	releases  pending

	mu  sync.Mutex // guards what follows
	err error      // what ended the connection
}

// slot is a request that can be under way: its number, and memory for it and its reply.
type slot struct {
	exchange Exchange
	flush    Exchange // cancels exchange; its tag is exchange's plus Config.Requests
	request  []byte
	reply    []byte
	w        writer // into request
	kind     Type
	doubt    bool // it was sent and flushed without an answer: nobody knows what was done
}

// Dial agrees with a server on the protocol. The server forgets every file that another
// client at the same transport had. Errors: EINVAL the configuration; a
// ProtocolError when the server doesn't speak 9P2000.L or takes messages of less than
// 8,192 bytes; a TransportError.
func Dial(ctx context.Context, t Transport, g Config) (*Client, error) {
	if err := g.complete(t); err != nil {
		return nil, err
	}
	memory, err := t.Memory(MemorySize(g.Requests))
	if err != nil {
		return nil, &TransportError{err}
	}
	c := &Client{&connection{transport: t, msize: g.MessageSize}, g.ReadOnly}
	c.driver, _ = t.(Driver)
	c.releases.most = g.Requests / 2
	c.releases.none.done = make(chan struct{}, 1)
	c.free = make(chan *slot, g.Requests)
	c.early = make(chan struct{}, g.Requests/2)
	c.fids.max = Fid(g.Fids)
	for i := range g.Requests {
		c.free <- newSlot(memory[i*slotMemory:][:slotMemory:slotMemory], uint16(i), uint16(g.Requests+i))
	}
	if err := c.version(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// slotMemory is what a slot takes of the transport's memory.
const slotMemory = 2*slotSize + 2*flushSize

// MemorySize tells how many bytes a client asks its transport for, by Config.Requests.
func MemorySize(requests int) int { return requests * slotMemory }

func newSlot(memory []byte, tag, flushTag uint16) *slot {
	s := &slot{request: memory[:slotSize], reply: memory[slotSize : 2*slotSize]}
	rest := memory[2*slotSize:]
	s.exchange = Exchange{Tag: tag, done: make(chan struct{}, 1)}
	s.flush = Exchange{Tag: flushTag, done: make(chan struct{}, 1)}
	s.flush.Request[0] = rest[:headerSize+2]
	s.flush.Reply[0] = rest[flushSize : flushSize+errorSize]
	binary.LittleEndian.PutUint32(rest, headerSize+2)
	rest[4] = byte(Tflush)
	binary.LittleEndian.PutUint16(rest[5:], flushTag)
	binary.LittleEndian.PutUint16(rest[headerSize:], tag)
	return s
}

// version negotiates the dialect and the size of messages. Its tag is none, by the
// protocol; the slot keeps its own for the flush, which names none then too.
func (c *Client) version(ctx context.Context) error {
	s, err := c.begin(ctx, Tversion)
	if err != nil {
		return err
	}
	defer c.end(s)
	tag := s.exchange.Tag
	s.exchange.Tag = noTag
	binary.LittleEndian.PutUint16(s.flush.Request[0][headerSize:], noTag)
	defer func() {
		s.exchange.Tag = tag
		binary.LittleEndian.PutUint16(s.flush.Request[0][headerSize:], tag)
	}()
	s.w.u32(c.msize)
	s.w.str(Version)
	r, err := c.call(ctx, s, nil, nil)
	if err != nil {
		return err
	}
	msize, version := r.u32(), r.str()
	switch {
	case !r.whole():
		return c.broken(Tversion, "its fields don't fit")
	case version != Version:
		return c.broken(Tversion, "another dialect than "+Version)
	case msize < minMessage || msize > c.msize:
		return c.broken(Tversion, "an impossible size of messages")
	}
	c.msize = msize
	return nil
}

// MaxData gives how many bytes one Read, Write or ReadDir carries at most.
func (c *Client) MaxData() int { return int(c.msize) - overhead }

// Room gives how many bytes of p one Read, Write or ReadDir carries at most: MaxData, or less where p is
// memory that the transport has to copy.
func (c *Client) Room(p []byte) int {
	if s, ok := c.transport.(Sizer); ok {
		return min(c.MaxData(), s.Room(p))
	}
	return c.MaxData()
}

// ReadOnly reports whether the client was made to send nothing that could change a file.
func (c *Client) ReadOnly() bool { return c.readOnly }

// Reading gives a client of the same connection that is read-only: of what it sends nothing
// could change a file, whatever the other one may.
func (c *Client) Reading() *Client { return &Client{c.connection, true} }

// Shares reports whether two clients have the same connection, so that files of the one are
// the other's.
func (c *Client) Shares(other *Client) bool { return c.connection == other.connection }

// Fids gives how many files the server keeps for us, once all that was released is given back.
func (c *Client) Fids() int {
	c.settle()
	return c.fids.used()
}

// Err gives what ended the connection, or nil: a ProtocolError or a TransportError.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// fail ends the connection. The first cause stays.
func (c *Client) fail(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
	}
	return c.err
}

func (c *Client) broken(request Type, what string) error {
	return c.fail(&ProtocolError{Request: request, What: what})
}
