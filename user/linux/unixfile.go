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

// unixFile is a unix socket.
type unixFile struct {
	*socket.Socket
	socketBase
	passCred bool      // SO_PASSCRED: who sent is told
	reuse    bool      // SO_REUSEADDR, which means nothing
	node     vfs.Node  // what it is bound to, if that is a file
	domain   *Server   // whose names it has
	linger   [2]uint32 // SO_LINGER, which means nothing
}

// newUnix makes a socket of who calls.
func (s *Server) newUnix(t *task, kind socket.Kind) *unixFile {
	return s.unixFile(socket.New(kind, t.p.credentials(), s.discard))
}

func (s *Server) unixFile(k *socket.Socket) *unixFile {
	return &unixFile{Socket: k, socketBase: s.newBase(), domain: s}
}

// credentials are those that a process makes a socket, or connects it, with.
func (p *process) credentials() socket.Credentials {
	return socket.Credentials{PID: p.pid, UID: p.who.user.effective, GID: p.who.group.effective}
}

// sender is who a process's messages are from, if it doesn't say that.
func (p *process) sender() socket.Credentials {
	return socket.Credentials{PID: p.pid, UID: p.who.user.real, GID: p.who.group.real}
}

// maySay reports whether a process may say that a message is from c.
func (p *process) maySay(c socket.Credentials) bool {
	who := &p.who
	return (c.PID == p.pid || who.caps.have(capSysAdmin)) && (who.user.has(c.UID) || who.caps.have(capSetUID)) &&
		(who.group.has(c.GID) || who.caps.have(capSetGID))
}

// discard closes files that were sent, and that nobody receives.
func (s *Server) discard(files []any) {
	for _, f := range files {
		s.flying--
		s.unref(f.(*file))
	}
}

func (f *unixFile) read(_ *Server, b lx.Buffer) (int, abi.Errno) {
	if b.Len() == 0 {
		return 0, 0
	}
	n, r, e := f.Receive(b, false)
	if e == 0 {
		f.domain.discard(r.Rights)
	}
	return n, e
}

func (f *unixFile) write(s *Server, b lx.Buffer) (int, abi.Errno) {
	if e := f.Ready(); e != 0 {
		return 0, e
	}
	if e := f.MaySend(b.Len()); e != 0 {
		return 0, e
	}
	return f.Send(b, socket.Sent{Cred: s.current.p.sender()})
}

func (f *unixFile) close() {
	f.domain.unbind(f)
	f.Close()
}

// addressSize is that of struct sockaddr_un.
const addressSize = 110

// unixName gives the name in an address: a path, or an abstract name with its zero.
func unixName(b []byte) (string, abi.Errno) {
	if len(b) <= familySize || len(b) > addressSize || binary.LittleEndian.Uint16(b) != familyUnix {
		return "", abi.EINVAL
	}
	rest := string(b[familySize:])
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

// unixAddress gives the address of a socket with a name.
func unixAddress(name string) []byte {
	b := binary.LittleEndian.AppendUint16(nil, familyUnix)
	b = append(b, name...)
	if name != "" && name[0] != 0 {
		b = append(b, 0)
	}
	return b
}

// abstractName is a name that is no path: each kind of sockets has names of its own.
type abstractName struct {
	kind socket.Kind
	name string
}

// named gives the socket that an address names, for who connects or sends.
func (s *Server) named(t *task, kind socket.Kind, name string) (*unixFile, abi.Errno) {
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
func (s *Server) bind(t *task, k *unixFile, name string) abi.Errno {
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
func (s *Server) bindPath(t *task, k *unixFile, name string) abi.Errno {
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
func (s *Server) unbind(k *unixFile) {
	if k.node != nil && s.bound[k.node] == k {
		delete(s.bound, k.node)
	}
	if s.abstract[abstractName{k.Kind, k.Name}] == k {
		delete(s.abstract, abstractName{k.Kind, k.Name})
	}
}
