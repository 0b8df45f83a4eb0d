// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"encoding/binary"

	"loam/abi"
)

// Signals to other processes: those to one's own threads the kernel sends itself.

func put64(b []byte, v uint64) { binary.LittleEndian.PutUint64(b, v) }

// post sends a signal: from a process, or from the kernel if that is nil.
func (s *Server) post(pid, tid int32, signal abi.Signal, from *process) abi.Errno {
	info := abi.SentInfo(signal, abi.SI_KERNEL, 0, 0)
	if from != nil {
		code := int32(abi.SI_USER)
		if tid != 0 {
			code = abi.SI_TKILL
		}
		info = abi.SentInfo(signal, code, uint32(from.pid), from.who.user.real)
	}
	_, e := s.procs.Post(pid, tid, &info)
	return e
}

// kill sends a signal of the kernel's to a process, which may have ended.
func (s *Server) kill(p *process, signal abi.Signal) { s.post(p.pid, 0, signal, nil) }

// sysKill: process or group, signal. The caller's own process alone doesn't come here.
func sysKill(s *Server, t *task) uint64 {
	pid, signal := int32(t.Args[0]), abi.Signal(int32(t.Args[1]))
	if signal != 0 && !signal.Valid() {
		return abi.EINVAL.Result()
	}
	if s.procs == nil {
		return abi.ESRCH.Result()
	}
	if pid > 0 {
		p := s.byPID[pid]
		if p == nil {
			return abi.ESRCH.Result()
		}
		return fail(s.signalTo(p, signal, t.p))
	}
	group := -pid
	if pid == 0 {
		group = t.p.pgid
	}
	return fail(s.signalAll(t.p, signal, func(p *process) bool { return pid == -1 && p != t.p || pid != -1 && p.pgid == group }))
}

// signalAll sends a signal to all that match. It is enough if one may be sent it.
func (s *Server) signalAll(from *process, signal abi.Signal, match func(*process) bool) abi.Errno {
	result := abi.ESRCH
	for _, p := range s.byPID {
		if !match(p) {
			continue
		}
		if e := s.signalTo(p, signal, from); e == 0 || result == abi.ESRCH {
			result = e
		}
	}
	return result
}

// signalTo sends a signal to a process that from may send it to, unless it is 0 or the process has ended.
func (s *Server) signalTo(p *process, signal abi.Signal, from *process) abi.Errno {
	if from != nil && !from.maySignal(p, signal) {
		return abi.EPERM
	}
	if signal != 0 && !p.zombie {
		s.post(p.pid, 0, signal, from)
	}
	return 0
}

// sendGroup sends a signal of the kernel's to a group.
func (s *Server) sendGroup(pgid int32, signal abi.Signal) {
	for _, p := range s.byPID {
		if p.pgid == pgid {
			s.signalTo(p, signal, nil)
		}
	}
}

// sysTkill: thread, signal; of another process.
func sysTkill(s *Server, t *task) uint64 { return s.killThread(t, 0, int32(t.Args[0]), t.Args[1]) }

// sysTgkill: process, thread, signal.
func sysTgkill(s *Server, t *task) uint64 {
	if int32(t.Args[0]) <= 0 {
		return abi.EINVAL.Result()
	}
	return s.killThread(t, int32(t.Args[0]), int32(t.Args[1]), t.Args[2])
}

func (s *Server) killThread(t *task, pid, tid int32, number uint64) uint64 {
	signal := abi.Signal(int32(number))
	if tid <= 0 || signal != 0 && !signal.Valid() {
		return abi.EINVAL.Result()
	}
	if s.procs == nil {
		return abi.ESRCH.Result()
	}
	if pid == 0 { // whose thread it is isn't known here
		for _, p := range s.byPID {
			if !t.p.maySignal(p, signal) {
				continue
			}
			if e := s.post(p.pid, tid, signal, t.p); e != abi.ESRCH {
				return e.Result()
			}
		}
		return abi.ESRCH.Result()
	}
	p := s.byPID[pid]
	switch {
	case p == nil:
		return abi.ESRCH.Result()
	case !t.p.maySignal(p, signal):
		return abi.EPERM.Result()
	case p.zombie || signal == 0:
		return 0
	}
	return s.post(pid, tid, signal, t.p).Result()
}

// sysSigqueueinfo: process, signal, siginfo_t.
func sysSigqueueinfo(s *Server, t *task) uint64 {
	return s.queueInfo(t, int32(t.Args[0]), 0, t.Args[1], t.Args[2])
}

// sysTgsigqueueinfo: process, thread, signal, siginfo_t.
func sysTgsigqueueinfo(s *Server, t *task) uint64 {
	if int32(t.Args[0]) <= 0 || int32(t.Args[1]) <= 0 {
		return abi.EINVAL.Result()
	}
	return s.queueInfo(t, int32(t.Args[0]), int32(t.Args[1]), t.Args[2], t.Args[3])
}

func (s *Server) queueInfo(t *task, pid, tid int32, number, addr uint64) uint64 {
	b := s.scratch[:abi.SiginfoSize]
	if !s.get(t, addr, b) {
		return abi.EFAULT.Result()
	}
	info := abi.GetSiginfo(b)
	info.Signo = abi.Signal(int32(number))
	if (info.Code >= 0 || info.Code == abi.SI_TKILL) && pid != t.p.pid {
		return abi.EPERM.Result()
	}
	if info.Signo != 0 && !info.Signo.Valid() {
		return abi.EINVAL.Result()
	}
	p := s.byPID[pid]
	switch {
	case p == nil || s.procs == nil:
		return abi.ESRCH.Result()
	case !t.p.maySignal(p, info.Signo):
		return abi.EPERM.Result()
	case info.Signo == 0 || p.zombie:
		return 0
	}
	_, e := s.procs.Post(pid, tid, &info)
	return e.Result()
}
