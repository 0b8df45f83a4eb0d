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

// rights gives most of them more often than not.
func (w *world) rights() abi.Rights {
	some, more := w.next(), w.next()
	return abi.Rights(some | more)
}

func (w *world) duplicate(p *modelProcess) {
	h, rights := w.pick(p), w.rights()
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
		w.added(p, made, modelHandle{m.object, rights})
	}
}

func (w *world) replace(p *modelProcess) {
	h, rights := w.pick(p), w.rights()
	m, there := p.handles[h]
	want := abi.Errno(0)
	switch {
	case !there:
		want = abi.EBADF
	case rights&^m.rights != 0:
		want = abi.EACCES
	}
	made, e := p.table.Replace(h, rights)
	w.wantErrno("Replace", e, want)
	if e == 0 {
		w.forget(p, h)
		w.added(p, made, modelHandle{m.object, rights})
	}
}

func (w *world) forget(p *modelProcess, h abi.Handle) {
	delete(p.handles, h)
	p.old = append(p.old, h)
}

func (w *world) close(p *modelProcess) {
	h := w.pick(p)
	_, there := p.handles[h]
	want := abi.Errno(0)
	if !there {
		want = abi.EBADF
	}
	i, e := p.table.Remove(h)
	w.wantErrno("Remove", e, want)
	if e == 0 {
		w.forget(p, h)
		w.release(i)
	}
}

func (w *world) handOn(p, to *modelProcess) {
	on := abi.HandOn{Handle: w.pick(p), Rights: w.rights(), Flags: uint32(w.next()) % 3}
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
	if e != 0 || p == to {
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
		w.forget(p, on.Handle)
	}
	w.added(to, made, modelHandle{m.object, on.Rights})
}

func (w *world) get(p *modelProcess) {
	h, need, kind := w.pick(p), w.rights(), abi.Kind(1+w.next()%abi.NumKinds)
	m, there := p.handles[h]
	want := abi.Errno(0)
	switch {
	case !there:
		want = abi.EBADF
	case m.object.kind != kind:
		want = abi.ENOTSUP
	case need&^m.rights != 0:
		want = abi.EACCES
	}
	i, e := w.o.Get(p.table, h, kind, need)
	w.wantErrno("Get", e, want)
	if e == 0 && i != w.index[m.object] {
		w.t.Fatalf("handle %#x names object %d, want %d", uint64(h), i, w.index[m.object])
	}
}
