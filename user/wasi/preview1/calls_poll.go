// SPDX-License-Identifier: Apache-2.0

//go:build linux

package preview1

import (
	"encoding/binary"
	"math"
	"time"

	"golang.org/x/sys/unix"
)

// Layout of a subscription and of an event.
const (
	subscriptionSize = 48
	eventSize        = 32
)

// mostWaits is how much a module can wait for at once. It bounds what the runner keeps of that, and is more than there
// are descriptors.
const mostWaits = 1 << 16

// What is waited for.
const (
	eventClock = iota
	eventRead
	eventWrite
)

const (
	absoluteTime = 1 // flag of a clock's subscription
	hangup       = 1 // flag of an event
)

// wait is one subscription, decoded.
type wait struct {
	user  uint64
	kind  uint8
	errno Errno // what is wrong with it, which is an event at once
	d     *descriptor
	poll  int           // index in polls, none if it is always ready
	until time.Duration // a clock's: since the system was started
}

// pollOneoff: subscriptions, events, how many, where the number of events goes.
func pollOneoff(s *System, m memory, p []uint64) Errno {
	n := uint32(p[2])
	if n == 0 || n > mostWaits || uint64(n)*subscriptionSize > uint64(len(m)) {
		return errnoInval
	}
	in, ok := m.bytes(uint32(p[0]), n*subscriptionSize)
	out, fits := m.bytes(uint32(p[1]), n*eventSize)
	if _, has := m.bytes(uint32(p[3]), 4); !ok || !fits || !has {
		return errnoFault
	}
	waits, e := s.waits(in)
	if e != errnoSuccess {
		return e
	}
	if e := s.wait(waits); e != errnoSuccess {
		return e
	}
	events := 0
	for i := range waits {
		if s.event(&waits[i], out[events*eventSize:][:eventSize]) {
			events++
		}
	}
	return m.put32(uint32(p[3]), uint32(events))
}

// waits decodes subscriptions, and leaves in s.polls what ppoll(2) is asked for them.
func (s *System) waits(in []byte) ([]wait, Errno) {
	list := make([]wait, 0, len(in)/subscriptionSize)
	s.polls = s.polls[:0]
	for ; len(in) > 0; in = in[subscriptionSize:] {
		w := wait{user: binary.LittleEndian.Uint64(in), kind: in[8], poll: none}
		switch w.kind {
		case eventClock:
			s.decodeClock(&w, in[16:])
		case eventRead, eventWrite:
			s.decodeFD(&w, in[16:])
		default:
			return nil, errnoInval
		}
		list = append(list, w)
	}
	return list, errnoSuccess
}

// decodeClock reads a subscription to a clock: its id, a time, a precision, flags.
func (s *System) decodeClock(w *wait, b []byte) {
	clock, at := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint64(b[8:])
	flags := binary.LittleEndian.Uint16(b[24:])
	if clock > clockMonotonic || flags&^absoluteTime != 0 {
		w.errno = errnoInval // nobody can wait for a time that only passes for who runs
		return
	}
	after := at
	if flags&absoluteTime != 0 {
		now, _ := s.now(clock)
		after = at - min(at, now)
	}
	w.until = time.Since(s.started) + time.Duration(min(after, math.MaxInt64/2))
}

// decodeFD reads a subscription to a descriptor.
func (s *System) decodeFD(w *wait, b []byte) {
	need, events := rightPoll|rightRead, int16(unix.POLLIN)
	if w.kind == eventWrite {
		need, events = rightPoll|rightWrite, unix.POLLOUT
	}
	fd := uint64(binary.LittleEndian.Uint32(b))
	if d, e := s.get(fd, 0); e == errnoSuccess && d.base&rightAccept != 0 {
		need = rightPoll // a connection waits there, which is read as little as it is written
	}
	w.d, w.errno = s.get(fd, need)
	if w.errno != errnoSuccess || w.d.fd < 0 || w.d.kind == typeRegular || w.d.kind == typeDirectory {
		return
	}
	w.poll = len(s.polls)
	s.polls = append(s.polls, unix.PollFd{Fd: int32(w.d.fd), Events: events})
}

// wait waits until one of them has happened.
func (s *System) wait(list []wait) Errno {
	until, clock := time.Duration(math.MaxInt64), false
	for _, w := range list {
		switch {
		case w.errno != errnoSuccess || w.kind != eventClock && w.poll == none:
			until, clock = 0, true // has happened
		case w.kind == eventClock:
			until, clock = min(until, w.until), true
		}
	}
	for {
		var timeout *unix.Timespec
		if clock {
			t := unix.NsecToTimespec(int64(max(until-time.Since(s.started), 0)))
			timeout = &t
		}
		switch n, err := s.ppoll(timeout); {
		case err == unix.EINTR:
		case err != nil:
			return errnoOf(err)
		case n > 0 || clock && time.Since(s.started) >= until:
			return errnoSuccess
		}
	}
}

// ppoll waits for descriptors, or sleeps if there are none. Where a machine has no ppoll(2), as a bare run, they
// are ready: the call that comes next waits.
func (s *System) ppoll(timeout *unix.Timespec) (int, error) {
	if len(s.polls) == 0 && timeout != nil {
		return 0, unix.Nanosleep(timeout, nil)
	}
	n, err := unix.Ppoll(s.polls, timeout, nil)
	if err != unix.ENOSYS {
		return n, err
	}
	for i := range s.polls {
		s.polls[i].Revents = s.polls[i].Events
	}
	return len(s.polls), nil
}

// event writes an event, if there is one.
func (s *System) event(w *wait, b []byte) bool {
	flags, size := uint16(0), uint64(0)
	switch {
	case w.errno != errnoSuccess:
	case w.kind == eventClock:
		if time.Since(s.started) < w.until {
			return false
		}
	case w.poll == none:
		size = w.d.waiting(w.kind)
	case s.polls[w.poll].Revents == 0:
		return false
	default:
		got := s.polls[w.poll].Revents
		if got&(unix.POLLHUP|unix.POLLERR) != 0 {
			flags = hangup
		}
		if got&unix.POLLNVAL != 0 {
			w.errno = errnoBadf
		}
		size = w.d.waiting(w.kind)
	}
	clear(b)
	binary.LittleEndian.PutUint64(b, w.user)
	binary.LittleEndian.PutUint16(b[8:], uint16(w.errno))
	b[10] = w.kind
	binary.LittleEndian.PutUint64(b[16:], size)
	binary.LittleEndian.PutUint16(b[24:], flags)
	return true
}

// waiting is how many bytes can be read at once, as far as that is known; at least 1, for programs that take 0 for the
// end.
func (d *descriptor) waiting(kind uint8) uint64 {
	if kind != eventRead || d.fd < 0 || d.base&rightAccept != 0 {
		return 1
	}
	if n, err := unix.IoctlGetInt(d.fd, unix.TIOCINQ); err == nil && n > 0 {
		return uint64(n)
	}
	return 1
}
