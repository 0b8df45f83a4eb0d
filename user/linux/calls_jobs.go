// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"loam/abi"
	"loam/user/linux/lx"
)

// Process groups and sessions (setpgid(2), setsid(2)).

func sysGetppid(s *Server, t *task) uint64 {
	if p := t.p.parent; p != nil {
		return uint64(p.pid)
	}
	if t.p.first {
		return 0
	}
	return 1 // its parent has ended
}

// ofPID gives a process that is the caller's if the id is 0.
func (s *Server) ofPID(t *task, pid uint64) *process {
	if int32(pid) == 0 {
		return t.p
	}
	return s.byPID[int32(pid)]
}

func sysGetpgrp(s *Server, t *task) uint64 { return uint64(t.p.pgid) }

func sysGetpgid(s *Server, t *task) uint64 {
	if p := s.ofPID(t, t.Args[0]); p != nil {
		return uint64(p.pgid)
	}
	return abi.ESRCH.Result()
}

func sysGetsid(s *Server, t *task) uint64 {
	if p := s.ofPID(t, t.Args[0]); p != nil {
		return uint64(p.sid)
	}
	return abi.ESRCH.Result()
}

// groupExists reports whether there is a group, in a session unless that is 0.
func (s *Server) groupExists(pgid, sid int32) bool {
	for _, p := range s.byPID {
		if p.pgid == pgid && (sid == 0 || p.sid == sid) {
			return true
		}
	}
	return false
}

// sysSetpgid: process, group; 0 for the caller's and for the process's own.
func sysSetpgid(s *Server, t *task) uint64 {
	pgid := int32(t.Args[1])
	if pgid < 0 {
		return abi.EINVAL.Result()
	}
	p := s.ofPID(t, t.Args[0])
	switch {
	case p == nil || p != t.p && p.parent != t.p:
		return abi.ESRCH.Result()
	case p != t.p && p.sid != t.p.sid:
		return abi.EPERM.Result()
	case p != t.p && p.execed:
		return abi.EACCES.Result()
	case p.sid == p.pid:
		return abi.EPERM.Result()
	}
	if pgid == 0 {
		pgid = p.pid
	}
	if pgid != p.pid && !s.groupExists(pgid, p.sid) {
		return abi.EPERM.Result()
	}
	p.pgid = pgid
	return 0
}

func sysSetsid(s *Server, t *task) uint64 {
	if t.p.pgid == t.p.pid || s.groupExists(t.p.pid, 0) {
		return abi.EPERM.Result()
	}
	t.p.sid, t.p.pgid, t.p.noTerminal = t.p.pid, t.p.pid, false
	return uint64(t.p.pid)
}

// terminalOf is the terminal of a process's session; nil: it has none.
func (s *Server) terminalOf(p *process) *controlling {
	if p.noTerminal || p.sid == 0 {
		return nil
	}
	if p.sid == s.tty.session && s.console() != nil {
		return &s.tty
	}
	for _, q := range s.ptys {
		if q.control.session == p.sid {
			return &q.control
		}
	}
	return nil
}

// numberOf is a terminal's number in /dev/pts.
func (s *Server) numberOf(c *controlling) int {
	for n, q := range s.ptys {
		if c == &q.control {
			return n
		}
	}
	return 0
}

// takeForeground has a call about a terminal go on, unless its process is in the background of that: then its group gets a
// signal, and the call is made again when it is in the foreground. It goes on also if the signal is ignored, but to read is
// EIO then; and everything is where nobody would have the group go on.
func (s *Server) takeForeground(t *task, c *controlling, signal abi.Signal) (waits bool, e abi.Errno) {
	p := t.p
	if p.pgid == c.group || c.group == 0 || p.sid != c.session || s.procs == nil || p.noTerminal {
		return false, 0
	}
	var q abi.ProcessSignals
	if s.procs.Signals(p.pid, int32(t.Thread), &q); (q.Ignored | q.Blocked).Has(signal) {
		if signal == abi.SIGTTIN {
			e = abi.EIO
		}
		return false, e
	}
	if s.orphaned(p.pgid) {
		return false, abi.EIO
	}
	info := abi.SentInfo(signal, abi.SI_KERNEL, 0, 0)
	s.procs.Post(p.pid, int32(t.Thread), &info)
	for _, q := range s.byPID {
		if q != p && q.pgid == p.pgid {
			s.signalTo(q, signal, nil)
		}
	}
	if t.w != nil {
		s.drop(t.w)
	} else {
		s.release(t)
	}
	s.kernel.Reply(t.Token, abi.EINTR.Result(), true)
	return true, 0
}

// orphaned reports whether nobody outside of a group looks after its stops: no member has a parent in
// another group of the session.
func (s *Server) orphaned(pgid int32) bool {
	for _, p := range s.byPID {
		if p.pgid == pgid && !p.zombie && p.parent != nil && p.parent.pgid != pgid && p.parent.sid == p.sid {
			return false
		}
	}
	return true
}

// jobControl does what ioctl(2) asks of a terminal about sessions and groups, by one of its files or by its
// master; ok is false for other requests.
func (s *Server) jobControl(t *task, c *controlling, master bool, request uint32, arg uint64) (result uint64, ok bool) {
	p := t.p
	mine := s.terminalOf(p) == c
	switch request {
	case lx.TIOCGPGRP:
		if !mine && !master {
			return abi.ENOTTY.Result(), true
		}
		return s.put(t, arg, le32(uint32(c.group))), true
	case lx.TIOCGSID:
		if !mine && !master || c.session == 0 {
			return abi.ENOTTY.Result(), true
		}
		return s.put(t, arg, le32(uint32(c.session))), true
	case lx.TIOCSPGRP:
		return s.setForeground(t, c, arg), true
	case lx.TIOCSCTTY:
		return s.takeTerminal(t, c, arg), true
	case lx.TIOCNOTTY:
		switch {
		case !mine || master:
			return abi.ENOTTY.Result(), true
		case p.sid == p.pid:
			s.endSession(p, false)
		default:
			p.noTerminal = true
		}
		return 0, true
	}
	return 0, false
}

// takeTerminal is ioctl(TIOCSCTTY).
func (s *Server) takeTerminal(t *task, c *controlling, arg uint64) uint64 {
	p, f := t.p, s.file(t, t.Args[0])
	mighty := p.who.caps.have(capSysAdmin)
	switch {
	case p.sid == p.pid && p.sid == c.session:
		return 0
	case p.sid != p.pid, s.terminalOf(p) != nil, c.session != 0 && (arg != 1 || !mighty), !f.reads() && !mighty:
		return abi.EPERM.Result()
	}
	c.session, c.group = p.sid, p.pgid
	return 0
}

// setForeground is ioctl(TIOCSPGRP).
func (s *Server) setForeground(t *task, c *controlling, arg uint64) uint64 {
	if waits, e := s.takeForeground(t, c, abi.SIGTTOU); waits {
		return blocked
	} else if e != 0 {
		return abi.ENOTTY.Result()
	}
	group, e := s.int32At(t, arg)
	switch {
	case e != 0:
		return fail(e)
	case group < 0:
		return abi.EINVAL.Result()
	case s.terminalOf(t.p) != c:
		return abi.ENOTTY.Result()
	case !s.groupExists(group, 0):
		return abi.ESRCH.Result()
	case !s.groupExists(group, t.p.sid):
		return abi.EPERM.Result()
	}
	c.group = group
	return 0
}

// endSession has a session's leader, which may end, give its terminal away. One whose terminal was hung up before tells those who
// were in the foreground then.
func (s *Server) endSession(p *process, ends bool) {
	if p.sid != p.pid {
		return
	}
	c, group := s.terminalOf(p), p.lostGroup
	if c != nil {
		group = c.group
	}
	if group != 0 {
		s.sendGroup(group, abi.SIGHUP)
		if !ends || c == nil || c == &s.tty { // Linux has it so
			s.sendGroup(group, abi.SIGCONT)
		}
	}
	p.lostGroup = 0
	if c == nil && p.sid == s.tty.session {
		c = &s.tty // which is no terminal
	}
	if c != nil {
		c.session, c.group = 0, 0
	}
}

// loseTerminal tells the leader of a terminal's session that it is no more.
func (s *Server) loseTerminal(c *controlling) {
	if p := s.byPID[c.session]; p != nil && p.sid == p.pid && s.procs != nil {
		s.signalTo(p, abi.SIGHUP, nil)
		s.signalTo(p, abi.SIGCONT, nil)
		p.lostGroup = c.group
	}
	c.session, c.group = 0, 0
}

// controlling is what a terminal is for sessions: of which it is, and which group its keys are for; 0: none.
type controlling struct{ session, group int32 }
