// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"encoding/binary"

	"loam/abi"
	"loam/user/linux/lx"
	"loam/user/linux/socket"
)

// sysRecvfrom: socket, buffer, length, flags, room for the address, its length.
func sysRecvfrom(s *Server, t *task) uint64 {
	f, k, e := s.socketOf(t, t.Args[0])
	if e != 0 {
		return fail(e)
	}
	n, r, result := s.receive(t, f, k, s.one(t, t.Args[1], t.Args[2]), uint32(t.Args[3]))
	if result != 0 {
		return result
	}
	if uint32(t.Args[3])&msgPeek == 0 {
		s.discard(r.Rights)
	}
	if t.Args[4] != 0 {
		if bad := s.putBytes(t, r.from, t.Args[4], t.Args[5]); bad != 0 {
			return bad
		}
	}
	return uint64(n)
}

// receive receives a message, and waits for one. A result other than 0 is that of the call.
func (s *Server) receive(t *task, f *file, k socketFile, b *span, flags uint32) (int, arrived, uint64) {
	done := 0
	if t.w != nil {
		done = t.w.done
		b.skip(done)
	}
	all := flags&msgWaitAll != 0 && k.kind() == socket.Stream && flags&msgPeek == 0
	var from []byte
	for {
		if done > 0 && k.failing() { // the next call is told
			return done, arrived{from: from}, 0
		}
		n, r, e := k.receive(b, flags)
		if done == 0 {
			from = r.from
		}
		r.from = from
		done += n
		switch {
		case e == lx.Wait:
			if result := s.sleep(t, f, receiving, flags&msgDontWait != 0, nil); result == blocked {
				t.w.done = done
				return 0, r, blocked
			} else if done == 0 && result != 0 {
				return 0, r, result
			}
			return done, r, 0
		case e != 0 && done == 0:
			return 0, r, fail(e)
		case e != 0 || n == 0 || !all || b.Len() == 0 || len(r.Rights) > 0:
			if k.kind() != socket.Stream && flags&msgTrunc != 0 {
				done = r.Size
			}
			return done, r, 0
		}
	}
}

// sysRecvmsg: socket, message, flags.
func sysRecvmsg(s *Server, t *task) uint64 { return s.receiveOne(t, t.Args[1], uint32(t.Args[2])) }

func (s *Server) receiveOne(t *task, addr uint64, flags uint32) uint64 {
	m, e := s.message(t, addr)
	if e != 0 {
		return fail(e)
	}
	h := &m.h
	n, r, result := s.receive(t, m.f, m.k, m.b, flags)
	if result != 0 {
		return result
	}
	told := flags & msgCloseExec
	if m.k.kind() != socket.Stream && r.Size > 0 && !r.Whole {
		told |= msgTrunc
	}
	c := controlWriter{s: s, t: t, to: h.control, room: h.controlLen}
	m.k.controls(s, t, &c, &r, flags)
	told |= c.told
	if h.name != 0 {
		if bad := s.putBytes(t, r.from, h.name, addr+headNameLen); bad != 0 {
			return bad
		}
	}
	tail := s.scratch[:16]
	binary.LittleEndian.PutUint64(tail, h.controlLen-c.room)
	binary.LittleEndian.PutUint64(tail[8:], 0)
	binary.LittleEndian.PutUint32(tail[8:], told)
	if bad := s.put(t, addr+headControlLen, tail[:headFlags+4-headControlLen]); bad != 0 {
		return bad
	}
	return uint64(n)
}

// sysSendmmsg: socket, messages, how many, flags.
func sysSendmmsg(s *Server, t *task) uint64 {
	return s.many(t, func(addr uint64, first bool) uint64 {
		flags := uint32(t.Args[3])
		if !first {
			flags |= msgDontWait
		}
		return s.sendOne(t, addr, flags)
	})
}

// sysRecvmmsg: socket, messages, how many, flags, a time to wait, which begins with the first message on Linux,
// and means nothing here.
func sysRecvmmsg(s *Server, t *task) uint64 {
	const waitForOne = 0x10000
	return s.many(t, func(addr uint64, first bool) uint64 {
		flags := uint32(t.Args[3]) &^ waitForOne
		if !first {
			flags |= msgDontWait
		}
		return s.receiveOne(t, addr, flags)
	})
}

// many makes a call for each of several messages, until one fails: only the first waits.
func (s *Server) many(t *task, one func(addr uint64, first bool) uint64) uint64 {
	n := min(uint32(t.Args[2]), abi.IOV_MAX)
	for i := range n {
		addr := t.Args[1] + headMany*uint64(i)
		r := one(addr, i == 0)
		if _, bad := abi.Failed(r); bad || r == blocked || r == slow {
			if i == 0 {
				return r
			}
			return uint64(i)
		}
		var b [4]byte
		binary.LittleEndian.PutUint32(b[:], uint32(r))
		if bad := s.put(t, addr+headSize, b[:]); bad != 0 {
			return bad
		}
	}
	return uint64(n)
}
