// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"encoding/binary"

	"loam/abi"
	"loam/user/linux/lx"
	"loam/user/linux/socket"
)

// kindOf checks the arguments of socket(2) and socketpair(2): domain, type with flags, protocol.
func kindOf(t *task) (kind socket.Kind, flags uint64, e abi.Errno) {
	const families, raw, types, mask = 46, 3, 11, 0xf
	domain, what, protocol := int32(t.Args[0]), uint32(t.Args[1]), int32(t.Args[2])
	flags = uint64(what &^ mask)
	what &= mask
	switch {
	case flags&^(abi.O_CLOEXEC|abi.O_NONBLOCK) != 0:
		return 0, 0, abi.EINVAL
	case domain < 0 || domain >= families:
		return 0, 0, abi.EAFNOSUPPORT
	case what >= types:
		return 0, 0, abi.EINVAL
	case domain != familyUnix: // other than unix sockets there are none yet
		return 0, 0, abi.EAFNOSUPPORT
	case protocol != 0 && protocol != familyUnix:
		return 0, 0, abi.EPROTONOSUPPORT
	}
	switch what {
	case uint32(socket.Stream), uint32(socket.Datagram), uint32(socket.Packet):
		return socket.Kind(what), flags, 0
	case raw:
		return socket.Datagram, flags, 0
	}
	return 0, 0, abi.ESOCKTNOSUPPORT
}

// enterSocket gives a socket a descriptor.
func (s *Server) enterSocket(t *task, k *socketFile, flags uint64) uint64 {
	return s.enter(t, s.newDevice(k, uint32(flags)&abi.O_NONBLOCK|abi.O_RDWR), flags)
}

// sysSocket: domain, type, protocol.
func sysSocket(s *Server, t *task) uint64 {
	kind, flags, e := kindOf(t)
	if e != 0 {
		return fail(e)
	}
	return s.enterSocket(t, s.newSocket(t, kind), flags)
}

// sysSocketpair: domain, type, protocol, address of two descriptors.
func sysSocketpair(s *Server, t *task) uint64 {
	kind, flags, e := kindOf(t)
	if e != 0 {
		return fail(e)
	}
	a, b := s.newSocket(t, kind), s.newSocket(t, kind)
	socket.Pair(a.Socket, b.Socket)
	return s.enterTwo(t, t.Args[3], flags, s.newDevice(a, uint32(flags)|abi.O_RDWR), s.newDevice(b, uint32(flags)|abi.O_RDWR))
}

// sysBind: socket, address, its length.
func sysBind(s *Server, t *task) uint64 {
	_, k, e := s.socketOf(t, t.Args[0])
	if e != 0 {
		return fail(e)
	}
	family, rest, e := s.getAddress(t, t.Args[1], t.Args[2])
	if e != 0 {
		return fail(e)
	}
	if family == familyUnix && rest == "" && t.Args[2] == familySize {
		return fail(s.bind(t, k, ""))
	}
	name, e := unixName(family, rest)
	if e != 0 {
		return fail(e)
	}
	return fail(s.bind(t, k, name))
}

// sysListen: socket, backlog.
func sysListen(s *Server, t *task) uint64 {
	_, k, e := s.socketOf(t, t.Args[0])
	if e != 0 {
		return fail(e)
	}
	return fail(k.Listen(int32(t.Args[1]), t.p.credentials()))
}

// sysConnect: socket, address, its length.
func sysConnect(s *Server, t *task) uint64 {
	f, k, e := s.socketOf(t, t.Args[0])
	if e == abi.EBADF {
		return fail(e)
	}
	family, rest, bad := s.getAddress(t, t.Args[1], t.Args[2])
	switch {
	case bad != 0:
		return fail(bad)
	case e != 0:
		return fail(e)
	}
	if k.Kind == socket.Datagram && family == 0 && t.Args[2] >= familySize {
		return fail(k.ConnectDatagram(nil))
	}
	name, e := unixName(family, rest)
	if e != 0 {
		return fail(e)
	}
	to, e := s.named(t, k.Kind, name)
	if e != 0 {
		return fail(e)
	}
	if k.Kind == socket.Datagram {
		return fail(k.ConnectDatagram(to.Socket))
	}
	if e = k.Connect(to.Socket, t.p.credentials()); e == lx.Wait {
		return s.sleep(t, f, sending, false, to.Socket)
	}
	return fail(e)
}

// sysAccept: socket, room for the address, its length.
func sysAccept(s *Server, t *task) uint64 { return s.accept(t, 0) }

// sysAccept4 has flags.
func sysAccept4(s *Server, t *task) uint64 { return s.accept(t, t.Args[3]) }

func (s *Server) accept(t *task, flags uint64) uint64 {
	if uint32(flags)&^uint32(abi.O_CLOEXEC|abi.O_NONBLOCK) != 0 {
		return abi.EINVAL.Result()
	}
	f, k, e := s.socketOf(t, t.Args[0])
	switch {
	case e != 0:
		return fail(e)
	case !t.p.table.Free():
		return abi.EMFILE.Result()
	}
	c, e := k.Accept()
	if e == lx.Wait {
		return s.sleep(t, f, receiving, false, nil)
	}
	if e != 0 {
		return fail(e)
	}
	n := s.socketFile(c)
	if t.Args[1] != 0 {
		name, _ := c.PeerName()
		if r := s.putAddress(t, name, t.Args[1], t.Args[2]); r != 0 {
			c.Close()
			return r
		}
	}
	return s.enterSocket(t, n, flags)
}

// sysGetsockname: socket, room for the address, its length.
func sysGetsockname(s *Server, t *task) uint64 {
	_, k, e := s.socketOf(t, t.Args[0])
	if e != 0 {
		return fail(e)
	}
	return s.putAddress(t, k.Name, t.Args[1], t.Args[2])
}

// sysGetpeername: socket, room for the address, its length.
func sysGetpeername(s *Server, t *task) uint64 {
	_, k, e := s.socketOf(t, t.Args[0])
	if e != 0 {
		return fail(e)
	}
	name, ok := k.PeerName()
	if !ok {
		return abi.ENOTCONN.Result()
	}
	return s.putAddress(t, name, t.Args[1], t.Args[2])
}

// sysShutdown: socket, how.
func sysShutdown(s *Server, t *task) uint64 {
	_, k, e := s.socketOf(t, t.Args[0])
	how := uint32(t.Args[1])
	switch {
	case e != 0:
		return fail(e)
	case how > 2:
		return abi.EINVAL.Result()
	}
	k.Shutdown(uint8(how) + 1)
	return 0
}

// enterTwo gives two new files descriptors, and writes them to an address.
func (s *Server) enterTwo(t *task, to, flags uint64, r, w *file) uint64 {
	a := s.enter(t, r, flags)
	if _, bad := abi.Failed(a); bad {
		w.refs = 1
		s.unref(w)
		return a
	}
	b := s.enter(t, w, flags)
	if _, bad := abi.Failed(b); bad {
		s.unref(t.p.table.Remove(int32(a)))
		return b
	}
	two := s.scratch[:8]
	binary.LittleEndian.PutUint32(two, uint32(a))
	binary.LittleEndian.PutUint32(two[4:], uint32(b))
	result := s.put(t, to, two)
	if result != 0 {
		s.unref(t.p.table.Remove(int32(a)))
		s.unref(t.p.table.Remove(int32(b)))
	}
	return result
}
