// SPDX-License-Identifier: Apache-2.0

package object

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"loam/abi"
	"loam/kernel/pool"
)

// The model: objects, processes and handles as Go values that refer to each
// other, counts made anew from them whenever they are compared. It shares
// nothing with the package but the kinds and the rights.

type modelObject struct {
	kind  abi.Kind
	payer *modelProcess // nil: nobody
	pages uint32        // frames, of a memory object
	live  bool          // the kernel refers to it
}

type modelHandle struct {
	object *modelObject
	rights abi.Rights
}

type modelProcess struct {
	self    *modelObject
	space   *modelObject
	creator *modelProcess
	limits  abi.Limits
	handles map[abi.Handle]modelHandle
	old     []abi.Handle // closed
	threads []*modelObject
	ended   bool // its account is closed

	p     Process
	table *Table
}

// world runs operations on both, as the bytes of a script say.
type world struct {
	t      testing.TB
	o      Objects
	procs  []*modelProcess // that live
	all    []*modelProcess // whose account may be there
	doomed []*modelObject  // memory that nobody refers to, not given back yet
	index  map[*modelObject]int32
	memory map[int32]*modelObject // by its index
	script []byte
	at     int
	done   int // operations
}

const (
	worldProcesses = 6
	worldPlaces    = 9
)

var worldLimits = abi.Limits{worldProcesses, worldProcesses, 9, 12, 5, 40}

func (w *world) next() int {
	if w.at == len(w.script) {
		return 0
	}
	w.at++
	return int(w.script[w.at-1])
}

// held lists the objects that something refers to.
func (w *world) held() map[*modelObject]int {
	refs := map[*modelObject]int{}
	for _, p := range w.procs {
		for _, h := range p.handles {
			refs[h.object]++
		}
		for _, th := range p.threads {
			refs[th]++
		}
		refs[p.self]++ // the record's
		refs[p.space]++
	}
	for _, o := range w.doomed {
		refs[o] = 0
	}
	for again := true; again; { // an account keeps its process, which may keep another account
		again = false
		for _, p := range w.all {
			if refs[p.self]&kept == 0 && (!p.ended || w.pays(p, refs)) {
				refs[p.self] |= kept
				again = true
			}
		}
	}
	return refs
}

// kept in a count of references says that the process's account has one.
const kept = 1 << 20

// pays reports whether an object that something refers to is charged to p.
func (w *world) pays(p *modelProcess, refs map[*modelObject]int) bool {
	for o := range refs {
		if o.payer == p {
			return true
		}
	}
	return false
}

// used counts what is charged to p and those below.
func (w *world) used(p *modelProcess) (used abi.Limits) {
	for o := range w.held() {
		for q := o.payer; q != nil; q = q.creator {
			if q == p {
				used[o.kind-1]++
				used[abi.LimitPages] += o.pages
			}
		}
	}
	return used
}

// mayCharge predicts what charging p answers.
func (w *world) mayCharge(p *modelProcess, kind abi.Kind) abi.Errno {
	for q := p; q != nil; q = q.creator {
		used := w.used(q)
		switch {
		case used.Of(kind) < q.limits.Of(kind):
		case q == p:
			return abi.EDQUOT
		default:
			return abi.ENOSPC
		}
	}
	return 0
}

func (w *world) wantErrno(what string, got, want abi.Errno) {
	w.t.Helper()
	if got != want {
		w.t.Fatalf("%s: %v %q, want %v %q", what, uint16(got), got.Name(), uint16(want), want.Name())
	}
}

// spawn makes a process below creator.
func (w *world) spawn(creator *modelProcess, limits abi.Limits) {
	above := pool.Nil
	want := abi.Errno(0)
	m := &modelProcess{creator: creator, limits: limits, handles: map[abi.Handle]modelHandle{}}
	if creator != nil {
		above = creator.p.Account
		want = w.mayCharge(creator, abi.KindProcess)
		for i := range m.limits {
			if m.limits[i] == abi.LimitDefault {
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
	m.p, m.table = p, new(Table)
	m.table.Init(make([]Entry, worldPlaces))
	w.index[m.self], w.index[m.space] = p.Object, p.Space
	w.procs, w.all = append(w.procs, m), append(w.all, m)
	th := w.newThread(m)
	if th == nil {
		w.end(m, 100)
		return
	}
	w.o.Furnish(m.table, &m.p, w.index[th])
	for i, o := range []*modelObject{m.self, m.space, th} {
		m.handles[abi.HandleProcess+abi.Handle(i)] = modelHandle{o, abi.RightsOf(o.kind)}
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
func (w *world) newNotification(p *modelProcess) {
	want := w.mayCharge(p, abi.KindNotification)
	i, e := w.o.New(abi.KindNotification, pool.Nil, p.p.Account)
	w.wantErrno("New notification", e, want)
	if e != 0 {
		return
	}
	o := &modelObject{kind: abi.KindNotification, payer: p}
	h, e := p.table.Insert(i, abi.RightsOf(o.kind))
	if len(p.handles) == worldPlaces {
		w.wantErrno("Insert", e, abi.EMFILE)
		w.release(i)
		return
	}
	w.wantErrno("Insert", e, 0)
	w.index[o] = i
	w.added(p, h, modelHandle{o, abi.RightsOf(o.kind)})
}

func (w *world) added(p *modelProcess, h abi.Handle, m modelHandle) {
	if _, there := p.handles[h]; there || slices.Contains(p.old, h) || h == 0 {
		w.t.Fatalf("handle %#x given twice", uint64(h))
	}
	if _, failed := abi.Failed(uint64(h)); failed {
		w.t.Fatalf("handle %#x looks like an error", uint64(h))
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
	h, e := p.table.Insert(i, abi.RightsOf(o.kind))
	w.wantErrno("Insert", e, 0)
	w.index[o], w.memory[i] = i, o
	w.added(p, h, modelHandle{o, abi.RightsOf(o.kind)})
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

func (w *world) rights() abi.Rights { return abi.Rights(w.next() | w.next()) }

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

// end ends a process after closing at most so many of its handles one by one.
func (w *world) end(p *modelProcess, pieces int) {
	for len(p.threads) > 0 {
		w.endThread(p)
	}
	n := 0
	for {
		i, ok := p.table.Pop()
		if !ok {
			break
		}
		n++
		w.release(i)
	}
	if n != len(p.handles) || p.table.Len() != 0 {
		w.t.Fatalf("%d handles popped of %d, %d left", n, len(p.handles), p.table.Len())
	}
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

// present reports whether q still has an account.
func (w *world) present(q *modelProcess) bool { return w.held()[q.self]&kept != 0 }

// check compares everything.
func (w *world) check() {
	refs := w.held()
	if len(refs) != w.o.Len() {
		w.t.Fatalf("%d objects, want %d", w.o.Len(), len(refs))
	}
	for o, n := range refs {
		want := uint32(n &^ kept)
		if n&kept != 0 {
			want++
		}
		if h := w.o.At(w.index[o]); h.References() != want || h.Kind() != o.kind {
			w.t.Fatalf("%v has %d references, want %d of a %v", h.Kind(), h.References(), want, o.kind)
		}
	}
	w.all = slices.DeleteFunc(w.all, func(p *modelProcess) bool { return refs[p.self]&kept == 0 })
	if len(w.all) != w.o.Accounts() {
		w.t.Fatalf("%d accounts, want %d", w.o.Accounts(), len(w.all))
	}
	for _, p := range w.all {
		used, limits := w.o.Usage(p.p.Account)
		if want := w.used(p); used != want || limits != p.limits {
			w.t.Fatalf("used %v of %v, want %v of %v", used, limits, want, p.limits)
		}
		for i := range used {
			if used[i] > limits[i] {
				w.t.Fatalf("used %v of %v", used, limits)
			}
		}
	}
	for _, p := range w.procs {
		w.checkTable(p)
	}
}

func (w *world) checkTable(p *modelProcess) {
	if p.table.Len() != len(p.handles) || p.table.Room() != worldPlaces-len(p.handles) {
		w.t.Fatalf("%d handles and room for %d, want %d", p.table.Len(), p.table.Room(), len(p.handles))
	}
	for h, m := range p.handles {
		i, rights, e := p.table.Lookup(h)
		if e != 0 || i != w.index[m.object] || rights != m.rights || rights&^abi.RightsOf(m.object.kind) != 0 {
			w.t.Fatalf("handle %#x is %d %#x %v, want %d %#x", uint64(h), i, rights, e, w.index[m.object], m.rights)
		}
	}
	for _, h := range p.old[max(0, len(p.old)-20):] {
		if _, _, e := p.table.Lookup(h); e != abi.EBADF {
			w.t.Fatalf("old handle %#x is accepted", uint64(h))
		}
	}
}

// step makes one operation.
func (w *world) step() {
	op := w.next()
	p := w.procs[w.next()%len(w.procs)]
	switch op % 20 {
	case 0:
		limits := abi.DefaultLimits()
		for i := range limits {
			if n := w.next(); n < 128 {
				limits[i] = uint32(n % 8)
			}
		}
		w.spawn(p, limits)
	case 1, 2, 3:
		w.newNotification(p)
	case 4, 5:
		w.duplicate(p)
	case 6:
		w.replace(p)
	case 7, 8:
		w.close(p)
	case 9, 10, 11:
		w.handOn(p, w.procs[w.next()%len(w.procs)])
	case 12:
		w.newThread(p)
	case 13:
		w.endThread(p)
	case 16:
		w.newMemory(p)
	case 17, 18:
		w.touch(p)
	case 19:
		w.reap()
	case 14:
		if p != w.procs[0] {
			w.end(p, w.next())
		}
	default:
		w.get(p)
	}
	w.done++
}

// play runs a script to its end and then ends everything.
func play(t testing.TB, script []byte) {
	w := &world{t: t, script: script, index: map[*modelObject]int32{}, memory: map[int32]*modelObject{}}
	w.o.Init(&worldLimits, worldProcesses+1)
	w.spawn(nil, worldLimits)
	for w.at < len(w.script) {
		w.step()
		w.check()
	}
	for len(w.procs) > 0 {
		w.end(w.procs[len(w.script)%len(w.procs)], len(w.procs))
		w.check()
	}
	for len(w.doomed) > 0 {
		w.reap()
		w.check()
	}
	if w.o.Len() != 0 || w.o.Accounts() != 0 {
		t.Fatalf("%d objects and %d accounts are left", w.o.Len(), w.o.Accounts())
	}
}

func TestAgainstModel(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 3))
		script := make([]byte, 3000)
		for i := range script {
			script[i] = byte(r.Uint32())
		}
		play(t, script)
	}
}

func FuzzObjects(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 3))
	for range 4 {
		script := make([]byte, 200)
		for i := range script {
			script[i] = byte(r.Uint32())
		}
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) <= 1500 {
			play(t, script)
		}
	})
}
