// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"loam/abi"
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
