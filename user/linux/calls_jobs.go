// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"encoding/binary"

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
	t.p.sid, t.p.pgid = t.p.pid, t.p.pid
	return uint64(t.p.pid)
}

// takeForeground has a call about the terminal go on, unless its process is in the background: then its group gets a
// signal, and the call is made again when it is in the foreground. ignored: the signal is, and so the
// call goes on, or fails.
func (s *Server) takeForeground(t *task, signal abi.Signal) (waits, ignored bool) {
	p := t.p
	if p.pgid == s.tty.group || p.sid != s.tty.session || s.procs == nil {
		return false, false
	}
	info := abi.SentInfo(signal, abi.SI_KERNEL, 0, 0)
	if does, e := s.procs.Post(p.pid, int32(t.Thread), &info); e != 0 || does != 0 || s.orphaned(p.pgid) {
		return false, true
	}
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
	return true, false
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

// jobControl does what ioctl(2) asks of a terminal about sessions and groups; ok is false for other requests.
func (s *Server) jobControl(t *task, request uint32, arg uint64) (result uint64, ok bool) {
	p := t.p
	mine := p.sid == s.tty.session
	switch request {
	case lx.TIOCGPGRP:
		if !mine {
			return abi.ENOTTY.Result(), true
		}
		return s.put(t, arg, le32(uint32(s.tty.group))), true
	case lx.TIOCGSID:
		if !mine {
			return abi.ENOTTY.Result(), true
		}
		return s.put(t, arg, le32(uint32(s.tty.session))), true
	case lx.TIOCSPGRP:
		return s.setForeground(t, arg), true
	case lx.TIOCSCTTY:
		switch {
		case mine && p.sid == p.pid:
		case p.sid != p.pid || s.tty.session != 0 && arg != 1:
			return abi.EPERM.Result(), true
		default:
			s.tty = controlling{p.sid, p.pgid}
		}
		return 0, true
	case lx.TIOCNOTTY:
		if !mine {
			return abi.ENOTTY.Result(), true
		}
		if p.sid == p.pid {
			s.endSession(p)
		}
		return 0, true
	}
	return 0, false
}

// setForeground is ioctl(TIOCSPGRP).
func (s *Server) setForeground(t *task, arg uint64) uint64 {
	b := s.scratch[:4]
	if t.p.sid != s.tty.session {
		return abi.ENOTTY.Result()
	}
	if waits, _ := s.takeForeground(t, abi.SIGTTOU); waits {
		return blocked
	}
	if !s.get(t, arg, b) {
		return abi.EFAULT.Result()
	}
	group := int32(binary.LittleEndian.Uint32(b))
	switch {
	case group < 0:
		return abi.EINVAL.Result()
	case !s.groupExists(group, 0):
		return abi.ESRCH.Result()
	case !s.groupExists(group, t.p.sid):
		return abi.EPERM.Result()
	}
	s.tty.group = group
	return 0
}

// endSession has the end of a session's leader take its terminal away.
func (s *Server) endSession(p *process) {
	if p.sid == p.pid && s.tty.session == p.sid && p.sid != 0 {
		s.sendGroup(s.tty.group, abi.SIGHUP)
		s.sendGroup(s.tty.group, abi.SIGCONT)
		s.tty = controlling{}
	}
}

// controlling is the terminal: of which session it is, and which group its keys are for.
type controlling struct{ session, group int32 }
