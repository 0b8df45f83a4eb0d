// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"encoding/binary"
	"fmt"

	"loam/abi"
	"loam/user/linux/lx"
	"loam/user/linux/socket"
	"loam/user/linux/vfs"
)

// socketFile is a unix socket.
type socketFile struct {
	*socket.Socket
	ino      uint64
	passCred bool      // SO_PASSCRED: who sent is told
	reuse    bool      // SO_REUSEADDR, which means nothing
	timeouts [2]int64  // of receiving and of sending, ns; 0: never
	node     vfs.Node  // what it is bound to, if that is a file
	domain   *Server   // whose names it has
	linger   [2]uint32 // SO_LINGER, which means nothing
}

// newSocket makes a socket of who calls.
func (s *Server) newSocket(t *task, kind socket.Kind) *socketFile {
	return s.socketFile(socket.New(kind, t.p.credentials(), s.discard))
}

func (s *Server) socketFile(k *socket.Socket) *socketFile {
	s.inode++
	return &socketFile{Socket: k, ino: s.inode, domain: s}
}

// credentials are those of a process.
func (p *process) credentials() socket.Credentials { return socket.Credentials{PID: p.pid} }

// discard closes files that were sent, and that nobody receives.
func (s *Server) discard(files []any) {
	for _, f := range files {
		s.flying--
		s.unref(f.(*file))
	}
}

func (f *socketFile) read(_ *Server, b lx.Buffer) (int, abi.Errno) {
	if b.Len() == 0 {
		return 0, 0
	}
	n, r, e := f.Receive(b, false)
	if e == 0 {
		f.domain.discard(r.Rights)
	}
	return n, e
}

func (f *socketFile) write(s *Server, b lx.Buffer) (int, abi.Errno) {
	if e := f.Ready(); e != 0 {
		return 0, e
	}
	if e := f.MaySend(b.Len()); e != 0 {
		return 0, e
	}
	return f.Send(b, socket.Sent{Cred: s.current.p.credentials()})
}

// quiet says that EPIPE comes without SIGPIPE.
func (f *socketFile) quiet() bool { return f.Kind != socket.Stream }

func (f *socketFile) close() {
	f.domain.unbind(f)
	f.Close()
}

func (f *socketFile) again(uint32) (device, abi.Errno) { return nil, abi.ENXIO }

func (f *socketFile) stat(st *abi.Stat) {
	*st = abi.Stat{Dev: devSockets, Ino: f.ino, Nlink: 1, Mode: abi.S_IFSOCK | 0o777, Blksize: 4096}
}

// socketOf gives the socket of a descriptor.
func (s *Server) socketOf(t *task, fd uint64) (*file, *socketFile, abi.Errno) {
	f := s.file(t, fd)
	if f == nil {
		return nil, nil, abi.EBADF
	}
	k, ok := f.dev.(*socketFile)
	if !ok {
		return f, nil, abi.ENOTSOCK
	}
	return f, k, 0
}

// Sizes of struct sockaddr_un and sockaddr_storage.
const (
	familySize  = 2
	addressSize = 110
	mostAddress = 128
)

const familyUnix = 1

// getAddress reads an address. family is 0 where there isn't even that.
func (s *Server) getAddress(t *task, addr, n uint64) (family uint16, rest string, e abi.Errno) {
	if int32(n) < 0 || int32(n) > mostAddress {
		return 0, "", abi.EINVAL
	}
	b := s.scratch[:int32(n)]
	if len(b) > 0 && !s.get(t, addr, b) {
		return 0, "", abi.EFAULT
	}
	if len(b) < familySize {
		return 0, "", 0
	}
	return binary.LittleEndian.Uint16(b), string(b[familySize:]), 0
}

// unixName gives the name in an address: a path, or an abstract name with its zero.
func unixName(family uint16, rest string) (string, abi.Errno) {
	if family != familyUnix || rest == "" || len(rest) > addressSize-familySize {
		return "", abi.EINVAL
	}
	if rest[0] == 0 {
		return rest, 0
	}
	for i := range len(rest) {
		if rest[i] == 0 {
			return rest[:i], 0
		}
	}
	return rest, 0
}

// putAddress writes the address of a socket with a name, as far as there is room, and how long it is.
func (s *Server) putAddress(t *task, name string, to, size uint64) uint64 {
	b := binary.LittleEndian.AppendUint16(nil, familyUnix)
	b = append(b, name...)
	if name != "" && name[0] != 0 {
		b = append(b, 0)
	}
	return s.putBytes(t, b, to, size)
}

// putBytes writes an answer whose room is at size, as far as there is room, and how long it is.
func (s *Server) putBytes(t *task, b []byte, to, size uint64) uint64 {
	room, e := s.roomAt(t, size)
	if e != 0 {
		return fail(e)
	}
	return s.putPart(t, b[:min(room, len(b))], len(b), to, size)
}

// roomAt reads how much room there is for an answer.
func (s *Server) roomAt(t *task, size uint64) (int, abi.Errno) {
	var n [4]byte
	if !s.get(t, size, n[:]) {
		return 0, abi.EFAULT
	}
	room := int32(binary.LittleEndian.Uint32(n[:]))
	if room < 0 {
		return 0, abi.EINVAL
	}
	return int(room), 0
}

// putPart writes what there is room for of an answer, and at size the length that it is said to have.
func (s *Server) putPart(t *task, b []byte, length int, to, size uint64) uint64 {
	if len(b) > 0 && s.put(t, to, b) != 0 {
		return abi.EFAULT.Result()
	}
	var n [4]byte
	binary.LittleEndian.PutUint32(n[:], uint32(length))
	return s.put(t, size, n[:])
}

// abstractName is a name that is no path: each kind of sockets has names of its own.
type abstractName struct {
	kind socket.Kind
	name string
}

// named gives the socket that an address names, for who connects or sends.
func (s *Server) named(t *task, kind socket.Kind, name string) (*socketFile, abi.Errno) {
	if name[0] == 0 {
		if k := s.abstract[abstractName{kind, name}]; k != nil {
			return k, 0
		}
		return nil, abi.ECONNREFUSED
	}
	p, e := t.p.view.Lookup(t.waiter, t.p.view.Cwd, name, true)
	if e != 0 {
		return nil, e
	}
	k := s.bound[p.Node]
	switch {
	case k == nil || p.Node.Mode()&abi.S_IFMT != abi.S_IFSOCK:
		return nil, abi.ECONNREFUSED
	case k.Kind != kind:
		return nil, abi.EPROTOTYPE
	}
	return k, 0
}

// bind gives a socket a name. An empty one is an abstract name that nobody has.
func (s *Server) bind(t *task, k *socketFile, name string) abi.Errno {
	switch {
	case name == "" && k.Name != "":
		return 0
	case name == "":
		for {
			s.names++
			if name = fmt.Sprintf("\x00%05x", s.names&0xfffff); s.abstract[abstractName{k.Kind, name}] == nil {
				break
			}
		}
	case name[0] != 0:
		return s.bindPath(t, k, name)
	}
	switch {
	case k.Name != "":
		return abi.EINVAL
	case s.abstract[abstractName{k.Kind, name}] != nil:
		return abi.EADDRINUSE
	}
	s.abstract[abstractName{k.Kind, name}], k.Name = k, name
	return 0
}

// bindPath makes a socket's file.
func (s *Server) bindPath(t *task, k *socketFile, name string) abi.Errno {
	v := &t.p.view
	e := v.Mknod(t.waiter, v.Cwd, name, abi.S_IFSOCK|0o777)
	switch {
	case e == abi.EEXIST:
		return abi.EADDRINUSE
	case e != 0:
		return e
	case k.Name != "":
		_ = v.Unlink(t.waiter, v.Cwd, name)
		return abi.EINVAL
	}
	p, e := v.Lookup(t.waiter, v.Cwd, name, true)
	if e == 0 {
		k.Name, k.node = name, p.Node
		s.bound[p.Node] = k
	}
	return e
}

// unbind takes a socket's name away. A file stays.
func (s *Server) unbind(k *socketFile) {
	if k.node != nil && s.bound[k.node] == k {
		delete(s.bound, k.node)
	}
	if s.abstract[abstractName{k.Kind, k.Name}] == k {
		delete(s.abstract, abstractName{k.Kind, k.Name})
	}
}

// until gives the deadline of a call on a socket that has a timeout, and whether it has come.
func (t *task) until(s *Server, timeout int64) (deadline int64, over bool) {
	if t.w != nil {
		return never, t.w.expired
	}
	if timeout == 0 {
		return never, false
	}
	return s.after(timeout), false
}

// What a call on a socket waits for.
const (
	receiving = 0
	sending   = 1
)

// sleep has a task wait for a socket, unless it may not.
func (s *Server) sleep(t *task, f *file, which int, dontWait bool, also *socket.Socket) uint64 {
	k := f.dev.(*socketFile)
	deadline, over := t.until(s, k.timeouts[which])
	if over || dontWait || f.nonblock() {
		return abi.EAGAIN.Result()
	}
	if which == receiving && k.Ended() {
		if k.Listening() {
			return abi.EINVAL.Result()
		}
		return 0
	}
	t.hold(f)
	if also == nil && which == sending {
		also = k.To()
	}
	if also != nil {
		return s.wait(t, deadline, true, k.Queue(), also.Room())
	}
	return s.wait(t, deadline, true, k.Queue())
}

// devSockets is the device that sockets are on.
const devSockets = 8
