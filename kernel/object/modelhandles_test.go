// SPDX-License-Identifier: Apache-2.0

package object

import (
	"maps"
	"slices"

	"loam/abi"
)

// The model's operations on handles.

// pick chooses a handle of p: most often a good one, else an old one, one of
// another process, or any number.
func (w *world) pick(p *modelProcess) abi.Handle {
	how := w.next()
	switch {
	case how < 200 && len(p.handles) > 0:
		all := slices.Sorted(maps.Keys(p.handles))
		return all[how%len(all)]
	case how < 230 && len(p.old) > 0:
		return p.old[how%len(p.old)]
	case how < 245:
		q := w.procs[how%len(w.procs)]
		all := slices.Sorted(maps.Keys(q.handles))
		if len(all) > 0 {
			return all[how%len(all)]
		}
	}
	return abi.Handle(w.next())<<abi.HandleIndexBits | abi.Handle(w.next())
}

// rights gives most of those of p's handle h, seldom others too.
func (w *world) rights(p *modelProcess, h abi.Handle) abi.Rights {
	some, more := w.next(), w.next()
	rights := abi.Rights(some | more)
	if m, there := p.handles[h]; there && w.next() < 220 {
		rights &= m.rights
	}
	return rights
}

func (w *world) duplicate(p *modelProcess) {
	h := w.pick(p)
	rights := w.rights(p, h)
	m, there := p.handles[h]
	want := abi.Errno(0)
	switch {
	case !there:
		want = abi.EBADF
	case m.rights&abi.RightDuplicate == 0 || rights&^m.rights != 0:
		want = abi.EACCES
	case len(p.handles) == worldPlaces:
		want = abi.EMFILE
	}
	made, e := w.o.Duplicate(p.table, h, rights)
	w.wantErrno("Duplicate", e, want)
	if e == 0 {
		w.added(p, made, m.object, rights, m.badge, m)
	}
}

func (w *world) mint(p *modelProcess) {
	h := w.pick(p)
	rights, badge := w.rights(p, h), uint64(w.next())
	if how := w.next(); how < 32 {
		badge = 0
	} else if how < 128 {
		badge |= 1 << 63 // not for a notification
	}
	m, there := p.handles[h]
	want := abi.Errno(0)
	switch {
	case !there:
		want = abi.EBADF
	case m.object.kind != abi.KindNotification && m.object.kind != abi.KindEndpoint:
		want = abi.ENOTSUP
	case badge == 0, m.object.kind == abi.KindNotification && badge>>63 != 0:
		want = abi.EINVAL
	case m.rights&abi.RightDuplicate == 0, rights&^m.rights != 0, m.badge != 0:
		want = abi.EACCES
	case len(p.handles) == worldPlaces:
		want = abi.EMFILE
	}
	made, e := w.o.Mint(p.table, h, rights, badge)
	w.wantErrno("Mint", e, want)
	if e == 0 {
		w.added(p, made, m.object, rights, badge, m)
	}
}

// revoke takes away what was derived from a handle of p, or most of it: what is left
// undone is what is left when something else comes in between.
func (w *world) revoke(p *modelProcess, most int) {
	h := w.pick(p)
	top, there := p.handles[h]
	for range most {
		ref, table, ok, e := w.o.Derived(p.table, h)
		if !there {
			w.wantErrno("Derived", e, abi.EBADF)
			return
		}
		w.wantErrno("Derived", e, 0)
		if !ok {
			break
		}
		m := w.named(ref, table)
		if m.parent != top {
			w.t.Fatalf("handle %#x, which wasn't derived from %#x, is to go", uint64(m.handle), uint64(h))
		}
		if i := w.o.RemoveDerived(ref); i != w.index[m.object] {
			w.t.Fatalf("handle %#x gives object %d, want %d", uint64(m.handle), i, w.index[m.object])
		}
		w.forget(m.holder, m.handle)
		w.release(w.index[m.object])
		w.check()
	}
	if there && most > worldPlaces*worldProcesses && len(top.children) > 0 {
		w.t.Fatalf("%d handles are still derived from %#x", len(top.children), uint64(h))
	}
}

// named gives the handle that ref means.
func (w *world) named(ref, table int32) *modelHandle {
	for _, p := range w.procs {
		for h, m := range p.handles {
			if p.at == table && p.table.index(h) == ref {
				return m
			}
		}
	}
	w.t.Fatalf("entry %d of table %d is no handle", ref, table)
	return nil
}

func (w *world) replace(p *modelProcess) {
	h := w.pick(p)
	rights := w.rights(p, h)
	m, there := p.handles[h]
	want := abi.Errno(0)
	switch {
	case !there:
		want = abi.EBADF
	case rights&^m.rights != 0:
		want = abi.EACCES
	}
	made, e := w.o.Replace(p.table, h, rights)
	w.wantErrno("Replace", e, want)
	if e == 0 {
		w.moved(m, p, made, rights)
	}
}

// moved says that handle made of p has m's place in the tree.
func (w *world) moved(m *modelHandle, p *modelProcess, made abi.Handle, rights abi.Rights) {
	w.checkNew(p, made)
	delete(m.holder.handles, m.handle)
	m.holder.old = append(m.holder.old, m.handle)
	m.holder, m.handle, m.rights = p, made, rights
	p.handles[made] = m
}

// forget says that p's handle h is no more, and what was derived from it is its
// parent's.
func (w *world) forget(p *modelProcess, h abi.Handle) {
	m := p.handles[h]
	delete(p.handles, h)
	p.old = append(p.old, h)
	for _, c := range m.children {
		c.parent = m.parent
	}
	if m.parent != nil {
		m.parent.children = slices.DeleteFunc(m.parent.children, func(c *modelHandle) bool { return c == m })
		m.parent.children = append(m.parent.children, m.children...)
	}
}

func (w *world) close(p *modelProcess) {
	h := w.pick(p)
	_, there := p.handles[h]
	want := abi.Errno(0)
	if !there {
		want = abi.EBADF
	}
	i, e := w.o.Remove(p.table, h)
	w.wantErrno("Remove", e, want)
	if e == 0 {
		w.forget(p, h)
		w.release(i)
	}
}

func (w *world) handOn(p, to *modelProcess) {
	on := abi.HandOn{Handle: w.pick(p), Flags: uint32(w.next()) % 3}
	on.Rights = w.rights(p, on.Handle)
	m, there := p.handles[on.Handle]
	want := abi.Errno(0)
	switch {
	case on.Flags > abi.HandOnMove:
		want = abi.EINVAL
	case !there:
		want = abi.EBADF
	case m.rights&abi.RightTransfer == 0, on.Rights&^m.rights != 0,
		on.Flags == 0 && m.rights&abi.RightDuplicate == 0:
		want = abi.EACCES
	}
	e := p.table.CheckHandOn(on)
	w.wantErrno("CheckHandOn", e, want)
	if e != 0 {
		return
	}
	if len(to.handles) == worldPlaces {
		want = abi.EMFILE
	}
	made, e := w.o.HandOn(p.table, to.table, on)
	w.wantErrno("HandOn", e, want)
	if e != 0 {
		return
	}
	if on.Flags == abi.HandOnMove {
		w.moved(m, to, made, on.Rights)
	} else {
		w.added(to, made, m.object, on.Rights, m.badge, m)
	}
}

func (w *world) get(p *modelProcess) {
	h, kind := w.pick(p), abi.Kind(1+w.next()%abi.NumKinds)
	need := w.rights(p, h)
	m, there := p.handles[h]
	if there && w.next() < 200 {
		kind = m.object.kind
	}
	want := abi.Errno(0)
	switch {
	case !there:
		want = abi.EBADF
	case m.object.kind != kind:
		want = abi.ENOTSUP
	case need&^m.rights != 0:
		want = abi.EACCES
	}
	if i, rights, badge, ok := Look(p.table, h); ok != there || ok && (i != w.index[m.object] || rights != m.rights || badge != m.badge) {
		w.t.Fatalf("handle %#x is %d %#x %#x %v", uint64(h), i, rights, badge, ok)
	}
	i, e := w.o.Get(p.table, h, kind, need)
	w.wantErrno("Get", e, want)
	if e == 0 && i != w.index[m.object] {
		w.t.Fatalf("handle %#x names object %d, want %d", uint64(h), i, w.index[m.object])
	}
}
