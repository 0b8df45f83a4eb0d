// SPDX-License-Identifier: Apache-2.0

package ninep

import (
	"context"
	"encoding/binary"

	"loam/abi"
)

// changes are the requests that a read-only client never sends. Tlopen is not among them:
// it depends on its flags. A Txattrwalk only reads; Tlock changes no file.
var changes = [256]bool{
	Tlcreate: true, Tsymlink: true, Tsetattr: true, Txattrcreate: true, Tlink: true,
	Tmkdir: true, Trenameat: true, Tunlinkat: true, Twrite: true, Tfsync: true,
}

// writing are the flags of an open that could change the file.
const writing = abi.O_ACCMODE | abi.O_CREAT | abi.O_TRUNC

// begin takes a slot for a request and starts the message in it. It waits while all are
// under way. Errors: EROFS; the context's; what ended the connection.
func (c *Client) begin(ctx context.Context, t Type) (*slot, error) {
	if c.readOnly && changes[t] {
		return nil, abi.EROFS
	}
	if err := c.Err(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var s *slot
	select {
	case s = <-c.free:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	c.prepare(s, t)
	return s, nil
}

// prepare starts a message in a slot.
func (c *Client) prepare(s *slot, t Type) {
	s.kind, s.doubt = t, false
	s.w = writer{b: s.request, n: headerSize}
}

// end gives a slot back. What lay in it may be overwritten from now on.
func (c *Client) end(s *slot) {
	s.exchange.Request[1], s.exchange.Reply[1] = nil, nil
	c.free <- s
}

// call sends the message in s, with data behind it if there is any, and waits for the
// reply. A reply's data goes into the room that is given; the reader has the other
// fields. Both belong to the slot: they are to be read before end. Errors: the server's, an
// abi.Errno; ENAMETOOLONG the message is too long; EIO the server's error has no number; the
// context's, if the server did nothing or nobody knows; what ended the connection.
func (c *Client) call(ctx context.Context, s *slot, data, into []byte) (reader, error) {
	if err := c.send(s, data, into); err != nil {
		return reader{}, err
	}
	return c.receive(ctx, s)
}

// send is call up to where the server has the message.
func (c *Client) send(s *slot, data, into []byte) error {
	x := &s.exchange
	if s.w.full {
		return abi.ENAMETOOLONG
	}
	binary.LittleEndian.PutUint32(s.request, uint32(s.w.n+len(data)))
	s.request[4] = byte(s.kind)
	binary.LittleEndian.PutUint16(s.request[5:], x.Tag)
	x.Request = [2][]byte{s.request[:s.w.n], data}
	x.Reply = [2][]byte{s.reply, into}
	if into != nil {
		x.Reply[0] = s.reply[:dataHeader]
	}
	return c.start(x)
}

// receive is the rest of call.
func (c *Client) receive(ctx context.Context, s *slot) (reader, error) {
	x := &s.exchange
	flushed := c.wait(ctx, s)
	switch {
	case x.err != nil:
		s.doubt = true
		return reader{}, c.fail(&TransportError{x.err})
	case x.n == 0 && flushed:
		s.doubt = true
		return reader{}, ctx.Err()
	}
	return c.reply(s)
}

func (c *Client) start(x *Exchange) error {
	x.n, x.err = 0, nil
	x.under.Store(true)
	if err := c.transport.Start(x); err != nil {
		x.under.Store(false)
		return c.fail(&TransportError{err})
	}
	return nil
}

// wait returns when the exchange is over and its memory ours again. If the context ends
// before that it asks the server to give up, and reports so. The tag is free only when
// that is answered, too (flush(5) of Plan 9).
func (c *Client) wait(ctx context.Context, s *slot) (flushed bool) {
	if c.await(ctx, &s.exchange) {
		return false
	}
	all := context.Background()
	if c.start(&s.flush) == nil {
		c.await(all, &s.flush)
		c.checkFlush(&s.flush)
		c.transport.Forget(&s.exchange)
	}
	c.await(all, &s.exchange)
	return true
}

// await waits for the end of an exchange, and reports whether it has come before the context's.
func (c *Client) await(ctx context.Context, x *Exchange) bool {
	if c.driver != nil {
		return c.driver.Drive(ctx, x)
	}
	select {
	case <-x.done:
		return true
	case <-ctx.Done():
		return false
	}
}

// checkFlush looks at a reply to a Tflush. There is no error to a flush.
func (c *Client) checkFlush(x *Exchange) {
	r := reader{b: x.Reply[0]}
	size, kind, tag := r.u32(), Type(r.u8()), r.u16()
	switch {
	case x.err != nil:
		_ = c.fail(&TransportError{x.err})
	case x.n != headerSize || size != headerSize || kind != Tflush+1 || tag != x.Tag:
		_ = c.broken(Tflush, "not an Rflush")
	}
}

// reply checks the header of a reply, and gives its body.
func (c *Client) reply(s *slot) (reader, error) {
	x := &s.exchange
	if x.n < headerSize || x.n > len(x.Reply[0])+len(x.Reply[1]) {
		return reader{}, c.broken(s.kind, "an impossible length")
	}
	r := reader{b: x.Reply[0][:min(x.n, len(x.Reply[0]))]}
	size, kind, tag := r.u32(), Type(r.u8()), r.u16()
	switch {
	case uint64(size) != uint64(x.n):
		return reader{}, c.broken(s.kind, "its length isn't the one it says")
	case tag != x.Tag:
		return reader{}, c.broken(s.kind, "the tag of another request")
	case kind == Rlerror:
		return reader{}, c.errno(s, r)
	case kind != s.kind+1:
		return reader{}, c.broken(s.kind, "a reply to something else")
	}
	return r, nil
}

// errno gives the error in a server's Rlerror. Numbers are Linux's.
func (c *Client) errno(s *slot, r reader) error {
	code := r.u32()
	switch {
	case !r.whole():
		return c.broken(s.kind, "an error of another length")
	case code == 0 || code > abi.MaxErrno:
		return abi.EIO
	}
	return abi.Errno(code)
}

// simple ends a request whose reply has no fields.
func (c *Client) simple(ctx context.Context, s *slot) error {
	r, err := c.call(ctx, s, nil, nil)
	if err == nil && !r.whole() {
		err = c.broken(s.kind, "fields where there are none")
	}
	return err
}

// identity ends a request whose reply is a QID, and a number if unit isn't nil.
func (c *Client) identity(ctx context.Context, s *slot, unit *uint32) (QID, error) {
	r, err := c.call(ctx, s, nil, nil)
	if err != nil {
		return QID{}, err
	}
	q := r.qid()
	if unit != nil {
		*unit = r.u32()
	}
	if !r.whole() {
		return QID{}, c.broken(s.kind, "its fields don't fit")
	}
	return q, nil
}

// transfer ends a request whose reply is data, and gives the number of its bytes.
func (c *Client) transfer(ctx context.Context, s *slot, into []byte) (int, error) {
	if err := c.send(s, nil, into); err != nil {
		return 0, err
	}
	return c.transferred(ctx, s)
}

// transferred is the rest of transfer.
func (c *Client) transferred(ctx context.Context, s *slot) (int, error) {
	r, err := c.receive(ctx, s)
	if err != nil {
		return 0, err
	}
	n := r.u32()
	if !r.whole() || uint64(n) != uint64(s.exchange.n-dataHeader) {
		return 0, c.broken(s.kind, "its data isn't as long as it says")
	}
	return int(n), nil
}
