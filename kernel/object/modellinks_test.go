// SPDX-License-Identifier: Apache-2.0

package object

import (
	"slices"

	"loam/abi"
)

// receivers counts the handles that one can receive from an endpoint by.
func (w *world) receivers(o *modelObject) (n int) {
	for _, p := range w.procs {
		for _, m := range p.handles {
			if m.object == o && o.kind == abi.KindEndpoint && m.rights&abi.RightWait != 0 {
				n++
			}
		}
	}
	return n
}

// ref gives the index of m's entry.
func (m *modelHandle) ref() int32 { return m.holder.table.index(m.handle) }

// checkLinks compares the list of what was derived from m with the model's, and what
// must hold along the tree.
func (w *world) checkLinks(m *modelHandle) {
	var want, got []int32
	for _, c := range m.children {
		want = append(want, c.ref())
		if c.parent != m || c.object != m.object || c.widest&^m.widest != 0 || m.badge != 0 && c.badge != m.badge {
			w.t.Fatalf("%#x is derived from %#x, with more than that", uint64(c.handle), uint64(m.handle))
		}
	}
	if m.rights&^m.widest != 0 {
		w.t.Fatalf("%#x has rights %#x, and never had more than %#x", uint64(m.handle), m.rights, m.widest)
	}
	all := w.o.entries
	l := all[m.ref()].links
	for at, before := l.first, -(m.ref() + 1); at > 0; at = all[at-1].links.next {
		child := all[at-1].links
		if child.prev != before || len(got) > len(all) {
			w.t.Fatalf("entry %d says %d is before it, not %d", at-1, child.prev, before)
		}
		if child.next <= 0 && (child.next != -(m.ref()+1) || l.last != at) {
			w.t.Fatalf("entry %d, the last child of %d, has %d after it", at-1, m.ref(), child.next)
		}
		got, before = append(got, at-1), at
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) || (l.first == 0) != (l.last == 0) {
		w.t.Fatalf("derived from entry %d are %v, want %v", m.ref(), got, want)
	}
	w.checkRoot(m, l)
}

// checkRoot checks the list of a handle without a parent: those after it have none
// either, and it is their neighbour.
func (w *world) checkRoot(m *modelHandle, l links) {
	if (m.parent == nil) == (l.prev < 0 || l.next < 0) && (m.parent == nil || len(m.parent.children) == 1) {
		w.t.Fatalf("entry %d: %+v", m.ref(), l)
	}
	if l.next > 0 && w.o.entries[l.next-1].links.prev != m.ref()+1 {
		w.t.Fatalf("entry %d isn't before %d", m.ref(), l.next-1)
	}
}
