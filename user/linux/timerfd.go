// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"encoding/binary"

	"loam/abi"
	"loam/user/linux/lx"
	"loam/user/linux/poll"
)

// timerFile is a timer that is a file. One that goes off again and again is set anew when somebody has
// read or asked how often it did: nobody can tell until then.
type timerFile struct {
	anonymous
	s        *Server
	timer    timer
	realtime bool  // its clock is CLOCK_REALTIME
	next     int64 // when it goes off, or went off first since it was read; ns on CLOCK_MONOTONIC, never
	interval int64 // ns, 0: once
	due      bool
	queue    poll.Queue
}

// Queue is for poll.File.
func (f *timerFile) Queue() *poll.Queue { return &f.queue }

// Events is for poll.File.
func (f *timerFile) Events() uint32 {
	if f.due {
		return abi.EPOLLIN
	}
	return 0
}

func (f *timerFile) close()                                    { f.s.stopTimer(&f.timer) }
func (f *timerFile) write(*Server, lx.Buffer) (int, abi.Errno) { return 0, abi.EINVAL }

func (f *timerFile) read(s *Server, b lx.Buffer) (int, abi.Errno) {
	if b.Len() < 8 {
		return 0, abi.EINVAL
	}
	if !f.due {
		return 0, lx.Wait
	}
	n := f.forward()
	f.due = false
	word := s.scratch[:8]
	binary.LittleEndian.PutUint64(word, uint64(n))
	_, e := b.Put(word)
	return 8, e
}

// forward tells how often a timer that is due has gone off, and sets it for the next time.
func (f *timerFile) forward() int64 {
	if f.interval == 0 {
		f.next = never
		return 1
	}
	n := 1 + (f.s.kernel.Now()-f.next)/f.interval
	f.set(f.next + n*f.interval)
	return n
}

func (f *timerFile) set(at int64) {
	f.next = at
	f.s.setTimer(&f.timer, at)
}

// farAway is a time that is set, and doesn't come.
const farAway = never - 1

// sysTimerfdCreate: clock, flags.
func sysTimerfdCreate(s *Server, t *task) uint64 {
	const realtime, monotonic, boottime, realtimeAlarm, boottimeAlarm = 0, 1, 7, 8, 9
	clock, flags := int32(t.Args[0]), t.Args[1]
	switch clock {
	case realtime, monotonic, boottime, realtimeAlarm, boottimeAlarm:
	default:
		return abi.EINVAL.Result()
	}
	if uint32(flags)&^uint32(abi.O_CLOEXEC|abi.O_NONBLOCK) != 0 {
		return abi.EINVAL.Result()
	}
	f := &timerFile{s: s, realtime: clock == realtime || clock == realtimeAlarm, next: never}
	f.timer.fire = func() {
		f.due = true
		f.queue.Tell(abi.EPOLLIN)
	}
	return s.enter(t, s.newDevice(f, uint32(flags)&abi.O_NONBLOCK|abi.O_RDWR), flags)
}

// sysTimerfdSettime: descriptor, flags, new struct itimerspec, where the old one goes.
func sysTimerfdSettime(s *Server, t *task) uint64 {
	const absolute, cancel = 1, 2
	var new [2]int64 // interval and value
	for i := range new {
		b := s.scratch[:abi.TimespecSize]
		if !s.get(t, t.Args[2]+uint64(i)*abi.TimespecSize, b) {
			return abi.EFAULT.Result()
		}
		spec := abi.GetTimespec(b)
		ns, ok := spec.Nanoseconds()
		switch {
		case spec.Sec < 0 || spec.Nsec < 0 || spec.Nsec >= 1e9:
			return abi.EINVAL.Result()
		case !ok || ns == never:
			ns = farAway
		}
		new[i] = ns
	}
	flags := uint32(t.Args[1])
	if flags&^(absolute|cancel) != 0 {
		return abi.EINVAL.Result()
	}
	f, e := deviceOf[*timerFile](s, t)
	if e != 0 {
		return fail(e)
	}
	old := f.left()
	at := new[1]
	switch now := s.kernel.Now(); {
	case at == 0:
		at = never
	case at == farAway:
	case flags&absolute == 0:
		at = min(s.after(at), farAway)
	case f.realtime:
		wall, _ := s.clock().Nanoseconds()
		at = max(now+at-wall, 0)
	}
	f.due, f.interval = false, new[0]
	f.set(at)
	if t.Args[3] != 0 {
		return s.put(t, t.Args[3], old)
	}
	return 0
}

// sysTimerfdGettime: descriptor, where struct itimerspec goes.
func sysTimerfdGettime(s *Server, t *task) uint64 {
	f, e := deviceOf[*timerFile](s, t)
	if e != 0 {
		return fail(e)
	}
	return s.put(t, t.Args[1], f.left())
}

// left gives a struct itimerspec: the interval, and what is left of it.
func (f *timerFile) left() []byte {
	now := f.s.kernel.Now()
	left := int64(0)
	switch {
	case f.next == never:
	case f.next > now:
		left = f.next - now
	case f.interval > 0:
		left = f.interval - (now-f.next)%f.interval
	}
	b := make([]byte, 2*abi.TimespecSize)
	abi.TimespecOf(f.interval).Put(b)
	abi.TimespecOf(left).Put(b[abi.TimespecSize:])
	return b
}
