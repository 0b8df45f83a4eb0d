// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"loam/abi"
)

// wait4(2) and waitid(2).

// Options of them.
const (
	waitNoHang    = 1
	waitStopped   = 2 // WUNTRACED
	waitExited    = 4
	waitContinued = 8
	waitNoReap    = 0x100_0000
	waitNoThread  = 0x2000_0000
	waitAll       = 0x4000_0000
	waitClone     = 0x8000_0000
)

// Kinds of waitid's id.
const (
	idAll   = 0
	idPID   = 1
	idGroup = 2
	idPidfd = 3
)

// wanted says which children a call waits for, and for what.
type wanted struct {
	kind    uint64
	id      int32
	options uint64
}

func (w *wanted) is(p *process) bool {
	switch w.kind {
	case idPID:
		return p.pid == w.id
	case idGroup:
		return p.pgid == w.id
	}
	return true
}

// sysWait4: process, where to put the status, options, where to put the usage.
func sysWait4(s *Server, t *task) uint64 {
	options := uint64(uint32(t.Args[2]))
	pid := int32(t.Args[0])
	if options&^(waitNoHang|waitStopped|waitContinued|waitNoThread|waitAll|waitClone) != 0 {
		return abi.EINVAL.Result()
	}
	w := wanted{kind: idAll, options: options | waitExited}
	switch {
	case pid == -1<<31:
		return abi.ESRCH.Result()
	case pid > 0:
		w.kind, w.id = idPID, pid
	case pid == 0:
		w.kind, w.id = idGroup, t.p.pgid
	case pid < -1:
		w.kind, w.id = idGroup, -pid
	}
	p, what, result := s.waitChild(t, &w)
	if p == nil {
		return result
	}
	status := p.status.Wait()
	switch what {
	case abi.CLD_STOPPED:
		status = uint32(p.stop)<<8 | 0x7f
	case abi.CLD_CONTINUED:
		status = 0xffff
	}
	if t.Args[1] != 0 {
		if r := s.put(t, t.Args[1], le32(status)); r != 0 {
			return r
		}
	}
	if r := s.putUsage(t, t.Args[3], p); r != 0 {
		return r
	}
	pid = p.pid
	s.collect(t.p, p, what, w.options)
	return uint64(pid)
}

// putUsage tells what a child has used.
func (s *Server) putUsage(t *task, addr uint64, p *process) uint64 {
	if addr == 0 {
		return 0
	}
	time := p.time
	if !p.zombie {
		time = int64(s.use(p).Time)
	}
	u := abi.Rusage{Utime: abi.TimevalOf(time + p.childTime)}
	b := s.scratch[:abi.RusageSize]
	u.Put(b)
	return s.put(t, addr, b)
}

// sysWaitid: kind, id, where to put a siginfo_t, options, where to put the usage.
func sysWaitid(s *Server, t *task) uint64 {
	const all = waitNoHang | waitStopped | waitExited | waitContinued | waitNoReap | waitNoThread | waitAll | waitClone
	options := uint64(uint32(t.Args[3]))
	if options&^all != 0 || options&(waitStopped|waitExited|waitContinued) == 0 {
		return abi.EINVAL.Result()
	}
	w := wanted{kind: t.Args[0], id: int32(t.Args[1]), options: options}
	switch {
	case w.kind == idAll:
	case w.kind == idPidfd:
		f, ok := s.pidfd(t, t.Args[1])
		if !ok {
			return abi.EBADF.Result()
		}
		w.kind, w.id = idPID, f.p.pid
		if f.nonblocking(s, t) {
			w.options |= waitNoHang
		}
	case w.kind == idGroup && w.id == 0:
		w.id = t.p.pgid
	case w.kind > idPidfd || w.id <= 0:
		return abi.EINVAL.Result()
	}
	p, what, result := s.waitChild(t, &w)
	if p == nil {
		if result != 0 {
			return result
		}
		if w.options != options {
			return abi.EAGAIN.Result()
		}
		return s.putChild(t, &abi.Siginfo{})
	}
	info := abi.SentInfo(abi.SIGCHLD, what, uint32(p.pid), p.who.user.real)
	switch what {
	case abi.CLD_STOPPED:
		info.B = uint64(p.stop)
	case abi.CLD_CONTINUED:
		info.B = uint64(abi.SIGCONT)
	default:
		info.B = uint64(p.status.Value)
	}
	if r := s.putChild(t, &info); r != 0 {
		return r
	}
	if r := s.putUsage(t, t.Args[4], p); r != 0 {
		return r
	}
	s.collect(t.p, p, what, w.options)
	return 0
}

func (s *Server) putChild(t *task, info *abi.Siginfo) uint64 {
	if t.Args[2] == 0 {
		return 0
	}
	b := s.scratch[:abi.SiginfoSize]
	info.Put(b)
	return s.put(t, t.Args[2], b)
}

// waitChild gives a child of which there is something to be told, and what. Without one the
// result is that of the call: it waits, or there is no such child, or 0.
func (s *Server) waitChild(t *task, w *wanted) (p *process, what int32, result uint64) {
	result = abi.ECHILD.Result()
	for _, c := range t.p.children {
		if !w.is(c) || w.options&(waitAll|waitClone) == 0 && c.exitSignal != abi.SIGCHLD ||
			w.options&(waitAll|waitClone) == waitClone && c.exitSignal == abi.SIGCHLD {
			continue
		}
		result = 0
		switch {
		case c.zombie && w.options&waitExited != 0:
			if c.status.Kind == abi.Exited {
				return c, abi.CLD_EXITED, 0
			}
			return c, abi.CLD_KILLED, 0
		case c.stopped && w.options&waitStopped != 0:
			return c, abi.CLD_STOPPED, 0
		case c.continued && w.options&waitContinued != 0:
			return c, abi.CLD_CONTINUED, 0
		}
	}
	if result != 0 || w.options&waitNoHang != 0 {
		return nil, 0, result
	}
	return nil, 0, s.wait(t, never, true, &t.p.changed)
}

// collect notes that a parent knows of what has happened to a child.
func (s *Server) collect(parent, p *process, what int32, options uint64) {
	switch {
	case options&waitNoReap != 0:
	case what == abi.CLD_STOPPED:
		p.stopped = false
	case what == abi.CLD_CONTINUED:
		p.continued = false
	default:
		parent.childTime += p.time + p.childTime
		s.forgetProcess(p)
	}
}

// sysGetrusage: who, which is the children, and where to put it. The kernel knows the rest.
func sysGetrusage(s *Server, t *task) uint64 {
	u := abi.Rusage{Utime: abi.TimevalOf(t.p.childTime)}
	b := s.scratch[:abi.RusageSize]
	u.Put(b)
	return s.put(t, t.Args[1], b)
}

// sysTimes: where to put a struct tms.
func sysTimes(s *Server, t *task) uint64 {
	const tick = 1e9 / 100
	if t.Args[0] != 0 && s.procs != nil {
		b := s.scratch[:32]
		clear(b)
		put64(b[0:], uint64(int64(s.use(t.p).Time)/tick))
		put64(b[16:], uint64(t.p.childTime/tick))
		if r := s.put(t, t.Args[0], b); r != 0 {
			return r
		}
	}
	return uint64(s.kernel.Now() / tick)
}
