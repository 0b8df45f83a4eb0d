// SPDX-License-Identifier: Apache-2.0

package linux

import "loam/abi"

// The limit of a process's CPU time (RLIMIT_CPU). The kernel counts the time; when it could be up at the earliest,
// were all CPUs the process's, it is asked how much it is.

const second = 1_000_000_000

// soonest is how often it is asked at most: a process that is near its limit may wait for long.
const soonest = second / 20

// watchCPU looks at a process's time now, and then whenever it could be up. To be called when the limit was set.
func (s *Server) watchCPU(p *process) {
	s.stopTimer(&p.cpu)
	l := &p.limits[abi.RLIMIT_CPU]
	if l.Cur > never/second || s.procs == nil || p.zombie { // a hard limit alone means nothing, as on Linux
		return
	}
	used := s.procs.Use(p.pid).Time
	if l.Max <= never/second && used >= l.Max*second {
		s.kill(p, abi.SIGKILL)
		return
	}
	if used >= l.Cur*second {
		s.kill(p, abi.SIGXCPU)
		l.Cur++ // once more in a second, as on Linux
	}
	left := max(int64(l.Cur*second)-int64(used), 0) / int64(max(s.machine.CPUs(), 1))
	p.cpu.fire = func() { s.watchCPU(p) }
	s.setTimer(&p.cpu, s.kernel.Now()+max(left, soonest))
}

// mayMakeMore reports whether a user may have another process (RLIMIT_NPROC): its threads count. User 0 may, and who has
// a capability for it.
func (s *Server) mayMakeMore(p *process) bool {
	most, who := p.limits[abi.RLIMIT_NPROC].Cur, p.who.user.real
	if who == 0 || p.who.caps.have(capSysResource) || p.who.caps.have(capSysAdmin) {
		return true
	}
	n := uint64(1)
	for _, q := range s.byPID {
		if q.who.user.real == who {
			n += uint64(max(len(s.threads(q)), 1))
		}
	}
	return n <= most
}

// mayLimit reports whether a process may ask for and set another's limits.
func (p *process) mayLimit(of *process) bool {
	u, g, a := of.who.user, of.who.group, p.who.user.real
	same := a == u.real && a == u.effective && a == u.saved
	b := p.who.group.real
	return p == of || same && b == g.real && b == g.effective && b == g.saved || p.who.caps.have(capSysResource)
}
