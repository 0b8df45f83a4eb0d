// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"loam/abi"
	"loam/user/linux/lx"
	"loam/user/linux/vfs"
)

// newDevice makes a file of a device.
func (s *Server) newDevice(d device, flags uint32) *file {
	f := &file{dev: d, flags: flags &^ abi.O_CLOEXEC}
	f.path = vfs.Path{Mount: s.root, Node: &devNode{d: d}}
	f.setAttributes()
	return f
}

// devNode is the node of a device that has no name in a file system.
type devNode struct {
	vfs.Base
	d device
}

// Mode is for vfs.Node.
func (n *devNode) Mode() uint32 {
	var st abi.Stat
	n.d.stat(&st)
	return st.Mode
}

// Stat is for vfs.Node.
func (n *devNode) Stat(_ vfs.Waiter, st *abi.Stat) (abi.Timespec, abi.Errno) {
	n.d.stat(st)
	return abi.Timespec{}, 0
}

// Change is for vfs.Node: a pipe has attributes, a stream keeps its own, and others refuse.
func (n *devNode) Change(_ vfs.Waiter, c *vfs.Change) abi.Errno {
	switch d := n.d.(type) {
	case *pipeFile:
		d.own.change(c)
	case socketFile, *streamFile:
	default:
		return abi.ENOTSUP
	}
	return 0
}

// Statfs is for vfs.Node: as of Linux's pipes.
func (n *devNode) Statfs(_ vfs.Waiter, st *lx.Statfs) abi.Errno {
	*st = lx.Statfs{Type: 0x5049_5045, Bsize: 4096, Namelen: lx.NameMax}
	return 0
}

// Open is for vfs.Node.
func (n *devNode) Open(_ vfs.Waiter, flags uint32) (vfs.Open, abi.Errno) {
	d, e := n.d.again(flags)
	return &devOpen{d: d}, e
}

// devOpen is what opening a device gives, for the server to take it out.
type devOpen struct {
	vfs.BaseOpen
	d device
}
