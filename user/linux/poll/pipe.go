// SPDX-License-Identifier: Apache-2.0

package poll

import (
	"loam/abi"
	"loam/user/linux/lx"
)

// Sizes of pipes in bytes.
const (
	PipeSize    = 64 << 10 // of a new one
	MaxPipeSize = 1 << 20  // fs.pipe-max-size
	minPipeSize = 4 << 10
)

// Pipe is a pipe: a ring that grows up to a limit as it is used.
type Pipe struct {
	Ring
	limit            int
	readers, writers int       // open ends
	opened           [2]uint32 // how often an end was opened (End.Open): to read, to write
	queue            Queue
}

// NewPipe makes a pipe with one end of each kind.
func NewPipe() *Pipe { return &Pipe{limit: PipeSize, readers: 1, writers: 1} }

// NewFifo makes a pipe without ends.
func NewFifo() *Pipe { return &Pipe{limit: PipeSize} }

// Opened is how often the other end than one to read, or to write, was opened.
func (p *Pipe) Opened(reads bool) uint32 {
	if reads {
		return p.opened[1]
	}
	return p.opened[0]
}

// End is an end of a pipe, or both.
type End struct {
	*Pipe
	Reads, Writes bool

	// Alone says that nobody had the other end open, which was opened so often until then: that it is
	// over is told when somebody has had it open since.
	Alone bool
	Since uint32
}

// Queue is for both ends: what is told says what is meant.
func (p *Pipe) Queue() *Queue { return &p.queue }

// Events is for File.
func (e *End) Events() uint32 {
	p, v := e.Pipe, uint32(0)
	if e.Reads {
		if p.n > 0 {
			v |= abi.EPOLLIN | abi.EPOLLRDNORM
		}
		if p.writers == 0 && !(e.Alone && p.opened[1] == e.Since) {
			v |= abi.EPOLLHUP
		}
	}
	if e.Writes {
		if p.limit-p.n >= abi.PIPE_BUF {
			v |= abi.EPOLLOUT | abi.EPOLLWRNORM
		}
		if p.readers == 0 {
			v |= abi.EPOLLERR
		}
	}
	return v
}

// Open counts another end, and Close takes one away.
func (e *End) Open() {
	e.count(1)
	if e.Reads {
		e.opened[0]++
	}
	if e.Writes {
		e.opened[1]++
	}
	e.queue.Tell(0)
}

// Close takes an end away; with the last of a kind who waits at the other is told.
func (e *End) Close() {
	e.count(-1)
	switch {
	case e.Writes && e.writers == 0:
		e.queue.Tell(abi.EPOLLHUP | abi.EPOLLIN | abi.EPOLLRDNORM)
	case e.Reads && e.readers == 0:
		e.queue.Tell(abi.EPOLLERR | abi.EPOLLOUT | abi.EPOLLWRNORM)
	}
}

func (e *End) count(by int) {
	if e.Reads {
		e.readers += by
	}
	if e.Writes {
		e.writers += by
	}
}

// Limit is how many can be.
func (p *Pipe) Limit() int { return p.limit }

// SetLimit changes that, to a power of two that has room for n and for what is there, and
// gives it. EBUSY: more is there than n. EPERM: too large.
func (p *Pipe) SetLimit(n int) (int, abi.Errno) {
	size := minPipeSize
	for size < n {
		size *= 2
	}
	switch {
	case n < 0:
		return 0, abi.EINVAL
	case size > MaxPipeSize:
		return 0, abi.EPERM
	case size < p.n:
		return 0, abi.EBUSY
	}
	p.limit = size
	p.resize(min(len(p.ring), size))
	return size, 0
}

// Read moves what is there to b. 0 is the end: there is no writer. lx.Wait: nothing is
// there yet.
func (p *Pipe) Read(b lx.Buffer) (int, abi.Errno) {
	if b.Len() == 0 {
		return 0, 0
	}
	if p.n == 0 {
		if p.writers == 0 {
			return 0, 0
		}
		return 0, lx.Wait
	}
	done, e := p.Drain(b)
	if e != 0 && done == 0 {
		return 0, e
	}
	p.queue.Tell(abi.EPOLLOUT | abi.EPOLLWRNORM)
	return done, 0
}

// Discard takes away n bytes that are there.
func (p *Pipe) Discard(n int) {
	p.Ring.Discard(n)
	p.queue.Tell(abi.EPOLLOUT | abi.EPOLLWRNORM)
}

// Room is how many bytes there is room for.
func (p *Pipe) Room() int { return max(p.limit-p.n, 0) }

// Readers is how many ends there are to be read, and Writers to be written.
func (p *Pipe) Readers() int { return p.readers }

// Writers is how many ends there are to be written.
func (p *Pipe) Writers() int { return p.writers }

// Write takes from b what there is room for, and tells how much: up to PIPE_BUF all or
// nothing. lx.Wait: some is left that there is no room for, and what was written counts.
func (p *Pipe) Write(b lx.Buffer) (done int, e abi.Errno) {
	want := b.Len()
	switch {
	case want == 0:
		return 0, 0
	case p.readers == 0:
		return 0, abi.EPIPE
	}
	if want <= abi.PIPE_BUF && p.limit-p.n < want {
		return 0, lx.Wait
	}
	done, e = p.Fill(b, p.limit)
	if done > 0 {
		p.queue.Tell(abi.EPOLLIN | abi.EPOLLRDNORM)
	}
	switch {
	case e != 0 && done > 0:
		return done, 0
	case e == 0 && b.Len() > 0:
		return done, lx.Wait
	}
	return done, e
}
