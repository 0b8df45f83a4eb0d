// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"slices"

	"loam/abi"
	"loam/loader"
	"loam/user/linux/program"
	"loam/user/linux/vfs"
)

// Processes is what a server asks of the kernel about processes. Those that it names by their ids are those whose
// calls come here.
type Processes interface {
	// Clone makes a process of who made a call, which waits for Continue.
	Clone(token uint64, q *abi.ProcessClone) (pid int32, e abi.Errno)
	// Copy copies the memory of a process to one that has none.
	Copy(pid, to int32) abi.Errno
	// Replace gives the process of who made a call an empty space. It waits for Continue, and the call
	// has no answer.
	Replace(token uint64, q *abi.ProcessReplace) (abi.ProcessReplaced, abi.Errno)
	// Place maps what a program consists of, in part from memory.
	Place(pid int32, pieces []program.Piece, m vfs.Memory) abi.Errno
	// WriteTo copies bytes to a process's memory, and reports whether it could copy all.
	WriteTo(pid int32, addr uint64, p []byte) bool
	// Continue has a process run.
	Continue(pid int32)
	// Post sends a signal to a process, or to one of its threads if tid isn't 0. For SIGCHLD the result
	// is abi.PostIgnored and the like.
	Post(pid, tid int32, info *abi.Siginfo) (uint64, abi.Errno)
	// News tells of a process that has ended, was stopped or goes on, or of a signal that is watched.
	News() (abi.ProcessNews, bool)
	// Use tells what a process does and has used.
	Use(pid int32) abi.ProcessUse
	// Areas tells of its memory, by address.
	Areas(pid int32) []abi.ProcessArea
	// Threads tells of its threads, by id.
	Threads(pid int32) []abi.ThreadInfo
	// Signals tells of its signals, those of the thread tid among them (0: of the first), and takes one as q asks.
	Signals(pid, tid int32, q *abi.ProcessSignals) abi.Errno
}

// family is what a process has to do with others.
type family struct {
	parent     *process // nil: nobody waits for it
	children   []*process
	pgid, sid  int32
	noTerminal bool       // its session's terminal isn't its own any more (TIOCNOTTY)
	lostGroup  int32      // of a session's leader whose terminal was hung up: who was in the foreground
	exitSignal abi.Signal // to the parent; 0: none
	waiter     uint64     // the token of the parent's call that waits until this one has a space of its own (CLONE_VFORK)
	execed     bool

	zombie    bool
	halted    bool // it has stopped, and doesn't go on
	stopped   bool // and nobody has been told
	continued bool
	status    abi.ExitStatus
	stop      abi.Signal // that has stopped it
	time      int64      // ns, of a zombie
	born      int64      // when it was made, ns on CLOCK_MONOTONIC
	childTime int64      // of children that were waited for

	changed poll1 // children have
	ended   poll1 // for pidfds

	watched   abi.Sigset // signals of which there is news when one becomes pending
	signalled poll1      // one has
}

// maxProcesses is how many there are at most.
const maxProcesses = 4096

// News looks at what has happened to processes.
func (s *Server) News() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		n, ok := s.procs.News()
		if !ok {
			break
		}
		p := s.processes[n.Badge]
		switch {
		case p == nil:
		case n.What&abi.NewsEnded != 0:
			s.end(p, n.Status, int64(n.Time))
		default:
			if n.What&abi.NewsSignal != 0 {
				p.signalled.Tell(abi.EPOLLIN)
			}
			if n.What&^abi.NewsSignal != 0 {
				s.stopOrGo(p, &n)
			}
		}
	}
	s.retry()
}

// end has a process have ended: its descriptors are closed, its calls forgotten, and its parent is told.
func (s *Server) end(p *process, status abi.ExitStatus, time int64) {
	s.leave(p)
	p.zombie, p.status, p.time = true, status, time
	p.stopped, p.continued = false, false
	s.usedBefore += time
	s.releaseParent(p)
	groups := p.lookedAfter()
	s.orphan(p)
	s.endSession(p, true)
	s.hangUp(groups)
	p.ended.Tell(abi.EPOLLIN)
	parent := p.parent
	if parent == nil {
		s.forgetProcess(p)
		return
	}
	code := int32(abi.CLD_EXITED)
	if status.Kind != abi.Exited {
		code = abi.CLD_KILLED
	}
	if s.tellParent(p, code, status.Value) {
		s.forgetProcess(p)
	}
	parent.changed.Tell(abi.EPOLLIN)
}

// lookedAfter gives the groups of which a member has a process of another group of its session on the other end of its
// descent: p, or p's parent. When p is no more they may be without anybody who could have them go on.
func (p *process) lookedAfter() (groups []int32) {
	if q := p.parent; q != nil && q.pgid != p.pgid && q.sid == p.sid {
		groups = append(groups, p.pgid)
	}
	for _, c := range p.children {
		if c.pgid != p.pgid && c.sid == p.sid {
			groups = append(groups, c.pgid)
		}
	}
	return groups
}

// hangUp tells groups that nobody looks after any more and of which a member is stopped: by SIGHUP, and SIGCONT, so
// that they can hear it.
func (s *Server) hangUp(groups []int32) {
	for _, g := range groups {
		if s.orphaned(g) && s.anyHalted(g) {
			s.sendGroup(g, abi.SIGHUP)
			s.sendGroup(g, abi.SIGCONT)
		}
	}
}

func (s *Server) anyHalted(pgid int32) bool {
	for _, p := range s.byPID {
		if p.pgid == pgid && p.halted && !p.zombie {
			return true
		}
	}
	return false
}

// orphan gives p's children to the nearest reaper above, or to nobody.
func (s *Server) orphan(p *process) {
	reaper := p.parent
	for reaper != nil && !reaper.reaper {
		reaper = reaper.parent
	}
	children := p.children
	p.children = nil
	for _, c := range children {
		c.parent = nil
		if reaper != nil {
			s.adoptChild(reaper, c)
		}
		if c.deathSignal != 0 && !c.zombie {
			s.post(c.pid, 0, c.deathSignal, p)
		}
		switch {
		case !c.zombie:
		case reaper == nil:
			s.forgetProcess(c)
		default:
			reaper.changed.Tell(abi.EPOLLIN)
		}
	}
}

// tellParent sends a process's parent the signal of what has happened. It reports whether the parent
// doesn't wait for children.
func (s *Server) tellParent(p *process, code int32, status uint32) bool {
	signal := p.exitSignal
	if code == abi.CLD_STOPPED || code == abi.CLD_CONTINUED {
		signal = abi.SIGCHLD
	}
	if signal == 0 {
		return false
	}
	info := abi.SentInfo(signal, code, uint32(p.pid), p.who.user.real)
	info.B = uint64(status)
	does, e := s.procs.Post(p.parent.pid, 0, &info)
	return e == 0 && does != 0
}

// stopOrGo notes that a process was stopped, or goes on.
func (s *Server) stopOrGo(p *process, n *abi.ProcessNews) {
	code, status := int32(abi.CLD_CONTINUED), uint32(abi.SIGCONT)
	p.halted, p.stopped, p.continued = false, false, true
	if n.What&abi.NewsStopped != 0 {
		code, status = abi.CLD_STOPPED, uint32(n.Signal)
		p.halted, p.stopped, p.continued, p.stop = true, true, false, n.Signal
	}
	if p.parent != nil {
		s.tellParent(p, code, status)
		p.parent.changed.Tell(abi.EPOLLIN)
	}
}

// forgetProcess forgets a zombie.
func (s *Server) forgetProcess(p *process) {
	if s.byPID[p.pid] == p {
		delete(s.byPID, p.pid)
	}
	if q := p.parent; q != nil {
		if i := slices.Index(q.children, p); i >= 0 {
			q.children = slices.Delete(q.children, i, i+1)
		}
		p.parent = nil
	}
}

// releaseParent answers the parent's call that waits for p to need its memory no more.
func (s *Server) releaseParent(p *process) {
	if token := p.waiter; token != 0 {
		p.waiter = 0
		s.kernel.Reply(token, uint64(p.pid), false)
	}
}

// sysClone: flags, stack, where the parent and where the child find the id, thread-local storage; the last two
// change places on some architectures.
func sysClone(s *Server, t *task) uint64 {
	tls, child := t.Args[3], t.Args[4]
	if s.target.Arch == loader.AMD64 {
		tls, child = child, tls
	}
	return s.clone(t, t.Args[0], t.Args[1], t.Args[2], child, tls)
}

func sysFork(s *Server, t *task) uint64 { return s.clone(t, uint64(abi.SIGCHLD), 0, 0, 0, 0) }

func sysVfork(s *Server, t *task) uint64 {
	return s.clone(t, abi.CLONE_VM|abi.CLONE_VFORK|uint64(abi.SIGCHLD), 0, 0, 0, 0)
}

// cloneFlags are those of a new process.
const cloneFlags = abi.CLONE_CSIGNAL | abi.CLONE_VM | abi.CLONE_VFORK | abi.CLONE_PIDFD | abi.CLONE_SETTLS | abi.CLONE_PARENT_SETTID |
	abi.CLONE_CHILD_CLEARTID | abi.CLONE_CHILD_SETTID | abi.CLONE_FILES | abi.CLONE_FS | abi.CLONE_SYSVSEM | abi.CLONE_UNTRACED | abi.CLONE_IO | abi.CLONE_DETACHED | abi.CLONE_PARENT

func (s *Server) clone(t *task, flags, stack, parentTID, childTID, tls uint64) uint64 {
	signal := abi.Signal(flags & abi.CLONE_CSIGNAL)
	switch {
	case s.procs == nil:
		return abi.ENOSYS.Result()
	case flags&^cloneFlags != 0 || signal != 0 && !signal.Valid(),
		flags&abi.CLONE_PIDFD != 0 && flags&(abi.CLONE_DETACHED|abi.CLONE_PARENT_SETTID) != 0:
		return abi.EINVAL.Result()
	case len(s.byPID) >= maxProcesses || !s.mayMakeMore(t.p):
		return abi.EAGAIN.Result()
	case flags&abi.CLONE_PIDFD != 0 && !t.p.table.Free():
		return abi.EMFILE.Result()
	}
	q := abi.ProcessClone{Stack: stack}
	if flags&abi.CLONE_VM != 0 {
		q.Flags |= abi.CloneMemory
	}
	if flags&abi.CLONE_SETTLS != 0 {
		q.Flags |= abi.CloneTLS
		q.TLS = tls
	}
	if flags&abi.CLONE_CHILD_CLEARTID != 0 {
		q.ClearTID = childTID
	}
	p, e := s.newChild(t, &q, flags)
	if e != 0 {
		return e.Result()
	}
	if flags&abi.CLONE_VM == 0 {
		if e := s.procs.Copy(t.p.pid, p.pid); e != 0 {
			s.undoChild(p)
			return abi.ENOMEM.Result()
		}
	}
	p.exitSignal = signal
	if flags&abi.CLONE_PARENT != 0 && t.p.parent != nil {
		s.adoptChild(t.p.parent, p)
	}
	s.tellIDs(t, p, flags, parentTID, childTID)
	if flags&abi.CLONE_VFORK != 0 {
		p.waiter = t.Token
	}
	s.procs.Continue(p.pid)
	if flags&abi.CLONE_VFORK != 0 {
		return blocked
	}
	return uint64(p.pid)
}

// tellIDs puts a new process's id where its parent and itself want to find it.
func (s *Server) tellIDs(t *task, p *process, flags, parentTID, childTID uint64) {
	id := le32(uint32(p.pid))
	if flags&abi.CLONE_PARENT_SETTID != 0 {
		s.put(t, parentTID, id)
	}
	if flags&abi.CLONE_CHILD_SETTID != 0 {
		s.procs.WriteTo(p.pid, childTID, id)
	}
	if flags&abi.CLONE_PIDFD != 0 {
		if fd := s.enter(t, s.newPidfd(p, 0), abi.O_CLOEXEC); int64(fd) >= 0 {
			s.put(t, parentTID, le32(uint32(fd)))
		}
	}
}

func le32(v uint32) []byte { return []byte{byte(v), byte(v >> 8), byte(v >> 16), byte(v >> 24)} }

// newChild makes a process of who calls. An id that a zombie still has isn't given: the process that got it ends.
func (s *Server) newChild(t *task, q *abi.ProcessClone, flags uint64) (*process, abi.Errno) {
	s.badge++
	q.Badge = s.badge
	pid, e := s.procs.Clone(t.Token, q)
	if e == 0 && s.taken(pid) {
		twice := pid
		s.badge++
		q.Badge = s.badge
		pid, e = s.procs.Clone(t.Token, q)
		s.post(twice, 0, abi.SIGKILL, nil)
		if e == 0 && s.taken(pid) {
			s.post(pid, 0, abi.SIGKILL, nil)
			e = abi.EAGAIN
		}
	}
	switch e {
	case 0:
	case abi.EDQUOT, abi.ENOSPC:
		return nil, abi.EAGAIN
	default:
		return nil, e
	}
	o := t.p
	p := &process{badge: q.Badge, pid: pid, name: o.name, exe: o.exe, file: o.file, view: o.view, who: o.who}
	p.args, p.env, p.pgid, p.sid, p.noTerminal, p.limits = o.args, o.env, o.pgid, o.sid, o.noTerminal, o.limits
	p.image, p.mapped, p.born = o.image, slices.Clone(o.mapped), s.kernel.Now()
	if p.table = o.table; flags&abi.CLONE_FILES != 0 {
		p.table.sharers++
	} else {
		p.table = o.table.copy()
	}
	if flags&abi.CLONE_FS != 0 {
		p.sharePlaces(o)
	}
	s.processes[p.badge], s.byPID[pid] = p, p
	s.adoptChild(o, p)
	s.watchCPU(p)
	return p, 0
}

// taken reports whether an id names something still.
func (s *Server) taken(pid int32) bool { return s.byPID[pid] != nil || s.groupExists(pid, 0) }

// adoptChild makes a process the parent of another.
func (s *Server) adoptChild(parent, p *process) {
	if old := p.parent; old != nil {
		i := slices.Index(old.children, p)
		old.children = slices.Delete(old.children, i, i+1)
	}
	p.parent = parent
	parent.children = append(parent.children, p)
}

// undoChild ends a process that never ran, and of which nobody knows.
func (s *Server) undoChild(p *process) {
	s.post(p.pid, 0, abi.SIGKILL, nil)
	s.leave(p)
	s.forgetProcess(p)
}
