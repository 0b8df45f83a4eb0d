// SPDX-License-Identifier: Apache-2.0

package ipc

import (
	"syscall"
	"testing"

	"loam/abi"
)

// hostile is a kernel whose only party says what it likes.
type hostile struct {
	words   [abi.MessageWords]uint64
	bytes   []byte
	handles int
	closed  int
	short   bool // a copy gives less than there is
}

func (h *hostile) message(nr uint64, m *Message) uint64 {
	m.Words = h.words
	m.Came = abi.CameWith(uint64(len(h.bytes)), 0)
	if o := m.Options; o != nil {
		n := min(h.handles, int(o.Accept)) // the kernel sees to that
		m.Came = abi.CameWith(uint64(len(h.bytes)), n)
		if o.ReceiveBytes > 0 {
			copy(o.Room(), h.bytes)
		}
		for i := range n {
			o.Given[i] = abi.Handle(1000 + i)
		}
		h.handles = n
	} else {
		h.handles = 0
	}
	return 0
}

func (h *hostile) copy(nr, token, offset uint64, b []byte) (uint64, error) {
	n := copy(b, h.bytes)
	if h.short {
		n /= 2
	}
	return uint64(n), nil
}

func (h *hostile) object(nr uint64, args ...uint64) (uint64, error) {
	if nr != abi.CallHandleClose {
		return 0, syscall.ENOSYS
	}
	h.closed++
	return 0, nil
}

func (h *hostile) thread() int   { return 0 }
func (h *hostile) interrupt(int) {}

// Answered is how a request went.
type Answered struct {
	OK     bool
	Errno  syscall.Errno
	Closed int // handles that came and were closed
	Bytes  int // of the answer's, that aren't in words
}

// HandleRaw has a service handle a request that somebody made up.
func HandleRaw(t testing.TB, v Service, words [abi.MessageWords]uint64, bytes []byte, handles int, short bool) Answered {
	h := &hostile{bytes: bytes, short: short}
	fake = h
	defer func() { fake = nil }()
	s := &Server{Service: v}
	q := &Request{ctx: new(requestContext)}
	q.m.Words, q.m.Token, q.m.Came = words, 1, abi.CameWith(uint64(len(bytes)), handles)
	for i := range handles {
		q.buffer.options.Given[i] = abi.Handle(1000 + i)
	}
	q.begin()
	s.handle(q)
	q.ctx.end()
	a := Answered{Closed: h.closed}
	header := q.m.Words[0]
	switch uint8(header) {
	case answerOK:
		a.OK = header>>serviceShift == 0
	case answerErrno:
		a.Errno = syscall.Errno(header >> serviceShift)
	case answerError:
	default:
		t.Fatalf("the answer's header is %#x", header)
	}
	form := header & formMask
	if n, ok := inlineBytes(header); !ok && form != formWords && form != formBuffer || ok && n > maxInline {
		t.Fatalf("the answer's header is %#x", header)
	}
	if q.options {
		a.Bytes = int(q.buffer.options.SendBytes)
	}
	return a
}

// Hostile has the package talk to a server that answers this to everything. What
// it gives tells how many handles came and how many of them were closed.
func Hostile(t testing.TB, words [abi.MessageWords]uint64, bytes []byte, handles int) (counts func() (came, closed int)) {
	h := &hostile{words: words, bytes: bytes, handles: handles}
	fake = h
	t.Cleanup(func() { fake = nil })
	return func() (int, int) { return h.handles, h.closed }
}
