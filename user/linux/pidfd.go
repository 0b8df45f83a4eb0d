// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"loam/abi"
	"loam/user/linux/lx"
	"loam/user/linux/poll"
)

// Descriptors of processes (pidfd_open(2)).

// pidFile is one.
type pidFile struct {
	anonymous
	p *process
}

// poll1 is a queue of a process's.
type poll1 = poll.Queue

func (f *pidFile) read(*Server, lx.Buffer) (int, abi.Errno)  { return 0, abi.EINVAL }
func (f *pidFile) write(*Server, lx.Buffer) (int, abi.Errno) { return 0, abi.EINVAL }
func (f *pidFile) close()                                    {}

// Queue is for poll.File.
func (f *pidFile) Queue() *poll.Queue { return &f.p.ended }

// Events is for poll.File.
func (f *pidFile) Events() uint32 {
	if f.p.zombie {
		return abi.EPOLLIN | abi.EPOLLRDNORM
	}
	return 0
}

// newPidfd makes a file of a process.
func (s *Server) newPidfd(p *process, flags uint32) *file {
	return s.newDevice(&pidFile{p: p}, abi.O_RDWR|flags)
}

// pidfd gives the file of a process that a descriptor is of.
func (s *Server) pidfd(t *task, fd uint64) (*pidFile, bool) {
	f := s.file(t, fd)
	if f == nil {
		return nil, false
	}
	p, ok := f.dev.(*pidFile)
	return p, ok
}

// nonblocking reports whether waitid by the descriptor is not to wait.
func (f *pidFile) nonblocking(s *Server, t *task) bool { return s.file(t, t.Args[1]).nonblock() }

// sysPidfdOpen: process, flags.
func sysPidfdOpen(s *Server, t *task) uint64 {
	if t.Args[1]&^abi.O_NONBLOCK != 0 || int32(t.Args[0]) <= 0 {
		return abi.EINVAL.Result()
	}
	p := s.byPID[int32(t.Args[0])]
	if p == nil || s.procs == nil {
		return abi.ESRCH.Result()
	}
	return s.enter(t, s.newPidfd(p, uint32(t.Args[1])), abi.O_CLOEXEC)
}

// sysPidfdSendSignal: descriptor, signal, siginfo_t or 0, flags.
func sysPidfdSendSignal(s *Server, t *task) uint64 {
	signal := abi.Signal(int32(t.Args[1]))
	if t.Args[3] != 0 {
		return abi.EINVAL.Result()
	}
	f, ok := s.pidfd(t, t.Args[0])
	switch {
	case !ok:
		return abi.EBADF.Result()
	case signal != 0 && !signal.Valid():
		return abi.EINVAL.Result()
	case f.p.zombie && s.byPID[f.p.pid] != f.p:
		return abi.ESRCH.Result()
	case t.Args[2] != 0:
		return s.queueInfo(t, f.p.pid, 0, t.Args[1], t.Args[2])
	}
	s.signalTo(f.p, signal, t.p)
	return 0
}
