// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"encoding/binary"

	"loam/abi"
	"loam/user/linux/lx"
	"loam/user/linux/vfs"
)

// What ioctl(2) does with pseudo terminals (ioctl_tty(2)).

// ioctl does a request. What is about the terminal means the slave, also if the master is asked.
func (f *ptyFile) ioctl(s *Server, t *task, request uint32, arg uint64) uint64 {
	p := f.pty
	switch {
	case f.Hung() && request == lx.TIOCSPGRP:
		return abi.ENOTTY.Result()
	case f.Hung():
		return abi.EIO.Result()
	case request == lx.TIOCGPTPEER:
		if !f.master {
			return abi.EIO.Result()
		}
		return s.openPeer(t, p, arg)
	}
	if f.master {
		if result, ok := f.masterIoctl(s, t, request, arg); ok {
			return result
		}
	}
	if result, ok := s.jobControl(t, &p.control, f.master, request, arg); ok {
		return result
	}
	if result, ok := f.attributes(s, t, request, arg); ok {
		return result
	}
	return f.flow(s, t, request, arg)
}

// masterIoctl does what only a master has; ok is false for other requests.
func (f *ptyFile) masterIoctl(s *Server, t *task, request uint32, arg uint64) (result uint64, ok bool) {
	p := f.pty
	switch request {
	case lx.TIOCGPTN:
		return s.put(t, arg, le32(uint32(p.number))), true
	case lx.TIOCGPTLCK:
		return s.put(t, arg, flag32(p.locked)), true
	case lx.TIOCGPKT:
		return s.put(t, arg, flag32(f.Packet())), true
	case lx.TIOCSPTLCK, lx.TIOCPKT:
		v, e := s.int32At(t, arg)
		if e != 0 {
			return fail(e), true
		}
		if request == lx.TIOCSPTLCK {
			p.locked = v != 0
		} else {
			f.SetPacket(v != 0)
		}
		return 0, true
	case lx.TIOCSIG:
		switch signal := abi.Signal(int32(arg)); signal {
		case abi.SIGINT, abi.SIGQUIT, abi.SIGTSTP:
			s.signalTerminal(p, signal)
			return 0, true
		}
		return abi.EINVAL.Result(), true
	}
	return 0, false
}

func flag32(v bool) []byte {
	if v {
		return le32(1)
	}
	return le32(0)
}

// int32At reads a number.
func (s *Server) int32At(t *task, addr uint64) (int32, abi.Errno) {
	b := s.scratch[:4]
	if !s.get(t, addr, b) {
		return 0, abi.EFAULT
	}
	return int32(binary.LittleEndian.Uint32(b)), 0
}

// openPeer opens the slave, by whatever name it has.
func (s *Server) openPeer(t *task, p *pty, flags uint64) uint64 {
	if !t.p.table.Free() {
		return abi.EMFILE.Result()
	}
	o, e := s.openSlave(p, uint32(flags))
	if e != 0 {
		return fail(e)
	}
	f := &file{dev: o.(*devOpen).d, flags: uint32(flags)&lx.O_FILE | abi.O_LARGEFILE, path: vfs.Path{Mount: s.ptsMount, Node: p.node}, dir: s.ptsMount.Root, leaf: itoa(int32(p.number))}
	f.setAttributes()
	return s.enter(t, f, flags)
}

// attributes does what is about the terminal's attributes and size; ok is false for other requests.
func (f *ptyFile) attributes(s *Server, t *task, request uint32, arg uint64) (result uint64, ok bool) {
	slave := f.pty.slave
	switch request {
	case abi.TCGETS, lx.TCGETS2:
		a := slave.Attributes()
		b := putTermios(&a)
		if request == lx.TCGETS2 {
			b = binary.LittleEndian.AppendUint32(b, a.InputSpeed)
			b = binary.LittleEndian.AppendUint32(b, a.OutputSpeed)
		}
		return s.put(t, arg, b), true
	case lx.TCSETS, lx.TCSETSW, lx.TCSETSF:
		return f.setAttributes(s, t, arg, false, request == lx.TCSETSF), true
	case lx.TCSETS2, lx.TCSETSW2, lx.TCSETSF2:
		return f.setAttributes(s, t, arg, true, request == lx.TCSETSF2), true
	case abi.TIOCGWINSZ:
		return s.put(t, arg, f.pty.size[:]), true
	case lx.TIOCSWINSZ:
		b := s.scratch[:abi.WinsizeSize]
		if !s.get(t, arg, b) {
			return abi.EFAULT.Result(), true
		}
		if size := [abi.WinsizeSize]byte(b); size != f.pty.size {
			f.pty.size = size
			s.signalTerminal(f.pty, abi.SIGWINCH)
		}
		return 0, true
	}
	return 0, false
}

// setAttributes is tcsetattr(3). Nothing that was written is on its way.
func (f *ptyFile) setAttributes(s *Server, t *task, arg uint64, speeds, flush bool) uint64 {
	if result, ok := f.mayChange(s, t); !ok {
		return result
	}
	n := termiosSize
	if speeds {
		n += 8
	}
	b := s.scratch[:n]
	if !s.get(t, arg, b) {
		return abi.EFAULT.Result()
	}
	old := f.pty.slave.Attributes()
	a := getTermios(b)
	a.InputSpeed, a.OutputSpeed = old.InputSpeed, old.OutputSpeed
	if speeds {
		a.InputSpeed, a.OutputSpeed = binary.LittleEndian.Uint32(b[termiosSize:]), binary.LittleEndian.Uint32(b[termiosSize+4:])
	}
	f.pty.slave.SetAttributes(a, flush)
	return 0
}

// mayChange has who is in the background stop that changes the terminal.
func (f *ptyFile) mayChange(s *Server, t *task) (result uint64, ok bool) {
	if waits, e := s.takeForeground(t, &f.pty.control, abi.SIGTTOU); waits {
		return blocked, false
	} else if e != 0 {
		return fail(e), false
	}
	return 0, true
}

// flow does what is about what is on its way, and what means nothing.
func (f *ptyFile) flow(s *Server, t *task, request uint32, arg uint64) uint64 {
	switch request {
	case lx.TCXONC, lx.TCFLSH, lx.TCSBRK, lx.TCSBRKP:
		if result, ok := f.mayChange(s, t); !ok {
			return result
		}
		return f.control(request, arg)
	case lx.TIOCOUTQ:
		return s.put(t, arg, le32(0))
	case lx.TIOCGETD:
		return s.put(t, arg, le32(0))
	case lx.TIOCSETD:
		v, e := s.int32At(t, arg)
		if e == 0 && v != 0 {
			e = abi.EINVAL
		}
		return fail(e)
	case lx.TIOCEXCL, lx.TIOCNXCL:
		f.pty.exclusive = request == lx.TIOCEXCL
		return 0
	case lx.TIOCGEXCL:
		return s.put(t, arg, flag32(f.pty.exclusive))
	case lx.TIOCGDEV:
		return s.put(t, arg, le32(uint32(lx.Device(ptsMajor, uint32(f.pty.number)))))
	}
	return abi.ENOTTY.Result()
}

// control stops output or has it go on, and throws away what is on its way.
func (f *ptyFile) control(request uint32, arg uint64) uint64 {
	if request == lx.TCSBRK || request == lx.TCSBRKP {
		return 0
	}
	if int32(arg) < 0 || int32(arg) > 3 || request == lx.TCFLSH && int32(arg) == 3 {
		return abi.EINVAL.Result()
	}
	if request == lx.TCXONC {
		[]func(){f.Stop, f.Start, func() { f.Type(true) }, func() { f.Type(false) }}[arg]()
		return 0
	}
	if arg != 1 {
		f.FlushInput()
	}
	if arg != 0 {
		f.FlushOutput()
	}
	return 0
}
