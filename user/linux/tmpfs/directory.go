// SPDX-License-Identifier: Apache-2.0

package tmpfs

import (
	"slices"

	"loam/abi"
	"loam/user/linux/lx"
	"loam/user/linux/vfs"
)

// directory is what a directory has in it.
type directory struct {
	parent  *node  // where it is, or was before it was removed
	name    string // there
	removed bool
	entries []entry        // in the order of their numbers; one without a node was removed
	index   map[string]int // where an entry is, by name; nil while there are few
	live    int            // entries with nodes
	number  int64          // the last that was given
	cost    int64          // charged for names
}

type entry struct {
	name   string
	node   *node
	number int64
}

const (
	fewEntries = 8
	entryCost  = 64
)

// find gives the place of a name, -1: none.
func (d *directory) find(name string) int {
	if d.index != nil {
		if i, ok := d.index[name]; ok {
			return i
		}
		return -1
	}
	for i := range d.entries {
		if d.entries[i].node != nil && d.entries[i].name == name {
			return i
		}
	}
	return -1
}

// add gives n a name, which isn't there.
func (d *node) add(name string, n *node) abi.Errno {
	cost := int64(entryCost + len(name))
	if !d.fs.charge(cost) {
		return abi.ENOSPC
	}
	d.cost += cost
	d.number++
	d.entries = append(d.entries, entry{name, n, d.number})
	d.live++
	switch {
	case d.index != nil:
		d.index[name] = len(d.entries) - 1
	case len(d.entries) > fewEntries:
		d.compact()
	}
	if n.isDir() {
		n.parent, n.directory.name, n.removed = d, name, false
	}
	return 0
}

// drop takes the name at a place away.
func (d *node) drop(i int) {
	e := &d.entries[i]
	if d.index != nil {
		delete(d.index, e.name)
	}
	cost := int64(entryCost + len(e.name))
	d.fs.charge(-cost)
	d.cost -= cost
	*e = entry{number: e.number}
	if d.live--; len(d.entries) > 2*d.live+fewEntries {
		d.compact()
	}
}

// compact forgets the places of entries that were removed.
func (d *directory) compact() {
	d.entries = slices.DeleteFunc(d.entries, func(e entry) bool { return e.node == nil })
	if d.index = nil; len(d.entries) <= fewEntries {
		return
	}
	d.index = make(map[string]int, len(d.entries))
	for i := range d.entries {
		d.index[d.entries[i].name] = i
	}
}

// Parent is for vfs.Node.
func (n *node) Parent() (vfs.Node, string, abi.Errno) {
	switch {
	case !n.isDir():
		return nil, "", abi.ENOTDIR
	case n.parent == nil:
		return nil, "", 0
	case n.removed:
		return n.parent, n.directory.name, abi.ENOENT
	}
	return n.parent, n.directory.name, 0
}

// Lookup is for vfs.Node.
func (n *node) Lookup(_ vfs.Waiter, name string) (vfs.Node, abi.Errno) {
	if !n.isDir() {
		return nil, abi.ENOTDIR
	}
	if i := n.find(name); i >= 0 {
		return n.entries[i].node, 0
	}
	return nil, abi.ENOENT
}

// place checks that a name can be made, and gives a new file for it.
func (n *node) place(mode uint32) (*node, abi.Errno) {
	if n.removed {
		return nil, abi.ENOENT
	}
	c, e := n.fs.node(mode)
	if e == 0 && n.mode&vfs.SetGroup != 0 { // what is in such a directory is of its group
		if c.gid = n.gid; c.isDir() {
			c.mode |= vfs.SetGroup
		}
	}
	return c, e
}

// enter gives a new file its name.
func (n *node) enter(name string, c *node) abi.Errno {
	if e := n.add(name, c); e != 0 {
		c.release()
		return e
	}
	c.nlink = 1
	if c.isDir() {
		c.nlink = 2
		n.nlink++
	}
	n.changed(true)
	return 0
}

// Create is for vfs.Node.
func (n *node) Create(_ vfs.Waiter, name string, flags, mode uint32) (vfs.Node, vfs.Open, abi.Errno) {
	c, e := n.place(abi.S_IFREG | mode)
	if e != 0 {
		return nil, nil, e
	}
	if e := n.enter(name, c); e != 0 {
		return nil, nil, e
	}
	if flags == vfs.NoOpen {
		return c, nil, 0
	}
	c.opens++
	return c, &open{n: c}, 0
}

// Temporary makes and opens a regular file that has no name (O_TMPFILE).
func (n *node) Temporary(_ vfs.Waiter, mode uint32) (vfs.Node, vfs.Open, abi.Errno) {
	c, e := n.place(abi.S_IFREG | mode)
	if e != 0 {
		return nil, nil, e
	}
	c.opens++
	return c, &open{n: c}, 0
}

// Make is for vfs.Node.
func (n *node) Make(_ vfs.Waiter, name string, mode uint32, target string) abi.Errno {
	c, e := n.place(mode)
	if e != 0 {
		return e
	}
	c.target = target
	return n.enter(name, c)
}

// Link is for vfs.Node.
func (n *node) Link(_ vfs.Waiter, name string, to vfs.Node) abi.Errno {
	c, ok := to.(*node)
	switch {
	case !ok:
		return abi.EXDEV
	case n.removed:
		return abi.ENOENT
	case c.gone:
		return abi.ENOENT
	}
	if e := n.add(name, c); e != 0 {
		return e
	}
	c.nlink++
	c.changed(false)
	n.changed(true)
	return 0
}

// Remove is for vfs.Node.
func (n *node) Remove(_ vfs.Waiter, name string, _ vfs.Node, directory bool) abi.Errno {
	i := n.find(name)
	if i < 0 {
		return abi.ENOENT
	}
	c := n.entries[i].node
	if directory {
		if c.live > 0 {
			return abi.ENOTEMPTY
		}
		c.removed = true
		c.nlink--
		n.nlink--
	}
	n.drop(i)
	n.changed(true)
	c.unlinked()
	return 0
}

// Rename is for vfs.Node.
func (n *node) Rename(_ vfs.Waiter, name string, _ vfs.Node, to vfs.Node, newName string, _ vfs.Node, flags uint32) abi.Errno {
	t := to.(*node)
	i := n.find(name)
	if i < 0 || t.removed {
		return abi.ENOENT
	}
	c, j := n.entries[i].node, t.find(newName)
	if flags&lx.Exchange != 0 {
		n.exchange(i, t, j)
		return 0
	}
	if j >= 0 {
		over := t.entries[j].node
		if over.isDir() && over.live > 0 {
			return abi.ENOTEMPTY
		}
		if e := t.Remove(nil, newName, nil, over.isDir()); e != 0 {
			return e
		}
	}
	n.drop(n.find(name))
	if e := t.add(newName, c); e != 0 { // the old name was charged for: only a longer one fails
		_ = n.add(name, c)
		return e
	}
	if c.isDir() {
		n.nlink--
		t.nlink++
	}
	n.changed(true)
	t.changed(true)
	c.changed(false)
	return 0
}

// exchange has two names change their files.
func (n *node) exchange(i int, t *node, j int) {
	a, b := n.entries[i].node, t.entries[j].node
	n.entries[i].node, t.entries[j].node = b, a
	for _, m := range []struct {
		c, from, to *node
		name        string
	}{{a, n, t, t.entries[j].name}, {b, t, n, n.entries[i].name}} {
		if m.c.isDir() {
			m.c.parent, m.c.directory.name = m.to, m.name
			m.from.nlink--
			m.to.nlink++
		}
		m.c.changed(false)
	}
	n.changed(true)
	t.changed(true)
}

// Entries is for vfs.Open. Positions are numbers of entries, behind those of "." and "..".
func (o *open) Entries(_ vfs.Waiter, pos int64, f func(vfs.Entry) bool) abi.Errno {
	d := o.n
	if !d.isDir() {
		return abi.ENOTDIR
	}
	if d.removed {
		return abi.ENOENT
	}
	d.accessed()
	i, _ := slices.BinarySearchFunc(d.entries, pos-2, func(e entry, number int64) int {
		if e.number <= number {
			return -1
		}
		return 1
	})
	for ; i < len(d.entries); i++ {
		e := &d.entries[i]
		if e.node == nil {
			continue
		}
		if !f(vfs.Entry{Name: e.name, Ino: e.node.ino, Type: lx.TypeOf(e.node.mode), Next: e.number + 2}) {
			break
		}
	}
	return 0
}
