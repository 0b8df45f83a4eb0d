// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"encoding/binary"
	"fmt"
	"strings"

	"loam/abi"
	"loam/user/linux/lx"
	"loam/user/linux/poll"
)

// Descriptors of signals (signalfd(2)). What is pending the kernel knows; it has news when something becomes so
// for a process that has ever asked. As on Linux such a file has no signals of its own: whoever reads or polls
// it has those of his own thread and process.

// signalFile is one.
type signalFile struct {
	anonymous
	s    *Server
	mask abi.Sigset // signals that it is for
}

// Layout of a struct signalfd_siginfo.
const (
	signalfdSize = 128
	sfdSigno     = 0
	sfdErrno     = 4
	sfdCode      = 8
	sfdPID       = 12
	sfdUID       = 16
	sfdFD        = 20
	sfdTID       = 24
	sfdBand      = 28
	sfdOverrun   = 32
	sfdStatus    = 40
	sfdInt       = 44
	sfdPtr       = 48
	sfdAddr      = 72
)

// neverFiled are signals that no file is for.
const neverFiled = 1<<(abi.SIGKILL-1) | 1<<(abi.SIGSTOP-1)

// Queue is for poll.File: that of the process that asks.
func (f *signalFile) Queue() *poll.Queue { return &f.s.current.p.signalled }

// Events is for poll.File.
func (f *signalFile) Events() uint32 {
	var q abi.ProcessSignals
	if f.ask(&q); (q.Own|q.Shared)&f.mask != 0 {
		return abi.EPOLLIN
	}
	return 0
}

// ask asks about the signals of who makes the call that is handled, and sees to it that there is news of the
// file's from now on.
func (f *signalFile) ask(q *abi.ProcessSignals) {
	t := f.s.current
	if f.s.procs == nil {
		return
	}
	q.Watch = f.mask &^ t.p.watched
	if f.s.procs.Signals(t.p.pid, t.tid(), q) == 0 {
		t.p.watched |= q.Watch
	}
}

func (f *signalFile) read(s *Server, b lx.Buffer) (done int, e abi.Errno) {
	if b.Len() < signalfdSize {
		return 0, abi.EINVAL
	}
	for b.Len() >= signalfdSize {
		q := abi.ProcessSignals{Take: f.mask}
		if f.ask(&q); q.Info.Signo == 0 {
			break
		}
		if i := &q.Info; (i.Code == abi.SI_USER || i.Code == abi.SI_TKILL) && i.PID() == uint32(s.current.p.pid) {
			*i = abi.SentInfo(i.Signo, i.Code, i.PID(), s.current.p.who.user.real) // the kernel, which sent it, knows of no users
		}
		p := s.scratch[:signalfdSize]
		putSignalfd(p, q.Info)
		if _, e := b.Put(p); e != 0 { // the signal is gone, as on Linux
			if done > 0 {
				return done, 0
			}
			return 0, e
		}
		done += signalfdSize
	}
	if done == 0 {
		return 0, lx.Wait
	}
	return done, 0
}

func (f *signalFile) write(*Server, lx.Buffer) (int, abi.Errno) { return 0, abi.EINVAL }
func (f *signalFile) close()                                    {}

func (f *signalFile) info(b *strings.Builder) { fmt.Fprintf(b, "sigmask:\t%016x\n", uint64(f.mask)) }

// putSignalfd writes a signal's information as a struct signalfd_siginfo.
func putSignalfd(b []byte, i abi.Siginfo) {
	clear(b)
	put := func(at int, v uint32) { binary.LittleEndian.PutUint32(b[at:], v) }
	put(sfdSigno, uint32(i.Signo))
	put(sfdErrno, uint32(i.Errno))
	put(sfdCode, uint32(i.Code))
	sender := func() {
		put(sfdPID, i.PID())
		put(sfdUID, i.UID())
	}
	fault := i.Code > 0 && i.Code < abi.SI_KERNEL // what caused a signal of the kernel's depends on which it is
	switch {
	case fault && i.Signo == abi.SIGCHLD:
		sender()
		put(sfdStatus, uint32(i.B))
	case fault && faults.Has(i.Signo):
		binary.LittleEndian.PutUint64(b[sfdAddr:], i.A)
	case fault && i.Code <= mostPollCode:
		put(sfdBand, uint32(i.A))
		put(sfdFD, uint32(i.B))
	case i.Code == abi.SI_TIMER:
		put(sfdTID, uint32(i.A))
		put(sfdOverrun, uint32(i.A>>32))
		put(sfdInt, uint32(i.B))
		binary.LittleEndian.PutUint64(b[sfdPtr:], i.B)
	case i.Code < 0:
		sender()
		put(sfdInt, uint32(i.B))
		binary.LittleEndian.PutUint64(b[sfdPtr:], i.B)
	default:
		sender()
	}
}

// mostPollCode is the highest code that says what a file is ready for: of any signal that has no codes of its own.
const mostPollCode = 6

// faults are signals that an instruction causes.
const faults = abi.Sigset(1<<(abi.SIGILL-1) | 1<<(abi.SIGFPE-1) | 1<<(abi.SIGSEGV-1) | 1<<(abi.SIGBUS-1) | 1<<(abi.SIGTRAP-1))

// sysSignalfd: descriptor or -1, mask, its size.
func sysSignalfd(s *Server, t *task) uint64 { return s.signalfd(t, 0) }

// sysSignalfd4: descriptor or -1, mask, its size, flags.
func sysSignalfd4(s *Server, t *task) uint64 { return s.signalfd(t, uint32(t.Args[3])) }

func (s *Server) signalfd(t *task, flags uint32) uint64 {
	if t.Args[2] != abi.SigsetSize {
		return abi.EINVAL.Result()
	}
	b := s.scratch[:abi.SigsetSize]
	if !s.get(t, t.Args[1], b) {
		return abi.EFAULT.Result()
	}
	if flags&^(abi.O_CLOEXEC|abi.O_NONBLOCK) != 0 {
		return abi.EINVAL.Result()
	}
	mask := abi.Sigset(binary.LittleEndian.Uint64(b)) &^ neverFiled
	if int32(t.Args[0]) == -1 {
		return s.enter(t, s.newDevice(&signalFile{s: s, mask: mask}, flags&abi.O_NONBLOCK|abi.O_RDWR), uint64(flags))
	}
	f, e := deviceOf[*signalFile](s, t)
	if e != 0 {
		return fail(e)
	}
	f.mask = mask
	t.p.signalled.Tell(abi.EPOLLIN)
	return uint64(uint32(t.Args[0]))
}
