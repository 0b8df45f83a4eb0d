// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"strconv"

	"loam/abi"
	"loam/user/linux/lx"
	"loam/user/linux/vfs"
)

// charNode is a character device of /dev.
type charNode struct {
	vfs.Base
	ino   uint64
	rdev  uint64
	time  abi.Timespec
	open  vfs.Open
	error abi.Errno // of opening it
}

// Mode is for vfs.Node.
func (n *charNode) Mode() uint32 { return abi.S_IFCHR | 0o666 }

// Stat is for vfs.Node.
func (n *charNode) Stat(_ vfs.Waiter, s *abi.Stat) (abi.Timespec, abi.Errno) {
	*s = abi.Stat{Dev: devDev, Ino: n.ino, Nlink: 1, Mode: n.Mode(), Rdev: n.rdev, Blksize: 4096, Atim: n.time, Mtim: n.time, Ctim: n.time}
	return abi.Timespec{}, 0
}

// Change is accepted, and nothing is changed.
func (n *charNode) Change(vfs.Waiter, *vfs.Change) abi.Errno { return 0 }

// Statfs is for vfs.Node.
func (n *charNode) Statfs(_ vfs.Waiter, s *lx.Statfs) abi.Errno {
	*s = lx.Statfs{Type: tmpfsMagic, Bsize: 4096, Namelen: lx.NameMax}
	return 0
}

// Open is for vfs.Node.
func (n *charNode) Open(vfs.Waiter, uint32) (vfs.Open, abi.Errno) { return n.open, n.error }

const (
	tmpfsMagic = 0x0102_1994 // devtmpfs says so, too
	procMagic  = 0x9fa0
)

// endless is a device without an end: what it reads fill makes, and what is written to it is gone, or
// fails.
type endless struct {
	vfs.BaseOpen
	fill   func(p []byte) // nil: it is at its end at once
	zeroes bool           // fill gives those
	error  abi.Errno      // of writing
}

// Read is for vfs.Open.
func (d *endless) Read(_ vfs.Waiter, b lx.Buffer, _ int64) (done int, e abi.Errno) {
	if d.fill == nil {
		return 0, 0
	}
	const most = 256 << 10
	p := make([]byte, min(b.Len(), 4096))
	for b.Len() > 0 && done < most {
		n := min(b.Len(), len(p))
		d.fill(p[:n])
		k, e := b.Put(p[:n])
		if done += k; e != 0 {
			if done > 0 {
				e = 0
			}
			return done, e
		}
	}
	return done, 0
}

// Write is for vfs.Open.
func (d *endless) Write(_ vfs.Waiter, b lx.Buffer, off int64, _ bool) (int, int64, abi.Errno) {
	if d.error != 0 {
		return 0, off, d.error
	}
	return b.Len(), off, 0
}

// Seek stays where it is.
func (d *endless) Seek(vfs.Waiter, int64, int) (int64, abi.Errno) { return 0, 0 }

// linkNode is a symbolic link whose target may depend on who asks.
type linkNode struct {
	vfs.Base
	ino    uint64
	dev    uint64
	time   abi.Timespec
	target func() (string, abi.Errno)
}

// Mode is for vfs.Node.
func (n *linkNode) Mode() uint32 { return abi.S_IFLNK | 0o777 }

// Stat is for vfs.Node.
func (n *linkNode) Stat(_ vfs.Waiter, s *abi.Stat) (abi.Timespec, abi.Errno) {
	*s = abi.Stat{Dev: n.dev, Ino: n.ino, Nlink: 1, Mode: n.Mode(), Blksize: 1024, Atim: n.time, Mtim: n.time, Ctim: n.time}
	return abi.Timespec{}, 0
}

// Readlink is for vfs.Node.
func (n *linkNode) Readlink(vfs.Waiter) (string, abi.Errno) { return n.target() }

// ttyNode is /dev/tty: the terminal of who opens it.
type ttyNode struct {
	charNode
	s *Server
}

// Open is for vfs.Node.
func (n *ttyNode) Open(_ vfs.Waiter, flags uint32) (vfs.Open, abi.Errno) {
	c := n.s.terminalOf(n.s.current.p)
	if c == nil {
		return nil, abi.ENXIO
	}
	for _, p := range n.s.ptys {
		if c == &p.control {
			return n.s.openSlave(p, flags)
		}
	}
	return &devOpen{d: n.s.console()}, 0
}

// devices makes /dev.
func (s *Server) devices(now abi.Timespec, random func([]byte)) vfs.Node {
	d := &vfs.Fixed{Ino: 1, Dev: devDev, Time: now, Kind: tmpfsMagic}
	next := uint64(1)
	add := func(name string, major, minor uint32, o vfs.Open, e abi.Errno) {
		next++
		d.Add(name, &charNode{ino: next, rdev: lx.Device(major, minor), time: now, open: o, error: e})
	}
	zero := func(p []byte) { clear(p) }
	add("null", 1, 3, &endless{}, 0)
	add("zero", 1, 5, &endless{fill: zero, zeroes: true}, 0)
	add("full", 1, 7, &endless{fill: zero, error: abi.ENOSPC}, 0)
	add("random", 1, 8, &endless{fill: random}, 0)
	add("urandom", 1, 9, &endless{fill: random}, 0)
	next++
	d.Add("tty", &ttyNode{charNode{ino: next, rdev: lx.Device(5, 0), time: now}, s})
	link := func(name, target string) {
		next++
		d.Add(name, &linkNode{ino: next, dev: devDev, time: now, target: func() (string, abi.Errno) { return target, 0 }})
	}
	next++
	d.Add("ptmx", &ptmxNode{charNode: charNode{ino: next, rdev: lx.Device(5, 2), time: now}, s: s, mode: 0o666})
	next++
	d.Add("pts", &vfs.Fixed{Ino: next, Dev: devDev, Time: now, Kind: tmpfsMagic}) // where another is mounted
	next++
	d.Add("shm", &vfs.Fixed{Ino: next, Dev: devDev, Time: now, Kind: tmpfsMagic}) // where another is mounted
	link("fd", "/proc/self/fd")
	for i, name := range []string{"stdin", "stdout", "stderr"} {
		link(name, "/proc/self/fd/"+strconv.Itoa(i))
	}
	return d
}
