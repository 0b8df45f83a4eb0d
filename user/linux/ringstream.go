// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"syscall"

	"loam/abi"
	"loam/user/linux/lx"
	"loam/user/linux/poll"
	"loam/user/linux/vfs"
	"loam/user/streams"
)

// ringStream is a standard stream of the console streams' driver (package streams): rings of
// memory that it shares with this process. Nothing here waits, but for a terminal's attributes.
type ringStream struct {
	all    *streams.Streams
	number int
	queue  poll.Queue
	left   []byte // was taken from the ring, and not moved to who asked, whose memory was bad
	piece  []byte
}

// ringStreams gives the three of all. lock gives the lock of the server that has them.
func ringStreams(all *streams.Streams, lock func() sync.Locker) (three [3]Stream) {
	for i := range three {
		r := &ringStream{all: all, number: i}
		three[i] = r
		ready := func() {
			l := lock()
			l.Lock()
			r.queue.Tell(abi.EPOLLIN | abi.EPOLLRDNORM | abi.EPOLLOUT | abi.EPOLLWRNORM)
			l.Unlock()
		}
		if i == 0 {
			all.In.OnReady(ready)
		} else {
			r.output().OnReady(ready)
		}
	}
	return three
}

func (r *ringStream) output() *streams.Output {
	if r.number == 1 {
		return r.all.Out
	}
	return r.all.Err
}

// Queue is for poll.File.
func (r *ringStream) Queue() *poll.Queue { return &r.queue }

// Events is for poll.File.
func (r *ringStream) Events() uint32 {
	switch {
	case r.number > 0 && r.output().Ready():
		return abi.EPOLLOUT | abi.EPOLLWRNORM
	case r.number == 0 && (len(r.left) > 0 || r.all.In.Ready()):
		return abi.EPOLLIN | abi.EPOLLRDNORM
	}
	return 0
}

// TryRead is for Stream.
func (r *ringStream) TryRead(b Buffer) (done int, e abi.Errno) {
	if r.piece == nil {
		r.piece = make([]byte, streamBuffer)
	}
	for b.Len() > 0 && e == 0 {
		if len(r.left) == 0 {
			n, eof := r.all.In.TryRead(r.piece[:min(b.Len(), len(r.piece))])
			if n == 0 && (eof || done > 0) {
				break
			}
			if n == 0 {
				return 0, lx.Wait
			}
			r.left = r.piece[:n]
		}
		var n int
		n, e = b.Put(r.left[:min(len(r.left), b.Len())])
		r.left, done = r.left[n:], done+n
	}
	if done > 0 {
		e = 0
	}
	return done, e
}

// TryWrite is for Stream.
func (r *ringStream) TryWrite(b Buffer) (done int, e abi.Errno) {
	o := r.output()
	if r.piece == nil {
		r.piece = make([]byte, streamBuffer)
	}
	for b.Len() > 0 {
		room := o.Room()
		if room == 0 {
			if !o.Ready() {
				return done, lx.Wait
			}
			continue
		}
		n, fault := b.Get(r.piece[:min(room, b.Len(), len(r.piece))])
		// There was room for it, and nobody else writes. After a failure it is thrown away.
		done += o.TryWrite(r.piece[:n])
		if fault != 0 {
			if done > 0 {
				fault = 0
			}
			return done, fault
		}
	}
	return done, 0
}

// Terminal is for Stream.
func (r *ringStream) Terminal() bool { return r.all.Terminal(r.number) }

// termiosSize is that of the kernel's struct termios in bytes.
const termiosSize = 36

// Control is for Stream.
func (r *ringStream) Control(w vfs.Waiter, request uint32, in []byte) (out []byte, e abi.Errno) {
	if !r.Terminal() {
		return nil, abi.ENOTTY
	}
	le := binary.LittleEndian
	switch request {
	case abi.TIOCGWINSZ:
		s := r.all.Size()
		for _, v := range []uint16{s.Rows, s.Columns, s.XPixels, s.YPixels} {
			out = le.AppendUint16(out, v)
		}
		return out, 0
	case abi.TCGETS:
		t, e := r.ask(w, r.all.Attributes)
		return putTermios(&t), e
	case lx.TCSETS, lx.TCSETSW, lx.TCSETSF:
		when := streams.When(request - lx.TCSETS)
		_, e := r.ask(w, func(ctx context.Context, stream int) (streams.Termios, error) {
			return r.all.SetAttributes(ctx, stream, when, getTermios(in))
		})
		return nil, e
	}
	return nil, abi.ENOTTY
}

// ask asks the host, for which it waits.
func (r *ringStream) ask(w vfs.Waiter, f func(context.Context, int) (streams.Termios, error)) (t streams.Termios, e abi.Errno) {
	if w == nil {
		return t, lx.Wait
	}
	w.Do(func() {
		var err error
		if t, err = f(context.Background(), r.number); err != nil {
			e = abi.EIO
			var n syscall.Errno
			if errors.As(err, &n) {
				e = abi.Errno(n)
			}
		}
	})
	return t, e
}

func putTermios(t *streams.Termios) []byte {
	b := make([]byte, 0, termiosSize)
	for _, v := range []uint32{t.Input, t.Output, t.Control, t.Local} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	b = append(b, t.Line)
	return append(b, t.Chars[:]...)
}

// getTermios reads one, which says of the speed only what is in the control bits.
func getTermios(b []byte) (t streams.Termios) {
	le := binary.LittleEndian
	t.Input, t.Output, t.Control, t.Local = le.Uint32(b), le.Uint32(b[4:]), le.Uint32(b[8:]), le.Uint32(b[12:])
	t.Line = b[16]
	copy(t.Chars[:], b[17:termiosSize])
	return t
}
