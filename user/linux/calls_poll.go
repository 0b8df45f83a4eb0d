// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"encoding/binary"
	"math/bits"

	"loam/abi"
	"loam/user/linux/lx"
	"loam/user/linux/poll"
)

// sysEpollCreate: a size, which means nothing but that it is above 0.
func sysEpollCreate(s *Server, t *task) uint64 {
	if int32(t.Args[0]) <= 0 {
		return abi.EINVAL.Result()
	}
	return s.epollCreate(t, 0)
}

// sysEpollCreate1: flags.
func sysEpollCreate1(s *Server, t *task) uint64 {
	if t.Args[0]&^abi.EPOLL_CLOEXEC != 0 {
		return abi.EINVAL.Result()
	}
	return s.epollCreate(t, t.Args[0])
}

func (s *Server) epollCreate(t *task, flags uint64) uint64 {
	return s.enter(t, s.newDevice(&epollFile{Epoll: poll.NewEpoll()}, abi.O_RDWR), flags)
}

// maxWatches is how many files an epoll watches at most.
const maxWatches = 1 << 16

// sysEpollCtl: epoll, operation, descriptor, address of the event.
func sysEpollCtl(s *Server, t *task) uint64 {
	op := int32(t.Args[1])
	var ev abi.EpollEvent
	if op != abi.EPOLL_CTL_DEL {
		b := s.scratch[:abi.EpollEventSize]
		if !s.get(t, t.Args[3], b) {
			return abi.EFAULT.Result()
		}
		ev = abi.GetEpollEvent(b)
	}
	fd := int32(t.Args[2])
	pf, f := s.file(t, t.Args[0]), s.file(t, t.Args[2])
	if pf == nil || f == nil {
		return abi.EBADF.Result()
	}
	ep, ok := pf.dev.(*epollFile)
	inner, nested := f.dev.(*epollFile)
	const exclusive = abi.EPOLLIN | abi.EPOLLOUT | abi.EPOLLERR | abi.EPOLLHUP | abi.EPOLLWAKEUP | abi.EPOLLET | abi.EPOLLEXCLUSIVE
	switch {
	case f.dev == nil:
		return abi.EPERM.Result()
	case !ok || pf == f:
		return abi.EINVAL.Result()
	case op != abi.EPOLL_CTL_DEL && ev.Events&abi.EPOLLEXCLUSIVE != 0 && (op == abi.EPOLL_CTL_MOD || nested || ev.Events&^exclusive != 0):
		return abi.EINVAL.Result()
	case op == abi.EPOLL_CTL_ADD && nested && !ep.MayWatch(inner.Epoll):
		return abi.ELOOP.Result()
	}
	key := poll.Key{FD: fd, File: f}
	switch op {
	case abi.EPOLL_CTL_ADD:
		if ep.Len() >= maxWatches {
			return abi.ENOSPC.Result()
		}
		e := ep.Add(key, f.dev, ev.Events, ev.Data)
		if e == 0 {
			f.in = append(f.in, watch{ep, key})
		}
		return fail(e)
	case abi.EPOLL_CTL_MOD:
		return fail(ep.Modify(key, ev.Events, ev.Data))
	case abi.EPOLL_CTL_DEL:
		e := ep.Remove(key)
		f.unwatch(ep, key)
		return fail(e)
	}
	return abi.EINVAL.Result()
}

// unwatch forgets an epoll that watches f no more.
func (f *file) unwatch(ep *epollFile, key poll.Key) {
	for i, w := range f.in {
		if w.epoll == ep && w.key == key {
			last := len(f.in) - 1
			f.in[i], f.in[last] = f.in[last], watch{}
			f.in = f.in[:last]
			return
		}
	}
}

// sysEpollWait: epoll, address of events, how many, timeout in ms; and epoll_pwait(2), whose
// signal mask is for the kernel: Go's runtime gives none.
func sysEpollWait(s *Server, t *task) uint64 {
	return s.epollWait(t, func() (int64, abi.Errno) { return s.inMilliseconds(t.Args[3]), 0 })
}

// sysEpollPwait2 has a struct timespec.
func sysEpollPwait2(s *Server, t *task) uint64 {
	return s.epollWait(t, func() (int64, abi.Errno) { return s.inTimespec(t, t.Args[3]) })
}

// inMilliseconds gives the deadline that is that far away.
func (s *Server) inMilliseconds(ms uint64) int64 {
	switch n := int32(ms); {
	case n < 0:
		return never
	case n == 0:
		return 0
	default:
		return s.kernel.Now() + int64(n)*1_000_000
	}
}

// inTimespec gives the deadline that an interval at an address says; none: never.
func (s *Server) inTimespec(t *task, addr uint64) (int64, abi.Errno) {
	if addr == 0 {
		return never, 0
	}
	b := s.scratch[:abi.TimespecSize]
	if !s.get(t, addr, b) {
		return 0, abi.EFAULT
	}
	ns, ok := abi.GetTimespec(b).Nanoseconds()
	if !ok {
		return 0, abi.EINVAL
	}
	return s.after(ns), 0
}

func (s *Server) after(ns int64) int64 {
	if ns == 0 {
		return 0
	}
	if now := s.kernel.Now(); ns < never-now {
		return now + ns
	}
	return never
}

func (s *Server) epollWait(t *task, until func() (int64, abi.Errno)) uint64 {
	f := s.file(t, t.Args[0])
	most := int32(t.Args[2])
	if most <= 0 {
		return abi.EINVAL.Result()
	}
	if f == nil {
		return abi.EBADF.Result()
	}
	ep, ok := f.dev.(*epollFile)
	if !ok {
		return abi.EINVAL.Result()
	}
	const atOnce = 64
	b := s.scratch[:atOnce*abi.EpollEventSize]
	n, bad := 0, false
	ep.Take(func(ev abi.EpollEvent) bool {
		if n == int(min(most, atOnce)) {
			return false
		}
		abi.PutEpollEvent(b[n*abi.EpollEventSize:], ev)
		n++
		return true
	})
	if n > 0 {
		bad = s.kernel.Write(t.Token, t.Args[1], b[:n*abi.EpollEventSize]) < n*abi.EpollEventSize
	}
	switch {
	case bad:
		return abi.EFAULT.Result()
	case n > 0:
		return uint64(n)
	case t.w != nil && t.w.expired:
		return 0
	}
	deadline := int64(never)
	if t.w == nil {
		var e abi.Errno
		if deadline, e = until(); e != 0 {
			return fail(e)
		}
		if deadline == 0 {
			return 0
		}
	}
	t.hold(f)
	return s.wait(t, deadline, false, ep.Queue())
}

// events gives what holds of a file.
func (f *file) events() uint32 {
	if f.dev != nil {
		return f.dev.Events()
	}
	return lx.POLLNormal
}

// sysPoll: address of struct pollfds, how many, timeout in ms.
func sysPoll(s *Server, t *task) uint64 {
	return s.poll(t, func() (int64, abi.Errno) { return s.inMilliseconds(t.Args[2]), 0 })
}

// sysPpoll has a struct timespec, and a signal mask, which is for the kernel.
func sysPpoll(s *Server, t *task) uint64 {
	return s.poll(t, func() (int64, abi.Errno) { return s.inTimespec(t, t.Args[2]) })
}

func (s *Server) poll(t *task, until func() (int64, abi.Errno)) uint64 {
	n := t.Args[1]
	if n > uint64(t.p.table.Limit) {
		return abi.EINVAL.Result()
	}
	b := make([]byte, n*abi.PollFDSize)
	if !s.get(t, t.Args[0], b) {
		return abi.EFAULT.Result()
	}
	ready := 0
	var queues []*poll.Queue
	for i := range int(n) {
		p := abi.GetPollFD(b[i*abi.PollFDSize:])
		p.Revents = 0
		if p.FD >= 0 {
			p.Revents = abi.EPOLLNVAL
			if f := s.file(t, uint64(p.FD)); f != nil {
				p.Revents = uint16(f.events()) & (p.Events | abi.EPOLLERR | abi.EPOLLHUP)
				if f.dev != nil {
					queues = append(queues, f.dev.Queue())
				}
			}
		}
		if p.Revents != 0 {
			ready++
		}
		p.Put(b[i*abi.PollFDSize:])
	}
	if ready == 0 && (t.w == nil || !t.w.expired) {
		if result, waits := s.waitUntil(t, until, queues); waits {
			return result
		}
	}
	if r := s.put(t, t.Args[0], b); r != 0 {
		return r
	}
	return uint64(ready)
}

// waitUntil has a task wait for one of the queues, unless it was only to ask.
func (s *Server) waitUntil(t *task, until func() (int64, abi.Errno), queues []*poll.Queue) (uint64, bool) {
	deadline := int64(never)
	if t.w == nil {
		var e abi.Errno
		if deadline, e = until(); e != 0 {
			return fail(e), true
		}
		if deadline == 0 {
			return 0, false
		}
	}
	return s.wait(t, deadline, false, queues...), true
}

// What select(2) calls readable, writable and exceptional.
var selectBits = [3]uint32{
	abi.EPOLLIN | abi.EPOLLHUP | abi.EPOLLERR | abi.EPOLLRDNORM | abi.EPOLLNVAL,
	abi.EPOLLOUT | abi.EPOLLERR | abi.EPOLLWRNORM | abi.EPOLLNVAL,
	abi.EPOLLPRI | abi.EPOLLNVAL,
}

// sysSelect: count, three sets, struct timeval.
func sysSelect(s *Server, t *task) uint64 {
	return s.selects(t, func() (int64, abi.Errno) {
		if t.Args[4] == 0 {
			return never, 0
		}
		b := s.scratch[:abi.TimevalSize]
		if !s.get(t, t.Args[4], b) {
			return 0, abi.EFAULT
		}
		v := abi.GetTimespec(b) // seconds and microseconds
		if v.Sec < 0 || v.Nsec < 0 {
			return 0, abi.EINVAL
		}
		ns, ok := abi.Timespec{Sec: v.Sec + v.Nsec/1_000_000, Nsec: v.Nsec % 1_000_000 * 1000}.Nanoseconds()
		if !ok {
			return never, 0
		}
		return s.after(ns), 0
	})
}

// sysPselect6 has a struct timespec, and a signal mask, which is for the kernel.
func sysPselect6(s *Server, t *task) uint64 {
	return s.selects(t, func() (int64, abi.Errno) { return s.inTimespec(t, t.Args[4]) })
}

func (s *Server) selects(t *task, until func() (int64, abi.Errno)) uint64 {
	n := int(int32(t.Args[0]))
	if n < 0 {
		return abi.EINVAL.Result()
	}
	n = min(n, t.p.table.Limit)
	size := (n + 63) / 64 * 8
	var in, out [3][]byte
	for i := range in {
		in[i], out[i] = make([]byte, size), make([]byte, size)
		if t.Args[1+i] != 0 && !s.get(t, t.Args[1+i], in[i]) {
			return abi.EFAULT.Result()
		}
	}
	queues, ready, e := s.selected(t, n, &in, &out)
	if e != 0 {
		return fail(e)
	}
	if ready == 0 && (t.w == nil || !t.w.expired) {
		if result, waits := s.waitUntil(t, until, queues); waits {
			return result
		}
	}
	for i := range out {
		if t.Args[1+i] != 0 {
			if r := s.put(t, t.Args[1+i], out[i]); r != 0 {
				return r
			}
		}
	}
	return uint64(ready)
}

// selected looks at the files of three sets.
func (s *Server) selected(t *task, n int, in, out *[3][]byte) (queues []*poll.Queue, ready int, e abi.Errno) {
	le := binary.LittleEndian
	for w := 0; w < n; w += 64 {
		var asked [3]uint64
		for i := range asked {
			asked[i] = le.Uint64(in[i][w/8:])
			if n-w < 64 {
				asked[i] &= 1<<(n-w) - 1
			}
		}
		for all := asked[0] | asked[1] | asked[2]; all != 0; all &= all - 1 {
			bit := bits.TrailingZeros64(all)
			f := t.p.table.Get(int32(w + bit))
			if f == nil {
				return nil, 0, abi.EBADF
			}
			v := f.events()
			switch {
			case f.flags&abi.O_PATH != 0:
				v = abi.EPOLLNVAL
			case f.dev != nil:
				queues = append(queues, f.dev.Queue())
			}
			for i, want := range selectBits {
				if asked[i]>>bit&1 != 0 && v&want != 0 {
					le.PutUint64(out[i][w/8:], le.Uint64(out[i][w/8:])|1<<bit)
					ready++
				}
			}
		}
	}
	return queues, ready, 0
}
