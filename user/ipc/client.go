// SPDX-License-Identifier: Apache-2.0

package ipc

import (
	"context"
	"sync"
	"sync/atomic"
	"syscall"

	"loam/abi"
	"loam/user/sys"
)

// Client makes calls to an endpoint. Generated clients have one. Its methods may
// be called from any goroutine.
type Client struct {
	To Endpoint

	// Short says that calls are answered at once: the goroutine keeps its place on
	// the CPU, which makes a call cheaper. Other goroutines of that place and the
	// collector wait for the answer, so the server must be trusted to give one, and
	// must not be in the same process, where it may need that very place.
	Short bool

	// Memory is where the bytes of an answer are put that has such a result, one, if they fit: they are good until
	// the next call. So a client that has some is for one goroutine at a time.
	Memory []byte
}

// trap makes the call.
func (c *Client) trap(m *Message) (result uint64) {
	switch {
	case fake != nil:
		return fakeMessage(abi.CallEndpointCall, m)
	case c.Short:
		return sys.MessageCall(abi.CallEndpointCall, m)
	}
	return sys.MessageWait(abi.CallEndpointCall, m)
}

// Call makes a call whose request and answer are words. Word 0 is the header.
func (c *Client) Call(ctx context.Context, m *Message) error {
	if ctx.Done() != nil {
		b := NewBuffer()
		err := c.callUntil(ctx, m, &b.options)
		b.Free()
		return err
	}
	request := m.Words
	for {
		m.To = uint64(c.To)
		result := c.trap(m)
		if result == 0 && m.Words[0] == formWords {
			return nil
		}
		err := c.outcome(result, m, nil)
		if err != syscall.EINTR {
			return err
		}
		m.Words = request
	}
}

// callUntil is Call with a context that can be done.
func (c *Client) callUntil(ctx context.Context, m *Message, o *sys.MessageOptions) error {
	request := m.Words
	for {
		*o = sys.MessageOptions{}
		m.To, m.Options = uint64(c.To), o
		result := c.until(ctx, m, o)
		if result == 0 && m.Words[0] == formWords {
			return nil
		}
		err := c.outcome(result, m, nil)
		if err != syscall.EINTR || ctx.Err() != nil {
			return contextError(ctx, err)
		}
		m.Words = request
	}
}

// Exchange makes a call whose request is in b. The answer has up to room bytes
// and exactly as many handles as handles says, and is then in b to be read.
func (c *Client) Exchange(ctx context.Context, header uint64, b *Buffer, room, handles int) error {
	if len(b.out) > abi.MaxMessageBytes || b.sends > abi.MaxMessageHandles {
		return syscall.EMSGSIZE
	}
	if room > maxInline {
		b.want(room)
	}
	for {
		err := c.exchange(ctx, header, b, room, handles)
		if err != syscall.EINTR {
			return contextError(ctx, err)
		}
		if e := ctx.Err(); e != nil {
			return e
		}
	}
}

func (c *Client) exchange(ctx context.Context, header uint64, b *Buffer, room, handles int) error {
	var m Message
	o := &b.options
	o.Deadline, o.Flags, o.Accept = abi.WaitForever, 0, uint32(handles)
	form, needs := b.pack(&m.Words)
	m.Words[0] = header | form
	m.To = uint64(c.To)
	o.ReceiveAddr, o.ReceiveBytes = nil, 0
	if room > maxInline {
		o.ReceiveAddr, o.ReceiveBytes = &b.room[0], uint32(room)
	}
	if needs || room > maxInline || handles > 0 {
		m.Options = o
	}
	var result uint64
	if ctx.Done() != nil {
		m.Options = o
		result = c.until(ctx, &m, o)
	} else {
		result = c.trap(&m)
	}
	if result == 0 {
		_, b.given = abi.Came(m.Came)
	}
	if result == 0 && m.Words[0]&^uint64(formMask) == answerOK && c.open(&m, b) && b.given == handles {
		return nil
	}
	b.Drop()
	return c.outcome(result, &m, b)
}

// open has b read the bytes of an answer.
func (c *Client) open(m *Message, b *Buffer) bool {
	h := m.Words[0]
	if n, ok := inlineBytes(h); ok {
		b.words = m.Words
		b.unpackInline(&b.words, n)
		return true
	}
	n, _ := abi.Came(m.Came)
	if h&formMask != formBuffer || n != m.Words[1] || m.Options == nil || n > uint64(m.Options.ReceiveBytes) {
		return false
	}
	b.in = b.room[:n]
	return true
}

// outcome gives the error of a call that didn't go well. EINTR means that it may
// be made again: the server has not received it, or has given it up.
func (c *Client) outcome(result uint64, m *Message, b *Buffer) error {
	if result != 0 {
		return kernelError(result)
	}
	h := m.Words[0]
	code := uint32(h >> serviceShift)
	switch h &^ (uint64(formMask) | 0xffff_ffff<<serviceShift) {
	case answerErrno:
		if h&formMask == 0 && code > 0 && code <= abi.MaxErrno {
			return syscall.Errno(code)
		}
	case answerError:
		text, ok := c.text(m, b)
		if ok {
			return &Error{code, text}
		}
	}
	return ErrMalformed
}

// text gives the text of an error: the first bytes are in the words, and if there
// are more, all are in the buffer, where there is one.
func (c *Client) text(m *Message, b *Buffer) (string, bool) {
	n, ok := inlineBytes(m.Words[0])
	if !ok {
		return "", false
	}
	text := sys.WordBytes(m.Words[1:])[:n]
	if all, _ := abi.Came(m.Came); b != nil && m.Options != nil && all > maxInline && all <= uint64(m.Options.ReceiveBytes) {
		text = b.room[:all]
	}
	return string(text), true
}

var (
	spare   atomic.Pointer[Buffer] // one is mostly enough, and sooner at hand
	buffers = sync.Pool{New: func() any { return new(Buffer) }}
)

// NewBuffer gives an empty buffer.
func NewBuffer() *Buffer {
	b := spare.Swap(nil)
	if b == nil {
		b = buffers.Get().(*Buffer)
	}
	b.reset()
	return b
}

// Free gives the buffer back: nothing of it may be used after that.
func (b *Buffer) Free() {
	if !spare.CompareAndSwap(nil, b) {
		buffers.Put(b)
	}
}
