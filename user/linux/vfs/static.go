// SPDX-License-Identifier: Apache-2.0

package vfs

import (
	"cmp"
	"slices"

	"loam/abi"
	"loam/user/linux/lx"
)

// Fixed is a directory whose entries a program can't change: those of /dev and /proc.
type Fixed struct {
	Base
	Ino  uint64
	Dev  uint64
	Time abi.Timespec
	Kind uint64 // of its file system, for statfs(2)

	// Entries that come and go, beside those that were added; nil: none.
	Find func(name string) Node
	List func() []Entry

	parent *Fixed
	name   string
	names  []string
	nodes  map[string]Node
}

// Add adds an entry. A Fixed gets d as its parent.
func (d *Fixed) Add(name string, n Node) {
	if d.nodes == nil {
		d.nodes = map[string]Node{}
	}
	if f, ok := n.(*Fixed); ok {
		f.parent, f.name = d, name
	}
	d.names = append(d.names, name)
	d.nodes[name] = n
}

// Within has d, which isn't an entry of it, lie in a directory: it is found by that one's Find.
func (d *Fixed) Within(parent *Fixed, name string) { d.parent, d.name = parent, name }

// Mode is for Node.
func (d *Fixed) Mode() uint32 { return abi.S_IFDIR | 0o755 }

// Stat is for Node.
func (d *Fixed) Stat(_ Waiter, s *abi.Stat) (abi.Timespec, abi.Errno) {
	*s = abi.Stat{Dev: d.Dev, Ino: d.Ino, Nlink: 2, Mode: d.Mode(), Blksize: 4096, Atim: d.Time, Mtim: d.Time, Ctim: d.Time}
	return abi.Timespec{}, 0
}

// Statfs is for Node.
func (d *Fixed) Statfs(_ Waiter, s *lx.Statfs) abi.Errno {
	*s = lx.Statfs{Type: d.Kind, Bsize: 4096, Namelen: lx.NameMax}
	return 0
}

// Parent is for Node.
func (d *Fixed) Parent() (Node, string, abi.Errno) {
	if d.parent == nil {
		return nil, "", 0
	}
	return d.parent, d.name, 0
}

// Lookup is for Node.
func (d *Fixed) Lookup(_ Waiter, name string) (Node, abi.Errno) {
	if n := d.nodes[name]; n != nil {
		return n, 0
	}
	if d.Find != nil {
		if n := d.Find(name); n != nil {
			return n, 0
		}
	}
	return nil, abi.ENOENT
}

// Open is for Node.
func (d *Fixed) Open(Waiter, uint32) (Open, abi.Errno) { return &fixedOpen{dir: d}, 0 }

type fixedOpen struct {
	BaseOpen
	dir *Fixed
}

// Read is of no file.
func (o *fixedOpen) Read(Waiter, lx.Buffer, int64) (int, abi.Errno) { return 0, abi.EISDIR }

// Entries is for Open. Those that come and go are listed anew each time, by number.
func (o *fixedOpen) Entries(_ Waiter, pos int64, f func(Entry) bool) abi.Errno {
	var all []Entry
	for i, name := range o.dir.names {
		var s abi.Stat
		n := o.dir.nodes[name]
		if _, e := n.Stat(nil, &s); e != 0 {
			continue
		}
		all = append(all, Entry{Name: name, Ino: s.Ino, Type: lx.TypeOf(n.Mode()), Next: int64(3 + i)})
	}
	if o.dir.List != nil {
		// Their positions are said by who lists them, behind these.
		more := o.dir.List()
		slices.SortFunc(more, func(a, b Entry) int { return cmp.Compare(a.Next, b.Next) })
		for _, e := range more {
			e.Next += int64(3 + len(o.dir.names))
			all = append(all, e)
		}
	}
	for _, e := range all {
		if e.Next > pos && !f(e) {
			break
		}
	}
	return 0
}
