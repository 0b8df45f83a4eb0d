// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"encoding/binary"

	"loam/abi"
)

// capabilities are those of a process (capabilities(7)). None is ever taken from what there can be, and there are no
// ambient ones and none of files.
type capabilities struct{ effective, permitted, inheritable uint64 }

// allCaps are the capabilities that Linux has.
const allCaps = uint64(1<<41 - 1)

// Capabilities that something here asks for, by their bits.
const (
	capKill        = 5
	capSysResource = 24
	capSetGID      = 6
	capSetUID      = 7
	capSetPcap     = 8
	capChroot      = 18
	capSysAdmin    = 21
)

// fileCaps are those that the id for files has or hasn't: CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, FSETID,
// LINUX_IMMUTABLE, MKNOD and MAC_OVERRIDE.
const fileCaps = uint64(1<<0 | 1<<1 | 1<<2 | 1<<3 | 1<<4 | 1<<9 | 1<<27 | 1<<32)

// have reports whether a process may do what needs one.
func (c *capabilities) have(bit uint) bool { return c.effective>>bit&1 != 0 }

// change is what happens to them when a process's users change.
func (c *capabilities) change(old, now ids) {
	if old.has(0) && !now.has(0) {
		c.permitted, c.effective = 0, 0
	}
	switch {
	case old.effective == 0 && now.effective != 0:
		c.effective = 0
	case old.effective != 0 && now.effective == 0:
		c.effective = c.permitted
	}
}

// changeFile is what happens to them when the id for files changes alone.
func (c *capabilities) changeFile(old, now uint32) {
	switch {
	case old == 0 && now != 0:
		c.effective &^= fileCaps
	case old != 0 && now == 0:
		c.effective |= c.permitted & fileCaps
	}
}

// execute is what happens to them when a user's process begins to run another program.
func (c *capabilities) execute(user ids) {
	c.permitted, c.effective = 0, 0
	if user.real == 0 || user.effective == 0 {
		c.permitted = allCaps
	}
	if user.effective == 0 {
		c.effective = allCaps
	}
}

// set is capset(2).
func (c *capabilities) set(n capabilities) abi.Errno {
	n.effective, n.permitted, n.inheritable = n.effective&allCaps, n.permitted&allCaps, n.inheritable&allCaps
	switch {
	case !c.have(capSetPcap) && n.inheritable&^(c.inheritable|c.permitted) != 0,
		n.permitted&^c.permitted != 0, n.effective&^n.permitted != 0:
		return abi.EPERM
	}
	*c = n
	return 0
}

// capVersion is the version of the header of capget(2) that is told to who has one that isn't known.
const capVersion = 0x2008_0522

// capStructures tells how many structures follow a header of a version; 0: there is none.
func capStructures(version uint32) int {
	switch version {
	case 0x1998_0330:
		return 1
	case 0x2007_1026, capVersion:
		return 2
	}
	return 0
}

// sysCapget: header, data.
func sysCapget(s *Server, t *task) uint64 {
	n, pid, e := s.capHeader(t)
	if e != 0 {
		return fail(e)
	}
	p := t.p
	if pid != 0 {
		if p = s.byPID[pid]; p == nil {
			return abi.ESRCH.Result()
		}
	}
	b, c := s.scratch[:12*n], p.who.caps
	for i := range n {
		for j, v := range []uint64{c.effective, c.permitted, c.inheritable} {
			binary.LittleEndian.PutUint32(b[12*i+4*j:], uint32(v>>(32*i)&0xffff_ffff))
		}
	}
	return s.put(t, t.Args[1], b)
}

// sysCapset: header, data.
func sysCapset(s *Server, t *task) uint64 {
	n, pid, e := s.capHeader(t)
	b := s.scratch[:12*n]
	switch {
	case e != 0:
		return fail(e)
	case pid != 0 && pid != t.p.pid:
		return abi.EPERM.Result()
	case !s.get(t, t.Args[1], b):
		return abi.EFAULT.Result()
	}
	var c capabilities
	for i := range n {
		for j, v := range []*uint64{&c.effective, &c.permitted, &c.inheritable} {
			*v |= uint64(binary.LittleEndian.Uint32(b[12*i+4*j:])) << (32 * i)
		}
	}
	return fail(t.p.who.caps.set(c))
}

// capHeader reads the header. One of another version gets the one that is known.
func (s *Server) capHeader(t *task) (n int, pid int32, e abi.Errno) {
	b := s.scratch[:8]
	if !s.get(t, t.Args[0], b) {
		return 0, 0, abi.EFAULT
	}
	n = capStructures(binary.LittleEndian.Uint32(b))
	pid = int32(binary.LittleEndian.Uint32(b[4:]))
	switch {
	case n == 0:
		if r := s.put(t, t.Args[0], le32(capVersion)); r != 0 {
			return 0, 0, abi.EFAULT
		}
		return 0, 0, abi.EINVAL
	case pid < 0:
		return 0, 0, abi.EINVAL
	}
	return n, pid, 0
}
