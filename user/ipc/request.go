// SPDX-License-Identifier: Apache-2.0

package ipc

import (
	"context"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"loam/abi"
)

// Request is a call that a server has received, for the generated code that handles
// it: it reads the arguments and gives the answer.
type Request struct {
	m       Message
	header  uint64
	token   uint64
	came    uint64 // abi.Came
	buffer  Buffer
	options bool // the answer takes the buffer's options
	kept    bool // it is answered later (Kept)
	ctx     *requestContext
}

// Method gives the number of the method, from 1.
func (r *Request) Method() uint8 { return uint8(r.header) }

// Context is the request's context.
func (r *Request) Context() context.Context { return r.ctx }

// Words gives the arguments, from element 1, and takes the results there; nil if
// the request has none in words, or handles came with it.
func (r *Request) Words() *[abi.MessageWords]uint64 {
	if r.header&formMask != formWords || r.buffer.given != 0 {
		return nil
	}
	return &r.m.Words
}

// Done answers with the words.
func (r *Request) Done() { r.m.Words[0] = formWords }

// Bytes gives the buffer with the arguments, of at most most bytes and with that
// many handles; nil if the request is not like that.
func (r *Request) Bytes(most, handles int) *Buffer {
	b := &r.buffer
	if b.given != handles {
		return nil
	}
	b.at, b.bad, b.taken = 0, false, 0
	if n, ok := inlineBytes(r.header); ok {
		b.unpackInline(&r.m.Words, n)
		return b
	}
	n, _ := abi.Came(r.came)
	if r.header&formMask != formBuffer || n != r.m.Words[1] || n > uint64(most) {
		return nil
	}
	b.want(int(n))
	got, err := messageCopy(abi.CallMessageRead, r.token, 0, b.room[:n])
	if err != nil || got != n {
		return nil
	}
	b.in = b.room[:n]
	return b
}

// Answer is where the results go, before Send. What was read of the arguments stays
// valid.
func (r *Request) Answer() *Buffer {
	b := &r.buffer
	b.out, b.sends = b.out[:0], 0
	return b
}

// Send answers with what is in the buffer.
func (r *Request) Send() {
	b := &r.buffer
	if len(b.out) > abi.MaxMessageBytes || b.sends > abi.MaxMessageHandles {
		r.Fail(syscall.EMSGSIZE)
		return
	}
	form, needs := b.pack(&r.m.Words)
	r.options = needs
	r.m.Words[0] = form | answerOK
}

// Malformed answers a request that isn't one: EBADMSG. Handles that came with it
// are closed.
func (r *Request) Malformed() {
	r.buffer.Drop()
	r.fail(answerErrno, uint32(abi.EBADMSG), "")
}

// Fail answers with an error, which is not nil. An *Error or a syscall.Errno, if
// it is or wraps one, comes out at the client; of all others the text.
func (r *Request) Fail(err error) {
	if err == ErrKept {
		r.kept = true
		return
	}
	r.fail(describe(err, r.ctx.cancelled()))
}

func (r *Request) fail(kind, code uint32, text string) {
	b := &r.buffer
	b.out, b.sends = append(b.out[:0], text...), 0
	n := min(len(text), maxInline)
	packInline(&r.m.Words, text[:n])
	r.options = false
	if len(text) > maxInline { // who has no room for it has the words
		_, r.options = b.pack(new([abi.MessageWords]uint64))
	}
	r.m.Words[0] = uint64(code)<<serviceShift | uint64(n)<<formShift | uint64(kind)
}

// begin makes r the call that was just received.
func (r *Request) begin() {
	r.header, r.token, r.came = r.m.Words[0], r.m.Token, r.m.Came
	r.options, r.kept = false, false
	r.buffer.given = 0
	if r.came != 0 {
		_, n := abi.Came(r.came)
		r.buffer.given = min(n, abi.MaxMessageHandles)
	}
	r.ctx.begin(r.token, r.m.To)
}

// requestContext is the context of one request after the other, until one of them was
// cancelled or asked for its channel: then it stays that one's.
type requestContext struct {
	state atomic.Uint64 // the token of the request that is handled, 0: none; with own
	badge uint64

	mu   sync.Mutex
	done chan struct{} // guarded by mu; made when it is asked for
	err  error         // guarded by mu
}

// own in a state says that the context is no other request's. No token has this bit.
const own = 1 << 63

func (c *requestContext) begin(token, badge uint64) {
	c.badge = badge
	c.state.Store(token &^ own)
}

// end says that the request has been handled. It reports whether the context can be
// another's.
func (c *requestContext) end() (again bool) {
	if c.state.Swap(0)&own == 0 {
		return true
	}
	c.stop()
	return false
}

// keep makes the context its request's own, if that is still being handled.
func (c *requestContext) keep() bool {
	for {
		s := c.state.Load()
		if s == 0 || s&own != 0 || c.state.CompareAndSwap(s, s|own) {
			return s != 0
		}
	}
}

// cancel cancels it, if it is that of the call with this token.
func (c *requestContext) cancel(token uint64) bool {
	if c.state.CompareAndSwap(token, token|own) || c.state.Load() == token|own {
		c.stop()
		return true
	}
	return false
}

func (c *requestContext) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = context.Canceled
		if c.done != nil {
			close(c.done)
		}
	}
}

func (c *requestContext) cancelled() bool { return c.Err() != nil }

// Deadline says that there is none: the client's is the client's.
func (c *requestContext) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done gives the channel that is closed when the client has cancelled the request, or
// when it has been answered.
func (c *requestContext) Done() <-chan struct{} {
	handled := c.keep()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done != nil {
		return c.done
	}
	done := make(chan struct{})
	if !handled || c.err != nil {
		close(done)
	}
	if handled {
		c.done = done
	}
	return done
}

// Err is nil until then.
func (c *requestContext) Err() error {
	switch s := c.state.Load(); {
	case s == 0:
		return context.Canceled
	case s&own == 0:
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

type callerKey struct{}

// Value knows the badge.
func (c *requestContext) Value(key any) any {
	if _, ok := key.(callerKey); ok {
		return c
	}
	return nil
}

// Caller gives the badge of the handle that a request was made by, 0 for none. It is
// for the context of a server's method, or one derived from it.
func Caller(ctx context.Context) (badge uint64) {
	if c, ok := ctx.(*requestContext); ok {
		return c.badge
	}
	if c, ok := ctx.Value(callerKey{}).(*requestContext); ok {
		return c.badge
	}
	return 0
}
