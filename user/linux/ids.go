// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"encoding/binary"
	"slices"

	"loam/abi"
	"loam/user/linux/program"
)

// Who a process is (credentials(7)). On Linux each thread has ids of its own, and C libraries and Go's have all threads make
// the call; here they are the process's, which comes to the same.

// ids are those of a user, or of a group.
type ids struct{ real, effective, saved, file uint32 }

// asItIs is the argument for an id that isn't to change.
const asItIs = ^uint32(0)

// has reports whether an id is one of those that who has no privileges may set.
func (o ids) has(v uint32) bool { return v == o.real || v == o.effective || v == o.saved }

// set is setuid(2). free: whoever asks may set any.
func (o ids) set(v uint32, free bool) (ids, abi.Errno) {
	switch {
	case v == asItIs:
		return o, abi.EINVAL
	case free:
		return ids{v, v, v, v}, 0
	case v != o.real && v != o.saved:
		return o, abi.EPERM
	}
	o.effective, o.file = v, v
	return o, 0
}

// setTwo is setreuid(2).
func (o ids) setTwo(real, effective uint32, free bool) (ids, abi.Errno) {
	n := o
	if real != asItIs {
		if !free && real != o.real && real != o.effective {
			return o, abi.EPERM
		}
		n.real = real
	}
	if effective != asItIs {
		if !free && !o.has(effective) {
			return o, abi.EPERM
		}
		n.effective = effective
	}
	if real != asItIs || effective != asItIs && effective != o.real {
		n.saved = n.effective
	}
	n.file = n.effective
	return n, 0
}

// setThree is setresuid(2). If no id is to change, that for files doesn't either.
func (o ids) setThree(real, effective, saved uint32, free bool) (ids, abi.Errno) {
	n, changes := o, effective != asItIs && effective != o.file
	for _, x := range []struct {
		id *uint32
		v  uint32
	}{{&n.real, real}, {&n.effective, effective}, {&n.saved, saved}} {
		if x.v == asItIs || x.v == *x.id {
			continue
		}
		if !free && !o.has(x.v) {
			return o, abi.EPERM
		}
		*x.id, changes = x.v, true
	}
	if changes {
		n.file = n.effective
	}
	return n, 0
}

// setFile is setfsuid(2), which says nothing of what it refuses.
func (o ids) setFile(v uint32, free bool) ids {
	if v != asItIs && (free || o.has(v) || v == o.file) {
		o.file = v
	}
	return o
}

// identity is who a process is.
type identity struct {
	user, group ids
	groups      []uint32 // others, in order; never changed
	caps        capabilities
}

// root is who the first process is.
var root = identity{caps: capabilities{effective: allCaps, permitted: allCaps}}

// become gives a process an identity.
func (p *process) become(who identity) {
	p.who = who
	p.view.UID, p.view.GID = who.user.file, who.group.file
}

// setUsers sets a process's users, and its capabilities accordingly.
func (p *process) setUsers(n ids) {
	who := p.who
	who.caps.change(who.user, n)
	who.user = n
	p.become(who)
}

func (p *process) setGroups(n ids) {
	who := p.who
	who.group = n
	p.become(who)
}

// setIDs does a call that sets users, or groups, as set has it.
func (p *process) setIDs(users bool, set func(o ids, free bool) (ids, abi.Errno)) uint64 {
	if users {
		n, e := set(p.who.user, p.who.caps.have(capSetUID))
		if e == 0 {
			p.setUsers(n)
		}
		return fail(e)
	}
	n, e := set(p.who.group, p.who.caps.have(capSetGID))
	if e == 0 {
		p.setGroups(n)
	}
	return fail(e)
}

func setOne(t *task, users bool) uint64 {
	return t.p.setIDs(users, func(o ids, free bool) (ids, abi.Errno) { return o.set(uint32(t.Args[0]), free) })
}

func setTwo(t *task, users bool) uint64 {
	return t.p.setIDs(users, func(o ids, free bool) (ids, abi.Errno) {
		return o.setTwo(uint32(t.Args[0]), uint32(t.Args[1]), free)
	})
}

func setThree(t *task, users bool) uint64 {
	return t.p.setIDs(users, func(o ids, free bool) (ids, abi.Errno) {
		return o.setThree(uint32(t.Args[0]), uint32(t.Args[1]), uint32(t.Args[2]), free)
	})
}

// sysSetfsuid: id. It answers with what was before, as it does when it is refused.
func sysSetfsuid(_ *Server, t *task) uint64 {
	who := t.p.who
	old := who.user.file
	who.user = who.user.setFile(uint32(t.Args[0]), who.caps.have(capSetUID))
	who.caps.changeFile(old, who.user.file)
	t.p.become(who)
	return uint64(old)
}

// sysSetfsgid is the same for groups.
func sysSetfsgid(_ *Server, t *task) uint64 {
	old := t.p.who.group
	t.p.setGroups(old.setFile(uint32(t.Args[0]), t.p.who.caps.have(capSetGID)))
	return uint64(old.file)
}

// sysSetuid and its like: ids.
func sysSetuid(_ *Server, t *task) uint64    { return setOne(t, true) }
func sysSetgid(_ *Server, t *task) uint64    { return setOne(t, false) }
func sysSetreuid(_ *Server, t *task) uint64  { return setTwo(t, true) }
func sysSetregid(_ *Server, t *task) uint64  { return setTwo(t, false) }
func sysSetresuid(_ *Server, t *task) uint64 { return setThree(t, true) }
func sysSetresgid(_ *Server, t *task) uint64 { return setThree(t, false) }

// sysGetuid and its like have no arguments.
func sysGetuid(_ *Server, t *task) uint64  { return uint64(t.p.who.user.real) }
func sysGeteuid(_ *Server, t *task) uint64 { return uint64(t.p.who.user.effective) }
func sysGetgid(_ *Server, t *task) uint64  { return uint64(t.p.who.group.real) }
func sysGetegid(_ *Server, t *task) uint64 { return uint64(t.p.who.group.effective) }

// sysGetresuid: three addresses of an id.
func sysGetresuid(s *Server, t *task) uint64 { return s.putIDs(t, t.p.who.user) }
func sysGetresgid(s *Server, t *task) uint64 { return s.putIDs(t, t.p.who.group) }

func (s *Server) putIDs(t *task, o ids) uint64 {
	for i, v := range []uint32{o.real, o.effective, o.saved} {
		if r := s.put(t, t.Args[i], le32(v)); r != 0 {
			return r
		}
	}
	return 0
}

// maxGroups is Linux's NGROUPS_MAX.
const maxGroups = 65536

// sysGetgroups: how many there is room for, address; 0 asks how many there are.
func sysGetgroups(s *Server, t *task) uint64 {
	groups, room := t.p.who.groups, int32(t.Args[0])
	switch {
	case room < 0 || room > 0 && int(room) < len(groups):
		return abi.EINVAL.Result()
	case room == 0:
		return uint64(len(groups))
	}
	b := make([]byte, 0, 4*len(groups))
	for _, g := range groups {
		b = append(b, le32(g)...)
	}
	if r := s.put(t, t.Args[1], b); r != 0 {
		return r
	}
	return uint64(len(groups))
}

// sysSetgroups: how many, address.
func sysSetgroups(s *Server, t *task) uint64 {
	switch n := uint32(t.Args[0]); {
	case !t.p.who.caps.have(capSetGID):
		return abi.EPERM.Result()
	case n > maxGroups:
		return abi.EINVAL.Result()
	default:
		b := make([]byte, 4*n)
		if !s.get(t, t.Args[1], b) {
			return abi.EFAULT.Result()
		}
		groups := make([]uint32, n)
		for i := range groups {
			if groups[i] = binary.LittleEndian.Uint32(b[4*i:]); groups[i] == asItIs {
				return abi.EINVAL.Result()
			}
		}
		slices.Sort(groups)
		t.p.who.groups = groups
		return 0
	}
}

// maySignal reports whether a process may send another a signal (kill(2)).
func (p *process) maySignal(to *process, signal abi.Signal) bool {
	a, b := p.who.user, to.who.user
	return p == to || p.who.caps.have(capKill) || signal == abi.SIGCONT && p.sid == to.sid ||
		a.effective == b.real || a.effective == b.saved || a.real == b.real || a.real == b.saved
}

// executes is the identity of who begins to run another program.
func (who identity) executes() identity {
	who.user.saved, who.group.saved = who.user.effective, who.group.effective
	who.user.file, who.group.file = who.user.effective, who.group.effective
	who.caps.execute(who.user)
	return who
}

// forProgram are the ids that a program finds on its stack.
func (who identity) forProgram() program.IDs {
	return program.IDs{UID: who.user.real, EUID: who.user.effective, GID: who.group.real, EGID: who.group.effective}
}
