// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"encoding/binary"

	"loam/abi"
	"loam/user/linux/inet"
	"loam/user/linux/lx"
	"loam/user/linux/socket"
)

// Families of sockets.
const (
	familyUnix    = 1
	familyNetlink = 16
	families      = 46
)

// kindOf checks the arguments of socket(2) and socketpair(2): domain, type with flags, protocol.
func kindOf(t *task) (kind uint32, flags uint64, e abi.Errno) {
	const types, mask = 11, 0xf
	domain, what := int32(t.Args[0]), uint32(t.Args[1])
	flags = uint64(what &^ mask)
	kind = what & mask
	switch {
	case flags&^(abi.O_CLOEXEC|abi.O_NONBLOCK) != 0:
		return 0, 0, abi.EINVAL
	case domain < 0 || domain >= families:
		return 0, 0, abi.EAFNOSUPPORT
	case kind >= types:
		return 0, 0, abi.EINVAL
	}
	return kind, flags, 0
}

// newSocket makes a socket of a family, type and protocol.
func (s *Server) newSocket(t *task, what uint32) (socketFile, abi.Errno) {
	protocol := int32(t.Args[2])
	switch domain := int32(t.Args[0]); domain {
	case familyUnix:
		kind, e := unixKind(what, protocol)
		if e != 0 {
			return nil, e
		}
		return s.newUnix(t, kind), 0
	case inet.FamilyIPv4, inet.FamilyIPv6:
		kind, e := inetKind(what, protocol, domain == inet.FamilyIPv6)
		if e != 0 {
			return nil, e
		}
		return s.newInet(s.inet.New(kind, domain == inet.FamilyIPv6)), 0
	case familyNetlink:
		return s.newNetlink(what, protocol)
	}
	return nil, abi.EAFNOSUPPORT
}

// typeRaw is SOCK_RAW.
const typeRaw = 3

// unixKind checks the type and protocol of a unix socket.
func unixKind(what uint32, protocol int32) (socket.Kind, abi.Errno) {
	if protocol != 0 && protocol != familyUnix {
		return 0, abi.EPROTONOSUPPORT
	}
	switch what {
	case uint32(socket.Stream), uint32(socket.Datagram), uint32(socket.Packet):
		return socket.Kind(what), 0
	case typeRaw:
		return socket.Datagram, 0
	}
	return 0, abi.ESOCKTNOSUPPORT
}

// enterSocket gives a socket a descriptor.
func (s *Server) enterSocket(t *task, k socketFile, flags uint64) uint64 {
	return s.enter(t, s.newDevice(k, uint32(flags)&abi.O_NONBLOCK|abi.O_RDWR), flags)
}

// sysSocket: domain, type, protocol.
func sysSocket(s *Server, t *task) uint64 {
	what, flags, e := kindOf(t)
	if e != 0 {
		return fail(e)
	}
	k, e := s.newSocket(t, what)
	if e != 0 {
		return fail(e)
	}
	return s.enterSocket(t, k, flags)
}

// sysSocketpair: domain, type, protocol, address of two descriptors.
func sysSocketpair(s *Server, t *task) uint64 {
	what, flags, e := kindOf(t)
	if e != 0 {
		return fail(e)
	}
	first, e := s.newSocket(t, what)
	if e != 0 {
		return fail(e)
	}
	a, unix := first.(*unixFile)
	if !unix {
		first.close()
		return abi.ENOTSUP.Result()
	}
	b := s.newUnix(t, a.Kind)
	socket.Pair(a.Socket, b.Socket)
	return s.enterTwo(t, t.Args[3], flags, s.newDevice(a, uint32(flags)|abi.O_RDWR), s.newDevice(b, uint32(flags)|abi.O_RDWR))
}

// sysBind: socket, address, its length.
func sysBind(s *Server, t *task) uint64 {
	f, k, e := s.socketOf(t, t.Args[0])
	if e != 0 {
		return fail(e)
	}
	a, e := s.getAddress(t, t.Args[1], t.Args[2])
	if e != 0 {
		return fail(e)
	}
	if e = k.bind(s, t, a); e == inet.Unknown {
		return s.waitForNetwork(t, f)
	}
	return fail(e)
}

// sysListen: socket, backlog.
func sysListen(s *Server, t *task) uint64 {
	_, k, e := s.socketOf(t, t.Args[0])
	if e != 0 {
		return fail(e)
	}
	return fail(k.listen(t, int32(t.Args[1])))
}

// sysConnect: socket, address, its length.
func sysConnect(s *Server, t *task) uint64 {
	f, k, e := s.socketOf(t, t.Args[0])
	if e == abi.EBADF {
		return fail(e)
	}
	a, bad := s.getAddress(t, t.Args[1], t.Args[2])
	switch {
	case bad != 0:
		return fail(bad)
	case e != 0:
		return fail(e)
	}
	return k.connect(s, t, f, a)
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
	c, e := k.accept(s)
	if e == lx.Wait {
		return s.sleep(t, f, receiving, false, nil)
	}
	if e != 0 {
		return fail(e)
	}
	if t.Args[1] != 0 {
		a, _ := c.peer(true)
		if r := s.putBytes(t, a, t.Args[1], t.Args[2]); r != 0 {
			c.close()
			return r
		}
	}
	return s.enterSocket(t, c, flags)
}

// sysGetsockname: socket, room for the address, its length.
func sysGetsockname(s *Server, t *task) uint64 {
	_, k, e := s.socketOf(t, t.Args[0])
	if e != 0 {
		return fail(e)
	}
	return s.putBytes(t, k.name(), t.Args[1], t.Args[2])
}

// sysGetpeername: socket, room for the address, its length.
func sysGetpeername(s *Server, t *task) uint64 {
	_, k, e := s.socketOf(t, t.Args[0])
	if e != 0 {
		return fail(e)
	}
	a, e := k.peer(false)
	if e != 0 {
		return fail(e)
	}
	return s.putBytes(t, a, t.Args[1], t.Args[2])
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
	return fail(k.shutdown(uint8(how) + 1))
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
