// SPDX-License-Identifier: Apache-2.0

package vfs

import (
	"strings"

	"loam/abi"
	"loam/user/linux/lx"
)

// Mount is a file system in its place.
type Mount struct {
	Root     Node
	Parent   *Mount // nil of the first
	Point    Node   // what it covers, of Parent
	ReadOnly bool
	Source   string // for people: /proc/mounts
	Type     string
	children []*Mount
	Name     string // instead of Point's own place: it is the entry of Parent's root with this name
}

// Path is a file, and by which mount it was come to.
type Path struct {
	Mount *Mount
	Node  Node
}

// Add mounts a file system over a directory. EBUSY: one is mounted there.
func (m *Mount) Add(p Path, root Node, source, kind string, readOnly bool) (*Mount, abi.Errno) {
	if !IsDir(p.Node) {
		return nil, abi.ENOTDIR
	}
	if p.Mount.over(p.Node) != nil {
		return nil, abi.EBUSY
	}
	c := &Mount{Root: root, Parent: p.Mount, Point: p.Node, ReadOnly: readOnly, Source: source, Type: kind}
	p.Mount.children = append(p.Mount.children, c)
	return c, 0
}

// AddName mounts a file system as the entry of m's root with a name, whether there is one or not:
// for a root that isn't ours to make directories in. It isn't listed.
func (m *Mount) AddName(name string, root Node, source, kind string, readOnly bool) *Mount {
	c := &Mount{Root: root, Parent: m, Point: m.Root, ReadOnly: readOnly, Source: source, Type: kind, Name: name}
	m.children = append(m.children, c)
	return c
}

// named gives what is mounted as an entry of the root.
func (m *Mount) named(name string) *Mount {
	for _, c := range m.children {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// over gives what is mounted over a node.
func (m *Mount) over(n Node) *Mount {
	for _, c := range m.children {
		if c.Point == n && c.Name == "" {
			return c
		}
	}
	return nil
}

// All gives m and all below it, each before its own.
func (m *Mount) All() []*Mount {
	all := []*Mount{m}
	for _, c := range m.children {
		all = append(all, c.All()...)
	}
	return all
}

// View is where a process's paths begin, and what its new files are like.
type View struct {
	Root, Cwd Path
	Umask     uint32
	UID, GID  uint32  // whose new files are
	Events    *Events // nil: nobody is told
	Bounds    Bounds  // of the walks

	// Where the walk to the last file that was looked up, opened or made has ended: its directory, and its name there.
	// nil: that isn't known.
	Dir  Node
	Leaf string
	Made bool // by OpenPath
}

// Bounds say where a walk may not go (openat2(2)), as lx.Resolve has them.
type Bounds uint32

// scoped reports whether the walk stays below where it begins, which is the view's root.
func (b Bounds) scoped() bool { return b&(lx.ResolveBeneath|lx.ResolveInRoot) != 0 }

// maxLinks is how many links a path leads through.
const maxLinks = 40

// what the last name of a path is.
type lastKind uint8

const (
	lastName lastKind = iota
	lastDot
	lastDotDot
	lastRoot // there is no name: "/"
)

// walker is on its way along a path.
type walker struct {
	w     Waiter
	v     *View
	at    Path
	rest  string // of the path; what was done is gone
	links int

	// What stop has come to: the last name, in the directory at.
	name  string
	kind  lastKind
	slash bool      // there were slashes behind it
	found found     // what is known of name
	bad   abi.Errno // of where it begins
	based bool      // it has looked at where the root is
}

// walk begins a walk.
func (v *View) walk(w Waiter, from Path, path string) walker {
	k := walker{w: w, v: v, at: from, rest: path}
	if path != "" && path[0] == '/' {
		if k.at, k.based = v.Root, true; v.Bounds&lx.ResolveBeneath != 0 {
			k.bad = abi.EXDEV
		}
	}
	return k
}

// toRoot goes to the root of the view. Linux takes the root for another mount where it has not looked at it yet.
func (k *walker) toRoot() abi.Errno {
	b := k.v.Bounds
	based := k.based || b.scoped()
	k.based = true
	switch {
	case b&lx.ResolveBeneath != 0, b&lx.ResolveNoXdev != 0 && (!based || k.at.Mount != k.v.Root.Mount):
		return abi.EXDEV
	}
	k.at = k.v.Root
	return 0
}

// stop goes on to the directory of the last name.
func (k *walker) stop() abi.Errno {
	if k.bad != 0 {
		return k.bad
	}
	for {
		k.found = found{}
		if done, e := k.descend(); done || e != 0 {
			return e
		}
		rest := k.rest
		for rest != "" && rest[0] == '/' {
			rest = rest[1:]
		}
		if rest == "" {
			k.name, k.kind, k.slash = "", lastRoot, k.rest != ""
			return 0
		}
		name := rest
		if i := strings.IndexByte(rest, '/'); i >= 0 {
			name = rest[:i]
		}
		rest = rest[len(name):]
		k.rest = rest
		if !IsDir(k.at.Node) {
			return abi.ENOTDIR
		}
		k.name, k.kind = name, kindOf(name)
		if strings.TrimLeft(rest, "/") == "" {
			k.slash = rest != ""
			return 0
		}
		if e := k.through(); e != 0 {
			return e
		}
	}
}

func kindOf(name string) lastKind {
	switch name {
	case ".":
		return lastDot
	case "..":
		return lastDotDot
	}
	return lastName
}

// through goes into what has the name, which isn't the last.
func (k *walker) through() abi.Errno {
	p, e := k.child()
	if e != 0 {
		return e
	}
	if p.Node != nil && IsLink(p.Node) {
		return k.follow(p)
	}
	if !IsDir(p.Node) {
		return abi.ENOTDIR
	}
	k.at = p
	return 0
}

// atLink reports whether the last name is a link's. A link that a Jump has gone to isn't there by a name, and is the end.
func (k *walker) atLink(p Path) bool { return k.kind == lastName && IsLink(p.Node) }

// child gives what has the name that stop has come to. A file that isn't there is ENOENT.
func (k *walker) child() (Path, abi.Errno) {
	switch k.kind {
	case lastDot, lastRoot:
		return k.at, 0
	case lastDotDot:
		if k.at == k.v.Root && k.v.Bounds&lx.ResolveBeneath != 0 {
			return Path{}, abi.EXDEV
		}
		k.based = true
		return k.within(k.at.up(k.v))
	}
	if len(k.name) > lx.NameMax {
		if _, _, e := k.at.Node.Parent(); e == abi.ENOENT { // which has been removed
			return Path{}, e
		}
		return Path{}, abi.ENAMETOOLONG
	}
	if m := k.at.Mount; len(m.children) > 0 && k.at.Node == m.Root {
		if c := m.named(k.name); c != nil {
			return k.within(Path{c, c.Root}.down())
		}
	}
	n, e := k.lookup()
	if e != 0 {
		return Path{}, e
	}
	return k.within(Path{k.at.Mount, n}.down())
}

// within refuses another mount, if the walk may not go to one.
func (k *walker) within(p Path) (Path, abi.Errno) {
	if k.v.Bounds&lx.ResolveNoXdev != 0 && p.Mount != k.at.Mount {
		return Path{}, abi.EXDEV
	}
	return p, 0
}

// lookup looks the name up, unless that was just done.
func (k *walker) lookup() (Node, abi.Errno) {
	if f := k.found; f.there {
		k.found = found{}
		return f.node, f.e
	}
	return k.at.Node.Lookup(k.w, k.name)
}

// down goes into what is mounted over a node.
func (p Path) down() Path {
	for len(p.Mount.children) > 0 {
		m := p.Mount.over(p.Node)
		if m == nil {
			break
		}
		p = Path{m, m.Root}
	}
	return p
}

// up gives "..".
func (p Path) up(v *View) Path {
	for p != v.Root {
		if p.Node != p.Mount.Root {
			n, _, _ := p.Node.Parent() // also if it was removed
			if n == nil {
				return p
			}
			return Path{p.Mount, n}.down()
		}
		if p.Mount.Parent == nil {
			return p
		}
		if p = (Path{p.Mount.Parent, p.Mount.Point}); p.Mount.Root == p.Node {
			return p // of a root's entry
		}
	}
	return p.down()
}

// follow goes on with a link's target, in the place of the name.
func (k *walker) follow(p Path) abi.Errno {
	if k.links++; k.links > maxLinks {
		return abi.ELOOP
	}
	if k.v.Bounds&lx.ResolveNoSymlinks != 0 {
		return abi.ELOOP
	}
	if j, ok := p.Node.(Jump); ok {
		return k.jump(j)
	}
	target, e := p.Node.Readlink(k.w)
	switch {
	case e != 0:
		return e
	case target == "":
		return abi.ENOENT
	case target[0] == '/':
		if e := k.toRoot(); e != 0 {
			return e
		}
	}
	k.rest = target + k.rest
	return 0
}

// jump goes to where a link leads that leads to a file.
func (k *walker) jump(j Jump) abi.Errno {
	if k.v.Bounds&lx.ResolveNoMagicLinks != 0 {
		return abi.ELOOP
	}
	to, e := j.Jump()
	switch {
	case e != 0:
		return e
	case k.v.Bounds.scoped(), k.v.Bounds&lx.ResolveNoXdev != 0 && to.Mount != k.at.Mount:
		return abi.EXDEV
	}
	k.at = to
	return 0
}

// Jump is a link that leads to a file, not to a name: those of /proc.
type Jump interface {
	Jump() (Path, abi.Errno)
}

// Lookup gives what a path leads to, through a link at its end or not. A path that is empty
// leads nowhere (ENOENT).
func (v *View) Lookup(w Waiter, from Path, path string, follow bool) (Path, abi.Errno) {
	if path == "" {
		return Path{}, abi.ENOENT
	}
	k := v.walk(w, from, path)
	p, _, e := k.end(follow)
	return p, e
}

// LookupNamed is Lookup through a link at the end, and gives the name from the root on of the file
// that is found, empty if it has none any more.
func (v *View) LookupNamed(w Waiter, from Path, path string) (p Path, name string, e abi.Errno) {
	if path == "" {
		return Path{}, "", abi.ENOENT
	}
	k := v.walk(w, from, path)
	p, jump, e := k.end(true)
	switch {
	case e != 0:
		return p, "", e
	case jump != nil:
		name, _ = jump.Readlink(w)
		return p, name, 0
	case IsDir(p.Node):
		name, _ = v.Name(p)
		return p, name, 0
	}
	if name, e = v.Name(k.at); e != 0 {
		return p, "", 0
	}
	return p, strings.TrimSuffix(name, "/") + "/" + k.name, 0
}

// end goes to a path's end. If that was the target of a Jump, jump is it.
func (k *walker) end(follow bool) (p Path, jump Node, e abi.Errno) {
	for {
		if e = k.stop(); e != 0 {
			return Path{}, nil, e
		}
		if p, e = k.child(); e != 0 {
			return Path{}, nil, e
		}
		if k.atLink(p) && (follow || k.slash) {
			if e = k.follow(p); e != 0 {
				return Path{}, nil, e
			}
			jump = nil
			if _, ok := p.Node.(Jump); ok {
				jump = p.Node
			}
			continue
		}
		if k.slash && !IsDir(p.Node) {
			return Path{}, nil, abi.ENOTDIR
		}
		k.note()
		return p, jump, 0
	}
}

// parent goes to the directory of a path's last name.
func (v *View) parent(w Waiter, from Path, path string) (walker, abi.Errno) {
	k := v.walk(w, from, path)
	if path == "" {
		return k, abi.ENOENT
	}
	return k, k.stop()
}

// Name gives the path of a directory from the root on, as getcwd(2) does. ENOENT: it was
// removed.
func (v *View) Name(p Path) (string, abi.Errno) {
	var names []string
	for p != v.Root {
		if p.Node == p.Mount.Root {
			if p.Mount.Parent == nil {
				break
			}
			if p.Mount.Name != "" {
				names = append(names, p.Mount.Name)
			}
			p = Path{p.Mount.Parent, p.Mount.Point}
			continue
		}
		n, name, e := p.Node.Parent()
		if e != 0 {
			return "", e
		}
		names = append(names, name)
		p.Node = n
	}
	if len(names) == 0 {
		return "/", 0
	}
	var b strings.Builder
	for i := len(names) - 1; i >= 0; i-- {
		b.WriteByte('/')
		b.WriteString(names[i])
	}
	return b.String(), 0
}
