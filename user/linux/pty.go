// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"loam/abi"
	"loam/user/linux/lx"
	"loam/user/linux/tty"
	"loam/user/linux/vfs"
)

// Pseudo terminals (pty(7)): the ends that programs have open. What is between them is package tty's.

// maxPtys is how many there are at most (kernel.pty.max).
const maxPtys = 4096

// pty is a pseudo terminal. Its number is its own until neither end is open.
type pty struct {
	number        int
	master, slave *tty.Line
	node          *ptsNode // of the slave; it has a name as long as the master is open
	open          bool     // the master is
	slaves        int      // how often the slave is open
	locked        bool     // it can't be opened (TIOCSPTLCK)
	exclusive     bool     // it can't be opened again (TIOCEXCL)
	size          [abi.WinsizeSize]byte
	control       controlling
}

// ptyFile is an end that somebody has open.
type ptyFile struct {
	*tty.Line
	s      *Server
	pty    *pty
	master bool
}

// newPty makes one, locked, and gives its master.
func (s *Server) newPty() (*ptyFile, abi.Errno) {
	number := s.firstPty()
	for s.ptys[number] != nil {
		number++
	}
	if len(s.ptys) >= maxPtys {
		return nil, abi.ENOSPC
	}
	p := &pty{number: number, open: true, locked: true}
	p.master, p.slave = tty.New()
	p.slave.Signal = func(signal abi.Signal) { s.signalTerminal(p, signal) }
	p.node = newPtsNode(s, p)
	s.ptys[number] = p
	return &ptyFile{Line: p.master, s: s, pty: p, master: true}, 0
}

// signalTerminal sends a signal to the processes in the foreground of a terminal.
func (s *Server) signalTerminal(p *pty, signal abi.Signal) {
	if p.control.group != 0 && s.procs != nil {
		s.sendGroup(p.control.group, signal)
	}
}

// openSlave opens the other end for who calls, which becomes its terminal unless it has one.
func (s *Server) openSlave(p *pty, flags uint32) (vfs.Open, abi.Errno) {
	switch q := s.current.p; {
	case !p.open || p.locked:
		return nil, abi.EIO
	case p.exclusive && !q.who.caps.have(capSysAdmin):
		return nil, abi.EBUSY
	case flags&abi.O_NOCTTY == 0 && flags&abi.O_ACCMODE != abi.O_WRONLY && q.sid == q.pid && p.control.session == 0 && s.terminalOf(q) == nil:
		p.control = controlling{session: q.sid, group: q.pgid}
	}
	p.slaves++
	p.slave.Opened()
	return &devOpen{d: &ptyFile{Line: p.slave, s: s, pty: p}}, 0
}

func (f *ptyFile) read(_ *Server, b lx.Buffer) (int, abi.Errno)  { return f.Read(b, 0) }
func (f *ptyFile) write(_ *Server, b lx.Buffer) (int, abi.Errno) { return f.Write(b) }
func (f *ptyFile) again(uint32) (device, abi.Errno)              { return nil, abi.ENXIO } // it has a node with a name

func (f *ptyFile) stat(st *abi.Stat) { _, _ = f.pty.node.Stat(nil, st) }

// close has who is at the other end hear of it, if it was the last.
func (f *ptyFile) close() {
	p := f.pty
	if f.master {
		p.open = false
		p.master.HangUp()
		f.s.loseTerminal(&p.control)
	} else if p.slaves--; p.slaves == 0 && p.open {
		p.slave.Closed()
	}
	if !p.open && p.slaves == 0 {
		delete(f.s.ptys, p.number)
	}
}

// readTerminal is read(2) of a terminal: only in the foreground, and for as long as its attributes say.
func (s *Server) readTerminal(t *task, f *file, d *ptyFile, b *span) uint64 {
	switch {
	case d.Hung() && t.w == nil: // who waited hears of an error
		return 0
	case !d.master && !d.Hung():
		if waits, e := s.takeForeground(t, &d.pty.control, abi.SIGTTIN); waits {
			return blocked
		} else if e != 0 {
			return fail(e)
		}
	}
	done := 0
	if t.w != nil {
		done = t.w.done
		b.skip(done)
	}
	n, e := d.Read(b, done)
	done += n
	patience := d.Patience(done)
	switch {
	case e != lx.Wait:
		if done > 0 {
			return uint64(done)
		}
		return count(0, e)
	case patience == 0 || t.w != nil && t.w.expired:
		return uint64(done)
	case f.nonblock():
		if done > 0 {
			return uint64(done)
		}
		return abi.EAGAIN.Result()
	}
	until := int64(never)
	if patience != tty.Never {
		until = s.kernel.Now() + patience
	}
	t.hold(f)
	begun := t.w != nil
	s.wait(t, until, true, d.Queue())
	if t.w.done = done; begun && n > 0 { // the time begins anew with each byte
		t.w.limit(until)
	}
	return blocked
}

// mayWriteTerminal has who writes in the background stop, if the terminal wants that. ok: the write goes on.
func (s *Server) mayWriteTerminal(t *task, f *file) (result uint64, ok bool) {
	d, is := f.dev.(*ptyFile)
	if !is || d.master || !d.StopsBackground() || d.Hung() {
		return 0, true
	}
	if waits, e := s.takeForeground(t, &d.pty.control, abi.SIGTTOU); waits {
		return blocked, false
	} else if e != 0 {
		return fail(e), false
	}
	return 0, true
}
