// SPDX-License-Identifier: Apache-2.0

package space

import (
	"loam/machine/frame"
	"loam/machine/paging"
)

// Node is an area's place in the tree. A slab of nodes is all that a Pool
// needs; its content is private.
type Node struct {
	area Area
	// Of the subtree: from the first area's start to the last one's end, and
	// the largest hole in between.
	low, high, gap uint64
	left, right    uint32 // 0: none; left links the free nodes
	height         uint8
	marks          marks
}

// marks is what areas of a subtree have in common with a search: bit k for an
// area of Kind k, and denied times a right for one that denies it.
type marks uint16

const denied = 1 << 9

func (a *Area) marks() marks { return 1<<a.Kind | denied*marks(a.Deny) }

// Pool is the supply of nodes for all spaces.
type Pool struct {
	// Frames, if it is not nil, is where the slab's memory comes from as it is
	// touched. When that is scarce only nodes are supplied that were in use before.
	Frames *frame.Allocator

	nodes []Node
	free  uint32 // list of given-back nodes
	fresh uint32 // the first that was never used
	used  uint32
	moves uint64 // numbers the moves of all spaces

	batch paging.Batch // see Space.batch
}

// Init gives the pool its slab, of which the first node stays unused. Nodes
// are not touched before they are needed, so that a large slab costs only
// what is used of it.
func (p *Pool) Init(slab []Node) {
	*p = Pool{Frames: p.Frames, nodes: slab, fresh: 1}
}

// Used is the number of nodes in use.
func (p *Pool) Used() int { return int(p.used) }

// Left is the number of nodes that are not in use.
func (p *Pool) Left() int { return max(len(p.nodes)-1, 0) - int(p.used) }

// supplies reports whether n nodes may be taken.
func (p *Pool) supplies(n int) bool {
	if p.Left() < n {
		return false
	}
	givenBack := int(p.fresh-1) - int(p.used)
	return givenBack >= n || p.Frames == nil || !p.Frames.Scarce()
}

// take returns an unused node, whose supply has been checked.
func (p *Pool) take(area Area) uint32 {
	i := p.free
	if i != 0 {
		p.free = p.nodes[i].left
	} else {
		i = p.fresh
		p.fresh++
	}
	p.used++
	p.nodes[i] = Node{area: area}
	p.update(i)
	return i
}

func (p *Pool) give(i uint32) {
	p.nodes[i] = Node{left: p.free}
	p.free = i
	p.used--
}

func (p *Pool) height(i uint32) uint8 {
	if i == 0 {
		return 0
	}
	return p.nodes[i].height
}

// update computes what i knows about its subtree from its children.
func (p *Pool) update(i uint32) {
	n := &p.nodes[i]
	n.low, n.high, n.gap = n.area.Start, n.area.End, 0
	n.marks = n.area.marks()
	lh, rh := uint8(0), uint8(0)
	if n.left != 0 {
		l := &p.nodes[n.left]
		n.marks |= l.marks
		n.low, lh = l.low, l.height
		n.gap = max(l.gap, n.area.Start-l.high)
	}
	if n.right != 0 {
		r := &p.nodes[n.right]
		n.marks |= r.marks
		n.high, rh = r.high, r.height
		n.gap = max(n.gap, r.gap, r.low-n.area.End)
	}
	n.height = max(lh, rh) + 1
}

// balance updates i, restores its balance, and returns the subtree's root.
func (p *Pool) balance(i uint32) uint32 {
	n := &p.nodes[i]
	lh, rh := p.height(n.left), p.height(n.right)
	switch {
	case lh > rh+1:
		l := &p.nodes[n.left]
		if p.height(l.left) < p.height(l.right) {
			n.left = p.rotateLeft(n.left)
		}
		return p.rotateRight(i)
	case rh > lh+1:
		r := &p.nodes[n.right]
		if p.height(r.right) < p.height(r.left) {
			n.right = p.rotateRight(n.right)
		}
		return p.rotateLeft(i)
	}
	p.update(i)
	return i
}

func (p *Pool) rotateRight(i uint32) uint32 {
	top := p.nodes[i].left
	p.nodes[i].left = p.nodes[top].right
	p.nodes[top].right = i
	p.update(i)
	p.update(top)
	return top
}

func (p *Pool) rotateLeft(i uint32) uint32 {
	top := p.nodes[i].right
	p.nodes[i].right = p.nodes[top].left
	p.nodes[top].left = i
	p.update(i)
	p.update(top)
	return top
}

// insert puts node i into the subtree t and returns its root. The recursion,
// as in the functions below, is as deep as the tree: 1.45 times the binary
// logarithm of the number of areas.
func (p *Pool) insert(t, i uint32) uint32 {
	if t == 0 {
		return i
	}
	n := &p.nodes[t]
	if p.nodes[i].area.Start < n.area.Start {
		n.left = p.insert(n.left, i)
	} else {
		n.right = p.insert(n.right, i)
	}
	return p.balance(t)
}

// remove takes the node that starts at key out of the subtree t, in which it
// is, and returns the root and the node.
func (p *Pool) remove(t uint32, key uint64) (root, removed uint32) {
	n := &p.nodes[t]
	switch {
	case key < n.area.Start:
		n.left, removed = p.remove(n.left, key)
	case key > n.area.Start:
		n.right, removed = p.remove(n.right, key)
	case n.left == 0:
		return n.right, t
	case n.right == 0:
		return n.left, t
	default:
		rest, first := p.removeFirst(n.right)
		f := &p.nodes[first]
		f.left, f.right = n.left, rest
		return p.balance(first), t
	}
	return p.balance(t), removed
}

// removeFirst takes the lowest node out of the subtree t.
func (p *Pool) removeFirst(t uint32) (root, removed uint32) {
	n := &p.nodes[t]
	if n.left == 0 {
		return n.right, t
	}
	n.left, removed = p.removeFirst(n.left)
	return p.balance(t), removed
}

// raiseFirst makes the lowest node of t the root, and updates no node.
func (p *Pool) raiseFirst(t uint32) uint32 {
	for n := &p.nodes[t]; n.left != 0; n = &p.nodes[t] {
		top := n.left
		n.left, p.nodes[top].right, t = p.nodes[top].right, t, top
	}
	return t
}

// refresh updates the nodes on the way from t to the one that starts at key,
// whose bounds have changed.
func (p *Pool) refresh(t uint32, key uint64) {
	n := &p.nodes[t]
	switch {
	case key < n.area.Start:
		p.refresh(n.left, key)
	case key > n.area.Start:
		p.refresh(n.right, key)
	}
	p.update(t)
}

// room returns the highest address at which size bytes are free within both
// the hole that the subtree t stands in, from low to high, and the range from
// first to last. ok is false if there is none.
func (p *Pool) room(t uint32, low, high, first, last, size uint64) (addr uint64, ok bool) {
	low, high = max(low, first), min(high, last)
	if low >= high || high-low < size {
		return 0, false
	}
	if t == 0 {
		return high - size, true
	}
	n := &p.nodes[t]
	// What the range cuts off can only make the holes at the ends smaller.
	if n.gap < size && !hole(low, n.low, size) && !hole(n.high, high, size) {
		return 0, false
	}
	if addr, ok = p.room(n.right, n.area.End, high, first, last, size); ok {
		return addr, true
	}
	return p.room(n.left, low, n.area.Start, first, last, size)
}

// has reports whether an area with one of the marks in the subtree t overlaps the
// range from first to last.
func (p *Pool) has(t uint32, first, last uint64, m marks) bool {
	if t == 0 {
		return false
	}
	n := &p.nodes[t]
	switch {
	case n.marks&m == 0 || n.high <= first || n.low >= last:
		return false
	case n.area.marks()&m != 0 && n.area.Start < last && n.area.End > first:
		return true
	}
	return p.has(n.left, first, last, m) || p.has(n.right, first, last, m)
}

func hole(low, high, size uint64) bool { return low < high && high-low >= size }
