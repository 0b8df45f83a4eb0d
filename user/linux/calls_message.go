// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"encoding/binary"

	"loam/abi"
	"loam/user/linux/inet"
	"loam/user/linux/lx"
	"loam/user/linux/socket"
)

// Flags of send(2) and recv(2).
const (
	msgOOB       = 0x1
	msgPeek      = 0x2
	msgCTrunc    = 0x8
	msgTrunc     = 0x20
	msgDontWait  = 0x40
	msgWaitAll   = 0x100
	msgNoSignal  = 0x4000
	msgCloseExec = 0x4000_0000
)

// Places of struct msghdr, and its size.
const (
	headName       = 0
	headNameLen    = 8
	headIovec      = 16
	headIovecs     = 24
	headControl    = 32
	headControlLen = 40
	headFlags      = 48
	headSize       = 56
	headMany       = 64 // struct mmsghdr, with the number of bytes behind the head
)

// msgHead is a struct msghdr.
type msgHead struct {
	addr                         uint64 // where it is
	name, iovec, iovecs, control uint64
	nameLen                      uint32
	controlLen                   uint64
}

// head reads one.
func (s *Server) head(t *task, addr uint64) (h msgHead, e abi.Errno) {
	b := s.scratch[:headSize]
	if !s.get(t, addr, b) {
		return h, abi.EFAULT
	}
	le := binary.LittleEndian
	h = msgHead{addr: addr, name: le.Uint64(b[headName:]), nameLen: le.Uint32(b[headNameLen:]), iovec: le.Uint64(b[headIovec:]),
		iovecs: le.Uint64(b[headIovecs:]), control: le.Uint64(b[headControl:]), controlLen: le.Uint64(b[headControlLen:])}
	switch {
	case int32(h.nameLen) < 0:
		return h, abi.EINVAL
	case h.iovecs > abi.IOV_MAX:
		return h, abi.EMSGSIZE
	}
	if h.name == 0 {
		h.nameLen = 0
	}
	h.nameLen = min(h.nameLen, mostAddress)
	return h, 0
}

// sysSendto: socket, buffer, length, flags, address, its length.
func sysSendto(s *Server, t *task) uint64 {
	f, k, e := s.socketOf(t, t.Args[0])
	if e != 0 {
		return fail(e)
	}
	h := msgHead{name: t.Args[4], nameLen: uint32(t.Args[5])}
	if h.name == 0 {
		h.nameLen = 0
	}
	return s.send(t, f, k, s.one(t, t.Args[1], t.Args[2]), uint32(t.Args[3]), &h)
}

// sysSendmsg: socket, message, flags.
func sysSendmsg(s *Server, t *task) uint64 { return s.sendOne(t, t.Args[1], uint32(t.Args[2])) }

func (s *Server) sendOne(t *task, addr uint64, flags uint32) uint64 {
	m, e := s.message(t, addr)
	if e != 0 {
		return fail(e)
	}
	return s.send(t, m.f, m.k, m.b, flags, &m.h)
}

// message is what sendmsg(2) and recvmsg(2) are about.
type message struct {
	f *file
	k socketFile
	h msgHead
	b *span
}

// message finds the socket of a call, and reads the message's head at addr.
func (s *Server) message(t *task, addr uint64) (m message, e abi.Errno) {
	if m.f, m.k, e = s.socketOf(t, t.Args[0]); e != 0 {
		return m, e
	}
	if m.h, e = s.head(t, addr); e != 0 {
		return m, e
	}
	m.b, e = s.several(t, m.h.iovec, m.h.iovecs)
	return m, e
}

// send sends a message, and waits for room as often as it must.
func (s *Server) send(t *task, f *file, k socketFile, b *span, flags uint32, h *msgHead) uint64 {
	done := 0
	if t.w != nil {
		done = t.w.done
		b.skip(done)
	}
	n, also, e := k.transmit(s, t, b, flags, h)
	done += n
	switch {
	case e == inet.Unknown:
		return s.waitForNetwork(t, f)
	case e == lx.Wait:
		r := s.sleep(t, f, sending, flags&msgDontWait != 0, also)
		switch {
		case r == blocked:
			t.w.done = done
		case done > 0:
			return uint64(done)
		}
		return r
	case done > 0 || e == 0:
		return uint64(done)
	case e == abi.EPIPE && flags&msgNoSignal == 0 && k.kind() == socket.Stream:
		s.kernel.Signal(t.Token, abi.SIGPIPE)
	}
	return fail(e)
}

// Control messages: struct cmsghdr is a length, a level and a type.
const (
	cmsgSize       = 16
	scmRights      = 1
	scmCredentials = 2
	credSize       = 12
	mostRights     = 253
	mostControl    = 20_480 // net.core.optmem_max
	mostFlying     = 1 << 14
)

// eachControl gives what goes with a message beside its bytes, until f refuses.
func (s *Server) eachControl(t *task, h *msgHead, f func(level, kind uint32, b []byte) abi.Errno) abi.Errno {
	switch {
	case h.controlLen == 0:
		return 0
	case h.controlLen > mostControl:
		return abi.ENOBUFS
	case h.controlLen < cmsgSize:
		return 0
	}
	b := make([]byte, h.controlLen)
	if !s.get(t, h.control, b) {
		return abi.EFAULT
	}
	le := binary.LittleEndian
	for len(b) >= cmsgSize {
		n := le.Uint64(b)
		if n < cmsgSize || n > uint64(len(b)) {
			return abi.EINVAL
		}
		if e := f(le.Uint32(b[8:]), le.Uint32(b[12:]), b[cmsgSize:n]); e != 0 {
			return e
		}
		b = b[min((n+7)&^7, uint64(len(b))):]
	}
	return 0
}

// controlWriter writes control messages to where there is room for them.
type controlWriter struct {
	s    *Server
	t    *task
	to   uint64
	room uint64
	told uint32 // msgCTrunc: there was too little
}

func (c *controlWriter) write(level, kind uint32, data []byte) {
	if c.room < cmsgSize {
		c.told |= msgCTrunc
		return
	}
	n := cmsgSize + uint64(len(data))
	if n > c.room {
		c.told |= msgCTrunc
		n = c.room
	}
	le := binary.LittleEndian
	b := le.AppendUint32(le.AppendUint32(le.AppendUint64(nil, n), level), kind)
	b = append(b, data...)
	c.s.put(c.t, c.to, b[:n])
	n = min((n+7)&^7, c.room)
	c.to, c.room = c.to+n, c.room-n
}
