// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"strconv"

	"loam/abi"
	"loam/user/linux/lx"
	"loam/user/linux/vfs"
)

// textNode is a file of /proc, whose text is made when it is opened, or a file of the boot archive.
type textNode struct {
	vfs.Base
	ino  uint64
	dev  uint64
	kind uint64 // of its file system
	mode uint32
	time abi.Timespec
	text func() []byte
	size int64 // -1: it isn't told
}

// Mode is for vfs.Node.
func (n *textNode) Mode() uint32 { return abi.S_IFREG | n.mode }

// Stat is for vfs.Node.
func (n *textNode) Stat(_ vfs.Waiter, s *abi.Stat) (abi.Timespec, abi.Errno) {
	*s = abi.Stat{Dev: n.dev, Ino: n.ino, Nlink: 1, Mode: n.Mode(), Size: max(n.size, 0), Blksize: 4096, Atim: n.time, Mtim: n.time, Ctim: n.time}
	s.Blocks = (s.Size + 511) / 512
	return abi.Timespec{}, 0
}

// Statfs is for vfs.Node.
func (n *textNode) Statfs(_ vfs.Waiter, s *lx.Statfs) abi.Errno {
	*s = lx.Statfs{Type: n.kind, Bsize: 4096, Namelen: lx.NameMax}
	return 0
}

// Open is for vfs.Node.
func (n *textNode) Open(_ vfs.Waiter, flags uint32) (vfs.Open, abi.Errno) {
	if flags&abi.O_ACCMODE != abi.O_RDONLY {
		return nil, abi.EACCES
	}
	return &textOpen{text: n.text()}, 0
}

type textOpen struct {
	vfs.BaseOpen
	text []byte
}

// Read is for vfs.Open.
func (o *textOpen) Read(_ vfs.Waiter, b lx.Buffer, off int64) (int, abi.Errno) {
	if off >= int64(len(o.text)) {
		return 0, 0
	}
	p := o.text[off:]
	n, e := b.Put(p[:min(len(p), b.Len())])
	if n > 0 {
		e = 0
	}
	return n, e
}

// Seek finds data everywhere.
func (o *textOpen) Seek(_ vfs.Waiter, off int64, whence int) (int64, abi.Errno) {
	switch {
	case off < 0 || off >= int64(len(o.text)):
		return 0, abi.ENXIO
	case whence == lx.SeekHole:
		return int64(len(o.text)), 0
	}
	return off, 0
}

// procFolder makes the files of a directory of /proc, with their inode numbers.
type procFolder struct {
	*vfs.Fixed
	next uint64 // the inode number of the next file
}

func newProcFolder(ino uint64, now abi.Timespec) *procFolder {
	return &procFolder{&vfs.Fixed{Ino: ino, Dev: devProc, Time: now, Kind: procMagic}, ino + 1}
}

// text adds a file whose text is made when it is opened.
func (d *procFolder) text(name string, text func() string) { d.secret(name, 0o444, text) }

// secret is text with a mode.
func (d *procFolder) secret(name string, mode uint32, text func() string) {
	d.Add(name, &textNode{ino: d.next, dev: devProc, kind: procMagic, mode: mode, time: d.Time,
		text: func() []byte { return []byte(text()) }, size: -1})
	d.next++
}

// link adds a symbolic link.
func (d *procFolder) link(name string, target func() (string, abi.Errno)) {
	d.Add(name, &linkNode{ino: d.next, dev: devProc, time: d.Time, target: target})
	d.next++
}

// folder adds a directory. Numbers of its files are its own.
func (d *procFolder) folder(name string) *procFolder {
	f := newProcFolder(d.next<<20, d.Time)
	d.Add(name, f.Fixed)
	d.next++
	return f
}

// proc makes /proc.
func (s *Server) proc(now abi.Timespec) vfs.Node {
	d := newProcFolder(1, now)
	link := func(name string, target func(t *task) string) {
		d.link(name, func() (string, abi.Errno) {
			if s.current == nil {
				return "", abi.ENOENT
			}
			return target(s.current), 0
		})
	}
	link("self", func(t *task) string { return itoa(t.p.pid) })
	link("thread-self", func(t *task) string { return itoa(t.p.pid) + "/task/" + itoa(t.tid()) })
	d.link("mounts", func() (string, abi.Errno) { return "self/mounts", 0 })
	d.link("net", func() (string, abi.Errno) { return "self/net", 0 })
	s.procMachine(d)
	s.procSystem(d.folder("sys"))
	d.Find = func(name string) vfs.Node {
		if p := s.byPID[number(name)]; p != nil {
			return s.procProcess(p, d.Fixed, now)
		}
		return nil
	}
	d.List = func() (all []vfs.Entry) {
		for _, p := range s.byPID {
			all = append(all, vfs.Entry{Name: itoa(p.pid), Ino: inoOf(p, 1), Type: lx.DT_DIR, Next: int64(p.pid)})
		}
		return all
	}
	return d.Fixed
}

// tid is the id of the thread that calls.
func (t *task) tid() int32 {
	if t.Thread == 0 {
		return t.p.pid
	}
	return int32(t.Thread)
}

func itoa(n int32) string { return strconv.Itoa(int(n)) }

// number gives the id that a name is, -1: it is none.
func number(name string) int32 {
	n, err := strconv.ParseUint(name, 10, 31)
	if err != nil || name != strconv.FormatUint(n, 10) {
		return -1
	}
	return int32(n)
}
