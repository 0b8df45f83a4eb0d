// SPDX-License-Identifier: Apache-2.0

package vfs

import (
	"strings"

	"loam/abi"
	"loam/user/linux/lx"
)

// Descender is a directory of a file system to which each question is a message to somebody: it looks
// several names up at once.
type Descender interface {
	// Descend goes down a path of names, neither "." nor ".." among them, with one slash between
	// two, as far as there are directories. It gives what it has come to and how many names that
	// took. An error is why it went no further from a directory, unless n is nil. Parent tells of n where
	// it is, whatever it is.
	Descend(w Waiter, path string) (n Node, names int, e abi.Errno)
}

// found is what Descend has said of the last name, for child.
type found struct {
	there bool
	node  Node
	e     abi.Errno
}

// descend goes down several names at once, where that can be. done says that it has come to the last
// name, as stop does.
func (k *walker) descend() (done bool, e abi.Errno) {
	d, ok := k.at.Node.(Descender)
	if !ok || len(k.at.Mount.children) > 0 || k.v.Bounds != 0 {
		return false, 0
	}
	names, rest := plainNames(k.rest)
	if len(names) < 2 {
		return false, 0
	}
	n, walked, e := d.Descend(k.w, strings.Join(names, "/"))
	if n == nil {
		return false, e
	}
	all := walked == len(names)
	if !all && e == 0 && IsDir(n) {
		e = abi.EIO // it gave no reason
	}
	switch last := strings.TrimLeft(rest, "/") == ""; {
	case all && last:
		return k.last(n, names[walked-1], rest, found{true, n, 0})
	case !all && IsDir(n) && last && walked == len(names)-1:
		k.at.Node = n
		k.name, k.kind, k.rest, k.slash = names[walked], lastName, rest, rest != ""
		k.found = found{true, nil, e}
		return true, 0
	case IsLink(n):
		if k.at.Node, e = parentOf(n); e != 0 {
			return false, e
		}
		k.rest = "/" + strings.Join(names[walked:], "/") + rest
		if all {
			k.rest = rest
		}
		return false, k.follow(Path{k.at.Mount, n})
	case !IsDir(n):
		return false, abi.ENOTDIR
	case !all:
		return false, e
	}
	k.at.Node, k.rest = n, rest
	return false, 0
}

// last is stop's end: the last name is there.
func (k *walker) last(n Node, name, rest string, f found) (bool, abi.Errno) {
	parent, e := parentOf(n)
	if e != 0 {
		return false, e
	}
	k.at.Node = parent
	k.name, k.kind, k.rest, k.slash = name, lastName, rest, rest != ""
	k.found = f
	return true, 0
}

// parentOf gives the directory of what Descend has come to.
func parentOf(n Node) (Node, abi.Errno) {
	p, _, e := n.Parent()
	if e == 0 && p == nil {
		e = abi.ENOENT
	}
	return p, e
}

// plainNames gives the names at the front of a path up to the first "." or "..", or one that is too
// long, and what follows.
func plainNames(path string) (names []string, rest string) {
	for rest = path; ; {
		next := strings.TrimLeft(rest, "/")
		end := strings.IndexByte(next, '/')
		if end < 0 {
			end = len(next)
		}
		name := next[:end]
		if name == "" || name == "." || name == ".." || len(name) > lx.NameMax {
			return names, rest
		}
		names, rest = append(names, name), next[end:]
	}
}
