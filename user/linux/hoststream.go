// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"sync"

	"loam/abi"
	"loam/user/linux/lx"
	"loam/user/linux/poll"
	"loam/user/linux/vfs"
	"loam/user/sys"
)

// hostStream is a standard stream of this process, and so of the host's channel.
type hostStream struct {
	fd    sys.Stream
	lock  func() sync.Locker // the server's, once there is one
	queue poll.Queue

	in      []byte // what has come
	ended   bool
	reading bool
	out     []byte
}

const streamBuffer = 64 << 10

// Queue is for poll.File.
func (h *hostStream) Queue() *poll.Queue { return &h.queue }

// Events is for poll.File.
func (h *hostStream) Events() uint32 {
	if h.fd != 0 {
		return abi.EPOLLOUT | abi.EPOLLWRNORM
	}
	h.want()
	var v uint32
	if len(h.in) > 0 {
		v |= abi.EPOLLIN | abi.EPOLLRDNORM
	}
	if h.ended {
		v |= abi.EPOLLHUP
	}
	return v
}

// want has something read, if nothing is there. Nothing is taken from the host before
// somebody wants it.
func (h *hostStream) want() {
	if len(h.in) == 0 && !h.ended && !h.reading {
		h.reading = true
		go h.read()
	}
}

// read reads once.
func (h *hostStream) read() {
	b := make([]byte, streamBuffer)
	n, err := h.fd.Read(b)
	l := h.lock()
	l.Lock()
	h.reading = false
	h.in, h.ended = b[:n], err != nil
	h.queue.Tell(abi.EPOLLIN | abi.EPOLLRDNORM | abi.EPOLLHUP)
	l.Unlock()
}

// TryRead is for Stream.
func (h *hostStream) TryRead(b Buffer) (int, abi.Errno) {
	if h.want(); len(h.in) == 0 {
		if h.ended {
			return 0, 0
		}
		return 0, lx.Wait
	}
	n, e := b.Put(h.in[:min(len(h.in), b.Len())])
	if h.in = h.in[n:]; n > 0 {
		e = 0
	}
	return n, e
}

// TryWrite is for Stream. The host's channel has no room that could be asked for: a reader
// that is slow stops the machine.
func (h *hostStream) TryWrite(b Buffer) (done int, e abi.Errno) {
	if h.out == nil {
		h.out = make([]byte, streamBuffer)
	}
	for b.Len() > 0 && e == 0 {
		var n int
		n, e = b.Get(h.out[:min(len(h.out), b.Len())])
		if _, err := h.fd.Write(h.out[:n]); err != nil {
			return done, abi.EIO
		}
		done += n
	}
	if done > 0 {
		e = 0
	}
	return done, e
}

// Terminal is for Stream: none is here.
func (h *hostStream) Terminal() bool { return false }

// Control is for Stream.
func (h *hostStream) Control(vfs.Waiter, uint32, []byte) ([]byte, abi.Errno) {
	return nil, abi.ENOTTY
}
