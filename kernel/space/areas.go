// SPDX-License-Identifier: Apache-2.0

package space

// Areas is an ordered set of disjoint areas. The zero value is not usable: see
// Init. Ranges given to its methods are page-aligned, not empty and don't
// wrap; the callers check that.
type Areas struct {
	pool  *Pool
	root  uint32
	hot   uint32 // what at found last
	count uint32
	limit uint32
}

// Init empties the set, which will take its nodes from pool, up to limit.
func (a *Areas) Init(pool *Pool, limit int) {
	*a = Areas{pool: pool, limit: uint32(limit)}
}

// Len is the number of areas.
func (a *Areas) Len() int { return int(a.count) }

// Find returns the area that addr lies in.
func (a *Areas) Find(addr uint64) (Area, bool) {
	if n := a.at(addr); n != nil {
		return n.area, true
	}
	return Area{}, false
}

// Next returns the first area that ends above addr: the one that addr lies in
// or else the one that follows.
func (a *Areas) Next(addr uint64) (Area, bool) {
	if n := a.above(addr); n != nil {
		return n.area, true
	}
	return Area{}, false
}

// Free reports whether no area overlaps the range.
func (a *Areas) Free(start, end uint64) bool {
	n := a.above(start)
	return n == nil || n.area.Start >= end
}

// Covered reports whether every page of the range lies in an area: whether there
// is no room for one.
func (a *Areas) Covered(start, end uint64) bool {
	_, hole := a.Room(start, end, PageSize)
	return !hole
}

// has reports whether an area with one of the marks overlaps the range.
func (a *Areas) has(start, end uint64, m marks) bool {
	return a.pool.has(a.root, start, end, m)
}

// reach returns the part of the range from start on in which there are at most
// n areas: where the n-th of them ends, or end.
func (a *Areas) reach(start, end uint64, n int) uint64 {
	for ; n > 0; n-- {
		x := a.above(start)
		if x == nil || x.area.End >= end {
			return end
		}
		start = x.area.End
	}
	return start
}

// Room returns the highest address from first on, such that size bytes from
// there are free and end at or below last.
func (a *Areas) Room(first, last, size uint64) (addr uint64, ok bool) {
	return a.pool.room(a.root, 0, ^uint64(0), first, last, size)
}

// Supply reports whether n more areas may be made. Insert needs 1, Remove
// needs 1, SetProt needs 2, at most.
func (a *Areas) Supply(n int) bool {
	return int(a.count)+n <= int(a.limit) && a.pool.supplies(n)
}

// Insert adds an area to a range that is free.
func (a *Areas) Insert(area Area) {
	if n := a.at(area.Start - 1); n != nil && n.area.joins(area) {
		n.area = n.area.joined(area)
		a.joinNext(n)
		return
	}
	if n := a.at(area.End); n != nil && area.joins(n.area) {
		n.area = area.joined(n.area)
		a.refresh(n)
		return
	}
	a.add(area)
}

// Remove empties a range, cutting the areas at its ends.
func (a *Areas) Remove(start, end uint64) {
	for n := a.above(start); n != nil && n.area.Start < end; n = a.above(start) {
		old := n.area
		switch {
		case old.Start < start:
			n.area = old.upTo(start)
			a.refresh(n)
			if old.End > end {
				a.add(old.from(end))
			}
		case old.End > end:
			n.area = old.from(end)
			a.refresh(n)
		default:
			a.drop(old.Start)
		}
	}
}

// SetProt gives a range, which is covered, new rights.
func (a *Areas) SetProt(start, end uint64, prot Prot) {
	for at := start; at < end; {
		n := a.at(at)
		old := n.area
		at = min(old.End, end)
		if old.Prot == prot {
			continue
		}
		// n keeps what changes; the parts around it become areas.
		n.area = old.from(max(old.Start, start)).upTo(at)
		n.area.Prot = prot
		a.refresh(n)
		if old.Start < start {
			a.add(old.upTo(start))
		}
		if old.End > end {
			a.add(old.from(end))
		}
	}
	a.merge(start, end)
}

// splits returns how many areas SetProt would add at the ends of the range,
// not counting those that it would merge.
func (a *Areas) splits(start, end uint64, prot Prot) (n int) {
	if f := a.at(start); f != nil && f.area.Start < start && f.area.Prot != prot {
		n++
	}
	if l := a.at(end - 1); l != nil && l.area.End > end && l.area.Prot != prot {
		n++
	}
	return n
}

// merge joins what can be joined from the area before start to that at end.
func (a *Areas) merge(start, end uint64) {
	if start > 0 {
		start--
	}
	for n := a.above(start); n != nil && n.area.End <= end; {
		if last := n.area.End; !a.joinNext(n) {
			n = a.above(last)
		}
	}
}

// joinNext refreshes n, whose end may have changed, and joins it with its
// neighbour if it can.
func (a *Areas) joinNext(n *Node) bool {
	next := a.at(n.area.End)
	if next == nil || !n.area.joins(next.area) {
		a.refresh(n)
		return false
	}
	area := n.area.joined(next.area)
	a.drop(next.area.Start)
	n.area = area
	a.refresh(n)
	return true
}

func (a *Areas) add(area Area) {
	a.root = a.pool.insert(a.root, a.pool.take(area))
	a.count++
}

// drop removes the area that starts at start. Nodes stay where they are, so
// pointers to others remain good.
func (a *Areas) drop(start uint64) {
	root, i := a.pool.remove(a.root, start)
	a.root = root
	if a.hot == i {
		a.hot = 0
	}
	a.pool.give(i)
	a.count--
}

// first returns the lowest area of a set that is being taken down, or nil; then
// dropFirst may follow, and above, but nothing else. It is left without balance and
// without what nodes know of their subtrees: so taking all areas away takes a step
// or two for each.
func (a *Areas) first() *Area {
	if a.root == 0 {
		return nil
	}
	a.root = a.pool.raiseFirst(a.root)
	return &a.pool.nodes[a.root].area
}

// dropFirst removes what first returned.
func (a *Areas) dropFirst() {
	i := a.root
	a.root, a.hot = a.pool.nodes[i].right, 0
	a.pool.give(i)
	a.count--
}

func (a *Areas) refresh(n *Node) { a.pool.refresh(a.root, n.area.Start) }

// at returns the node of the area that addr lies in, or nil. The pointer is
// good until the area is removed.
func (a *Areas) at(addr uint64) *Node {
	if i := a.hot; i != 0 {
		if n := &a.pool.nodes[i]; addr-n.area.Start < n.area.End-n.area.Start {
			return n
		}
	}
	for i := a.root; i != 0; {
		n := &a.pool.nodes[i]
		switch {
		case addr < n.area.Start:
			i = n.left
		case addr >= n.area.End:
			i = n.right
		default:
			a.hot = i
			return n
		}
	}
	return nil
}

// any reports whether an area has one of the marks.
func (a *Areas) any(m marks) bool { return a.root != 0 && a.pool.nodes[a.root].marks&m != 0 }

// below returns the node of the last area that starts below addr, or nil.
func (a *Areas) below(addr uint64) (found *Node) {
	for i := a.root; i != 0; {
		n := &a.pool.nodes[i]
		if n.area.Start < addr {
			found, i = n, n.right
		} else {
			i = n.left
		}
	}
	return found
}

// above returns the node of the first area that ends above addr, or nil.
func (a *Areas) above(addr uint64) (found *Node) {
	for i := a.root; i != 0; {
		n := &a.pool.nodes[i]
		if addr < n.area.End {
			found, i = n, n.left
		} else {
			i = n.right
		}
	}
	return found
}
