// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"strconv"

	"loam/abi"
	"loam/user/linux/vfs"
)

// Links of /proc that lead to files, whatever their names.

// jumpNode is a link that leads to a file without a name.
type jumpNode struct {
	linkNode
	view *vfs.View
	to   func() (vfs.Path, abi.Errno)
	f    *file  // of a descriptor
	name string // that is told, if it isn't the path's
}

// Jump is for vfs.Jump.
func (n *jumpNode) Jump() (vfs.Path, abi.Errno) { return n.to() }

// Readlink is for vfs.Node.
func (n *jumpNode) Readlink(vfs.Waiter) (string, abi.Errno) {
	p, e := n.to()
	if e != 0 {
		return "", e
	}
	switch {
	case n.name != "":
		return n.name, 0
	case n.f != nil && n.f.name != "":
		return n.f.name, 0
	}
	if d, ok := p.Node.(*devNode); ok {
		return d.name(), 0
	}
	if vfs.IsDir(p.Node) {
		return n.view.Name(p)
	}
	return n.nameOf(p)
}

// nameOf gives the path of a file that was opened in a directory.
func (n *jumpNode) nameOf(p vfs.Path) (string, abi.Errno) {
	if n.f == nil || n.f.dir == nil {
		return "/", 0
	}
	at, e := n.view.Name(vfs.Path{Mount: p.Mount, Node: n.f.dir})
	if e != 0 {
		return "", e
	}
	if at != "/" {
		at += "/"
	}
	at += n.f.leaf
	if g, ok := p.Node.(vfs.Goner); ok {
		if now, e := n.f.dir.Lookup(nil, n.f.leaf); g.Gone() || e == abi.ENOENT || e == 0 && now != p.Node {
			at += " (deleted)"
		}
	}
	return at, 0
}

// name is what /proc/self/fd says of a device.
func (n *devNode) name() string {
	var st abi.Stat
	n.d.stat(&st)
	switch n.d.(type) {
	case *eventFile:
		return "anon_inode:[eventfd]"
	case *epollFile:
		return "anon_inode:[eventpoll]"
	case *timerFile:
		return "anon_inode:[timerfd]"
	case *signalFile:
		return "anon_inode:[signalfd]"
	case *inotifyFile:
		return "anon_inode:inotify"
	case *streamFile:
		if st.Mode&abi.S_IFMT == abi.S_IFCHR {
			return "/dev/pts/0"
		}
	case socketFile:
		return "socket:[" + strconv.FormatUint(st.Ino, 10) + "]"
	}
	return "pipe:[" + strconv.FormatUint(st.Ino, 10) + "]"
}
