// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"encoding/binary"

	"loam/abi"
	"loam/user/linux/lx"
	"loam/user/linux/poll"
	"loam/user/linux/socket"
)

// What unix sockets answer (socketFile).

// failing is nothing: who has received something and waits for more takes an error away, as on Linux.
func (f *unixFile) failing() bool { return false }

func (f *unixFile) kind() socket.Kind { return f.Kind }

func (f *unixFile) bind(s *Server, t *task, a []byte) abi.Errno {
	if len(a) == familySize && binary.LittleEndian.Uint16(a) == familyUnix {
		return s.bind(t, f, "")
	}
	name, e := unixName(a)
	if e != 0 {
		return e
	}
	return s.bind(t, f, name)
}

func (f *unixFile) listen(t *task, backlog int32) abi.Errno {
	return f.Listen(backlog, t.p.credentials())
}

func (f *unixFile) connect(s *Server, t *task, open *file, a []byte) uint64 {
	if f.Kind == socket.Datagram && len(a) >= familySize && binary.LittleEndian.Uint16(a) == 0 {
		return fail(f.ConnectDatagram(nil))
	}
	name, e := unixName(a)
	if e != 0 {
		return fail(e)
	}
	to, e := s.named(t, f.Kind, name)
	if e != 0 {
		return fail(e)
	}
	if f.Kind == socket.Datagram {
		return fail(f.ConnectDatagram(to.Socket))
	}
	if e = f.Connect(to.Socket, t.p.credentials()); e == lx.Wait {
		return s.sleep(t, open, sending, false, to.Room())
	}
	return fail(e)
}

func (f *unixFile) accept(s *Server) (socketFile, abi.Errno) {
	c, e := f.Accept()
	if e != 0 {
		return nil, e
	}
	return s.unixFile(c), 0
}

func (f *unixFile) name() []byte { return unixAddress(f.Name) }

func (f *unixFile) peer(accepted bool) ([]byte, abi.Errno) {
	name, ok := f.PeerName()
	if !ok && !accepted {
		return nil, abi.ENOTCONN
	}
	return unixAddress(name), 0
}

func (f *unixFile) shutdown(bits uint8) abi.Errno {
	f.Shutdown(bits)
	return 0
}

func (f *unixFile) roomElsewhere() *poll.Queue {
	if to := f.To(); to != nil {
		return to.Room()
	}
	return nil
}

func (f *unixFile) transmit(s *Server, t *task, b *span, flags uint32, h *msgHead) (int, *poll.Queue, abi.Errno) {
	m := socket.Sent{Cred: t.p.sender()}
	if e := s.envelope(t, f, h, flags, b.Len(), &m); e != 0 {
		return 0, nil, e
	}
	if t.w != nil && t.w.done > 0 {
		m.Rights = nil
	}
	n, e := f.Send(b, m)
	if e == 0 || n > 0 {
		for _, r := range m.Rights {
			r.(*file).refs++
			s.flying++
		}
	}
	if m.To != nil {
		return n, m.To.Room(), e
	}
	return n, nil, e
}

// envelope finds out what goes with a message of n bytes, and where it goes to, in Linux's order.
func (s *Server) envelope(t *task, k *unixFile, h *msgHead, flags uint32, n int, m *socket.Sent) abi.Errno {
	var name string
	bad := abi.Errno(0)
	if h.nameLen > 0 {
		a, e := s.getAddress(t, h.name, uint64(h.nameLen))
		if e != 0 {
			return e
		}
		name, bad = unixName(a)
	}
	if e := k.Ready(); e != 0 {
		return e
	}
	if e := s.control(t, h, m); e != 0 {
		return e
	}
	switch {
	case flags&msgOOB != 0:
		return abi.ENOTSUP
	case h.nameLen == 0 || k.Kind == socket.Packet:
		return k.MaySend(n)
	case k.Kind == socket.Stream && k.Connected():
		return abi.EISCONN
	case k.Kind == socket.Stream:
		return abi.ENOTSUP
	case bad != 0:
		return bad
	}
	if e := k.MaySend(n); e != 0 {
		return e
	}
	to, e := s.named(t, k.Kind, name)
	if e == 0 {
		m.To = to.Socket
	}
	return e
}

// control reads what goes with a message beside its bytes.
func (s *Server) control(t *task, h *msgHead, m *socket.Sent) abi.Errno {
	return s.eachControl(t, h, func(level, kind uint32, b []byte) abi.Errno {
		if level != levelSocket {
			return 0
		}
		return s.controlItem(t, kind, b, m)
	})
}

func (s *Server) controlItem(t *task, kind uint32, b []byte, m *socket.Sent) abi.Errno {
	le := binary.LittleEndian
	switch kind {
	case scmRights:
		if len(b)/4 > mostRights-len(m.Rights) {
			return abi.EINVAL
		}
		for ; len(b) >= 4; b = b[4:] {
			f := t.p.table.Get(int32(le.Uint32(b)))
			if f == nil {
				return abi.EBADF
			}
			m.Rights = append(m.Rights, f)
		}
		if s.flying+len(m.Rights) > mostFlying {
			return abi.ETOOMANYREFS
		}
	case scmCredentials:
		if len(b) != credSize {
			return abi.EINVAL
		}
		m.Cred = socket.Credentials{PID: int32(le.Uint32(b)), UID: le.Uint32(b[4:]), GID: le.Uint32(b[8:])}
		if !t.p.maySay(m.Cred) {
			return abi.EPERM
		}
	default:
		return abi.EINVAL
	}
	return 0
}

func (f *unixFile) receive(b lx.Buffer, flags uint32) (int, arrived, abi.Errno) {
	if flags&msgOOB != 0 {
		if f.Kind == socket.Stream {
			return 0, arrived{}, abi.EINVAL
		}
		return 0, arrived{}, abi.ENOTSUP
	}
	n, r, e := f.Receive(b, flags&msgPeek != 0)
	a := arrived{Received: r}
	if r.From != "" {
		a.from = unixAddress(r.From)
	}
	return n, a, e
}

// controls has files and who sent them.
func (f *unixFile) controls(s *Server, t *task, c *controlWriter, r *arrived, flags uint32) {
	if f.passCred {
		le, w := binary.LittleEndian, r.Cred
		c.write(levelSocket, scmCredentials, le.AppendUint32(le.AppendUint32(le.AppendUint32(nil, uint32(w.PID)), w.UID), w.GID))
	}
	if len(r.Rights) > 0 {
		s.deliverFiles(t, c, r.Rights, flags)
	}
}

// deliverFiles gives the receiver descriptors for files, as many as there is room for.
func (s *Server) deliverFiles(t *task, c *controlWriter, rights []any, flags uint32) {
	fits := 0
	if c.room > cmsgSize {
		fits = int((c.room - cmsgSize) / 4)
	}
	var fds []byte
	peek := flags&msgPeek != 0
	for i, x := range rights {
		f := x.(*file)
		fd, ok := int32(0), false
		if i < fits {
			fd, ok = t.p.table.Add(f, 0, flags&msgCloseExec != 0)
		}
		if !ok {
			c.told |= msgCTrunc
			if !peek {
				s.discard(rights[i:])
			}
			break
		}
		if peek {
			f.refs++
		} else {
			s.flying--
		}
		fds = binary.LittleEndian.AppendUint32(fds, uint32(fd))
	}
	if len(fds) > 0 {
		c.write(levelSocket, scmRights, fds)
	}
}

func (f *unixFile) ioctl(s *Server, t *task, request uint32, arg uint64) uint64 {
	if request == lx.TIOCOUTQ && !f.Listening() {
		return s.put(t, arg, binary.LittleEndian.AppendUint32(nil, uint32(f.Unsent())))
	}
	return s.interfaceIoctl(t, request, arg)
}
