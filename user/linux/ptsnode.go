// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"strconv"

	"loam/abi"
	"loam/user/linux/lx"
	"loam/user/linux/vfs"
)

// /dev/ptmx and /dev/pts.

const (
	devptsMagic = 0x1cd1
	ptsMajor    = 136
	groupTTY    = 5 // has terminals, by which others write to their users
)

// ptsNode is a slave in /dev/pts.
type ptsNode struct {
	vfs.Base
	s              *Server
	pty            *pty
	mode, uid, gid uint32
	atime, mtime   abi.Timespec
	ctime          abi.Timespec
}

func newPtsNode(s *Server, p *pty) *ptsNode {
	now := s.clock()
	n := &ptsNode{s: s, pty: p, mode: 0o620, gid: groupTTY, atime: now, mtime: now, ctime: now}
	if s.current != nil {
		n.uid = s.current.p.who.user.file
	}
	return n
}

// Mode is for vfs.Node.
func (n *ptsNode) Mode() uint32 { return abi.S_IFCHR | n.mode }

// Stat is for vfs.Node.
func (n *ptsNode) Stat(_ vfs.Waiter, st *abi.Stat) (abi.Timespec, abi.Errno) {
	*st = ptsStat(n.pty.number, n.mode)
	st.UID, st.GID, st.Atim, st.Mtim, st.Ctim = n.uid, n.gid, n.atime, n.mtime, n.ctime
	return abi.Timespec{}, 0
}

// ptsStat is what terminals have in common. The first two inodes are the directory's and that of ptmx.
func ptsStat(number int, mode uint32) abi.Stat {
	return abi.Stat{Dev: devPts, Ino: uint64(number) + 3, Nlink: 1, Mode: abi.S_IFCHR | mode, Rdev: lx.Device(ptsMajor, uint32(number)), Blksize: 1024}
}

// Change is for vfs.Node.
func (n *ptsNode) Change(_ vfs.Waiter, c *vfs.Change) abi.Errno {
	now := n.s.clock()
	if c.Valid&vfs.SetMode != 0 {
		n.mode = c.Mode & 0o7777
	}
	if c.Valid&vfs.SetUID != 0 {
		n.uid = c.UID
	}
	if c.Valid&vfs.SetGID != 0 {
		n.gid = c.GID
	}
	for _, t := range []struct {
		set, isNow uint32
		to         *abi.Timespec
		at         abi.Timespec
	}{{vfs.SetAtime, vfs.AtimeNow, &n.atime, c.Atime}, {vfs.SetMtime, vfs.MtimeNow, &n.mtime, c.Mtime}} {
		if c.Valid&t.isNow != 0 {
			*t.to = now
		} else if c.Valid&t.set != 0 {
			*t.to = t.at
		}
	}
	n.ctime = now
	return 0
}

// Statfs is for vfs.Node.
func (n *ptsNode) Statfs(_ vfs.Waiter, s *lx.Statfs) abi.Errno {
	*s = lx.Statfs{Type: devptsMagic, Bsize: 4096, Namelen: lx.NameMax}
	return 0
}

// Open is for vfs.Node.
func (n *ptsNode) Open(_ vfs.Waiter, flags uint32) (vfs.Open, abi.Errno) {
	return n.s.openSlave(n.pty, flags)
}

// Gone is for vfs.Goner: its master is closed.
func (n *ptsNode) Gone() bool { return !n.pty.open }

// ptmxNode makes a pseudo terminal each time that it is opened.
type ptmxNode struct {
	charNode
	s    *Server
	mode uint32
}

// Mode is for vfs.Node.
func (n *ptmxNode) Mode() uint32 { return abi.S_IFCHR | n.mode }

// Stat is for vfs.Node.
func (n *ptmxNode) Stat(w vfs.Waiter, st *abi.Stat) (abi.Timespec, abi.Errno) {
	birth, e := n.charNode.Stat(w, st)
	st.Mode = n.Mode()
	return birth, e
}

// Open is for vfs.Node.
func (n *ptmxNode) Open(vfs.Waiter, uint32) (vfs.Open, abi.Errno) {
	f, e := n.s.newPty()
	return &devOpen{d: f}, e
}

// pts makes /dev/pts.
func (s *Server) pts(now abi.Timespec) *vfs.Fixed {
	d := &vfs.Fixed{Ino: 1, Dev: devPts, Time: now, Kind: devptsMagic}
	d.Add("ptmx", &ptmxNode{charNode: charNode{ino: 2, rdev: lx.Device(5, 2), time: now}, s: s})
	d.Find = func(name string) vfs.Node {
		n := int(number(name))
		if p := s.ptys[n]; p != nil && p.open {
			return p.node
		}
		if n == 0 && s.console() != nil {
			return &consoleNode{s: s}
		}
		return nil
	}
	d.List = func() (all []vfs.Entry) {
		add := func(n int) {
			all = append(all, vfs.Entry{Name: strconv.Itoa(n), Ino: uint64(n) + 3, Type: lx.DT_CHR, Next: int64(n)})
		}
		if s.console() != nil {
			add(0)
		}
		for n, p := range s.ptys {
			if p.open {
				add(n)
			}
		}
		return all
	}
	return d
}

// console is the first of the standard streams that is a terminal; nil: none is.
func (s *Server) console() *streamFile {
	for _, f := range s.streams {
		if d, ok := f.dev.(*streamFile); ok && d.Terminal() {
			return d
		}
	}
	return nil
}

// firstPty is the first number that a pseudo terminal may have: the console has 0, if it is a terminal.
func (s *Server) firstPty() int {
	if s.console() != nil {
		return 1
	}
	return 0
}

// consoleNode is the console in /dev/pts.
type consoleNode struct {
	vfs.Base
	s *Server
}

// Mode is for vfs.Node.
func (n *consoleNode) Mode() uint32 { return abi.S_IFCHR | consoleMode }

const consoleMode = 0o620

// Stat is for vfs.Node.
func (n *consoleNode) Stat(_ vfs.Waiter, st *abi.Stat) (abi.Timespec, abi.Errno) {
	*st = ptsStat(0, consoleMode)
	return abi.Timespec{}, 0
}

// Change is accepted, and nothing is changed.
func (n *consoleNode) Change(vfs.Waiter, *vfs.Change) abi.Errno { return 0 }

// Statfs is for vfs.Node.
func (n *consoleNode) Statfs(_ vfs.Waiter, s *lx.Statfs) abi.Errno {
	*s = lx.Statfs{Type: devptsMagic, Bsize: 4096, Namelen: lx.NameMax}
	return 0
}

// Open is for vfs.Node.
func (n *consoleNode) Open(vfs.Waiter, uint32) (vfs.Open, abi.Errno) {
	if d := n.s.console(); d != nil {
		return &devOpen{d: d}, 0
	}
	return nil, abi.EIO
}
