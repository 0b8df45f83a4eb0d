// SPDX-License-Identifier: Apache-2.0

package object

import (
	"slices"

	"loam/abi"
	"loam/kernel/pool"
)

// The operations of the model: each predicts what the package answers.

// spawn makes a process below creator.
func (w *world) spawn(creator *modelProcess, limits abi.Limits) {
	above := pool.Nil
	want := abi.Errno(0)
	m := &modelProcess{creator: creator, limits: limits, handles: map[abi.Handle]*modelHandle{}}
	if creator != nil {
		above = creator.p.Account
		want = w.mayCharge(creator, abi.KindProcess)
		for i := range m.limits {
			if m.limits[i] == abi.LimitDefault && i == abi.LimitPages {
				m.limits[i] = creator.limits[i]
			} else if m.limits[i] == abi.LimitDefault {
				m.limits[i] = (creator.limits[i] + 1) / 2
			} else if m.limits[i] > creator.limits[i] && want == 0 {
				want = abi.EDQUOT
			}
		}
		if want == 0 && m.limits.Of(abi.KindSpace) == 0 {
			want = abi.EDQUOT
		}
		if want == 0 && w.mayCharge(creator, abi.KindSpace) != 0 {
			want = abi.ENOSPC
		}
	}
	p, e := w.o.NewProcess(1, 2, above, &limits)
	w.wantErrno("NewProcess", e, want)
	if e != 0 {
		return
	}
	m.self = &modelObject{kind: abi.KindProcess, payer: creator, live: true}
	m.space = &modelObject{kind: abi.KindSpace, payer: m, live: true}
	m.p, m.at = p, w.tables[w.taken]
	m.table = w.o.Table(m.at)
	w.taken++
	w.index[m.self], w.index[m.space] = p.Object, p.Space
	w.procs, w.all = append(w.procs, m), append(w.all, m)
	th := w.newThread(m)
	if th == nil {
		w.end(m, 100)
		return
	}
	w.o.Furnish(m.table, &m.p, w.index[th])
	for i, o := range []*modelObject{m.self, m.space, th} {
		w.added(m, abi.HandleProcess+abi.Handle(i), o, abi.RightsOf(o.kind), 0, nil)
	}
}

func (w *world) newThread(p *modelProcess) *modelObject {
	want := w.mayCharge(p, abi.KindThread)
	i, e := w.o.New(abi.KindThread, 3, p.p.Account)
	w.wantErrno("New thread", e, want)
	if e != 0 {
		return nil
	}
	th := &modelObject{kind: abi.KindThread, payer: p, live: true}
	w.index[th] = i
	p.threads = append(p.threads, th)
	return th
}

// endThread ends the last thread of p.
func (w *world) endThread(p *modelProcess) {
	if n := len(p.threads); n > 0 {
		w.o.DropRecord(w.index[p.threads[n-1]])
		p.threads = p.threads[:n-1]
	}
}

// newNotification makes one with a handle in p.
func (w *world) newNotification(p *modelProcess) { w.newPlain(p, abi.KindNotification) }

func (w *world) newEndpoint(p *modelProcess) { w.newPlain(p, abi.KindEndpoint) }

// newPlain makes an object without a record with a handle in p.
func (w *world) newPlain(p *modelProcess, kind abi.Kind) {
	want := w.mayCharge(p, kind)
	i, e := w.o.New(kind, pool.Nil, p.p.Account)
	w.wantErrno("New "+kind.String(), e, want)
	if e != 0 {
		return
	}
	o := &modelObject{kind: kind, payer: p}
	h, e := w.o.Insert(p.table, i, abi.RightsOf(o.kind))
	if len(p.handles) == worldPlaces {
		w.wantErrno("Insert", e, abi.EMFILE)
		w.release(i)
		return
	}
	w.wantErrno("Insert", e, 0)
	w.index[o] = i
	w.added(p, h, o, abi.RightsOf(o.kind), 0, nil)
}

// checkNew checks a handle that p is given.
func (w *world) checkNew(p *modelProcess, h abi.Handle) {
	if _, there := p.handles[h]; there || slices.Contains(p.old, h) || h == 0 {
		w.t.Fatalf("handle %#x given twice", uint64(h))
	}
	if _, failed := abi.Failed(uint64(h)); failed {
		w.t.Fatalf("handle %#x looks like an error", uint64(h))
	}
}

// added says that p has a new handle, derived from parent, or from none.
func (w *world) added(p *modelProcess, h abi.Handle, o *modelObject, rights abi.Rights, badge uint64, parent *modelHandle) {
	w.checkNew(p, h)
	m := &modelHandle{object: o, rights: rights, badge: badge, widest: rights, holder: p, handle: h, parent: parent}
	if parent != nil {
		parent.children = append(parent.children, m)
	}
	p.handles[h] = m
}

func (w *world) release(i int32) {
	if !w.o.Release(i) {
		return
	}
	o := w.memory[i]
	if o == nil {
		w.t.Fatal("something to be done for an object that has no record and no waiters")
	}
	delete(w.memory, i)
	w.doomed = append(w.doomed, o)
}

// newMemory makes a memory object with a handle in p.
func (w *world) newMemory(p *modelProcess) {
	if len(p.handles) == worldPlaces {
		return
	}
	want := w.mayCharge(p, abi.KindMemory)
	i, e := w.o.New(abi.KindMemory, 1, p.p.Account)
	w.wantErrno("New memory", e, want)
	if e != 0 {
		return
	}
	o := &modelObject{kind: abi.KindMemory, payer: p}
	h, e := w.o.Insert(p.table, i, abi.RightsOf(o.kind))
	w.wantErrno("Insert", e, 0)
	w.index[o], w.memory[i] = i, o
	w.added(p, h, o, abi.RightsOf(o.kind), 0, nil)
}

// touch takes a frame for a memory object, as package memory charges it.
func (w *world) touch(p *modelProcess) {
	m, there := p.handles[w.pick(p)]
	if !there || m.object.kind != abi.KindMemory {
		return
	}
	for q := m.object.payer; q != nil; q = q.creator {
		if used := w.used(q); used[abi.LimitPages] == q.limits[abi.LimitPages] {
			return
		}
	}
	m.object.pages++
	for a := w.o.Pages(m.object.payer.p.Account); a != nil; a = a.Above {
		a.Used++
	}
}

// reap gives back the memory that was doomed first.
func (w *world) reap() {
	if len(w.doomed) == 0 {
		return
	}
	o := w.doomed[0]
	w.doomed = w.doomed[1:]
	for a := w.o.Pages(o.payer.p.Account); a != nil; a = a.Above {
		a.Used -= uint64(o.pages)
	}
	i := w.index[o]
	w.o.At(i).Record = pool.Nil
	w.o.Free(i)
}

// end ends a process after closing at most so many of its handles one by one.
func (w *world) end(p *modelProcess, pieces int) {
	for len(p.threads) > 0 {
		w.endThread(p)
	}
	n := 0
	for {
		i, ok := w.o.Pop(p.table)
		if !ok {
			break
		}
		n++
		w.release(i)
	}
	if n != len(p.handles) || p.table.Len() != 0 || p.table.Room() != worldPlaces {
		w.t.Fatalf("%d handles popped of %d, %d left", n, len(p.handles), p.table.Len())
	}
	for h := range p.handles {
		w.forget(p, h)
	}
	w.taken--
	w.tables[w.taken] = p.at
	// What of this comes first is not said: the record may be waited for.
	if pieces%2 == 0 {
		w.o.DropRecord(p.p.Object)
		w.o.EndProcess(&p.p)
	} else {
		w.o.EndProcess(&p.p)
		w.o.DropRecord(p.p.Object)
	}
	p.ended, p.handles = true, nil
	w.procs = slices.DeleteFunc(w.procs, func(q *modelProcess) bool { return q == p })
	for _, q := range w.all {
		if q.creator == p && w.present(q) {
			q.creator, q.self.payer = p.creator, p.creator
		}
	}
}
