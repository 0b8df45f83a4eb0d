// SPDX-License-Identifier: Apache-2.0

package object

import (
	"math/rand/v2"
	"slices"
	"testing"

	"loam/abi"
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
	badge  uint64
	widest abi.Rights // that it had, it or one whose place it took

	holder   *modelProcess
	handle   abi.Handle
	parent   *modelHandle
	children []*modelHandle
}

type modelProcess struct {
	self    *modelObject
	space   *modelObject
	creator *modelProcess
	limits  abi.Limits
	handles map[abi.Handle]*modelHandle
	old     []abi.Handle // closed
	threads []*modelObject
	ended   bool // its account is closed

	p     Process
	at    int32 // of its table
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
	memory map[int32]*modelObject    // by its index
	tables [worldProcesses + 1]int32 // that are free, in the first places
	taken  int                       // how many aren't
	audit  *Audit
	script []byte
	at     int
	done   int // operations
}

const (
	worldProcesses = 6
	worldPlaces    = 9
)

var worldLimits = abi.Limits{worldProcesses, worldProcesses, 9, 12, 5, 4, 4, 4, 4, 1, 4, 40}

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

// own counts the pages that are charged to p and to none of those below.
func (w *world) own(p *modelProcess) (n uint64) {
	for o := range w.held() {
		if o.payer == p {
			n += uint64(o.pages)
		}
	}
	return n
}

// tightest is the limit of pages, of p and those above it, of which the least is
// left.
func (w *world) tightest(p *modelProcess) (limit uint64) {
	least := uint32(1 << 31)
	for q := p; q != nil; q = q.creator {
		if left := q.limits[abi.LimitPages] - w.used(q)[abi.LimitPages]; left < least {
			least, limit = left, uint64(q.limits[abi.LimitPages])
		}
	}
	return limit
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
		h := w.o.At(w.index[o])
		if h.References() != want || h.Kind() != o.kind {
			w.t.Fatalf("%v has %d references, want %d of a %v", h.Kind(), h.References(), want, o.kind)
		}
		receivers := w.receivers(o)
		if int(h.Receivers()) != receivers || w.o.Orphaned(w.index[o]) != (o.kind == abi.KindEndpoint && receivers == 0) {
			w.t.Fatalf("%v has %d receivers, want %d", h.Kind(), h.Receivers(), receivers)
		}
	}
	w.all = slices.DeleteFunc(w.all, func(p *modelProcess) bool { return refs[p.self]&kept == 0 })
	if len(w.all) != w.o.Accounts() {
		w.t.Fatalf("%d accounts, want %d", w.o.Accounts(), len(w.all))
	}
	var own [worldProcesses + 1]uint64
	w.o.OwnPages(own[:])
	for _, p := range w.all {
		if got, want := own[p.p.Account], w.own(p); got != want {
			w.t.Fatalf("%d pages of its own, want %d", got, want)
		}
		if got, want := w.o.Tightest(p.p.Account), w.tightest(p); got != want {
			w.t.Fatalf("the tightest limit is %d, want %d", got, want)
		}
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
	w.checkAudit()
}

func (w *world) checkTable(p *modelProcess) {
	if p.table.Len() != len(p.handles) || p.table.Room() != worldPlaces-len(p.handles) {
		w.t.Fatalf("%d handles and room for %d, want %d", p.table.Len(), p.table.Room(), len(p.handles))
	}
	for h, m := range p.handles {
		i, rights, badge, ok := Look(p.table, h)
		if !ok || i != w.index[m.object] || rights != m.rights || badge != m.badge || rights&^abi.RightsOf(m.object.kind) != 0 {
			w.t.Fatalf("handle %#x is %d %#x %#x %v, want %d %#x %#x", uint64(h), i, rights, badge, ok, w.index[m.object], m.rights, m.badge)
		}
		w.checkLinks(m)
	}
	for _, h := range p.old[max(0, len(p.old)-20):] {
		if _, _, _, ok := Look(p.table, h); ok {
			w.t.Fatalf("old handle %#x is accepted", uint64(h))
		}
	}
}

// step makes one operation.
func (w *world) step() {
	op := w.next()
	p := w.procs[w.next()%len(w.procs)]
	switch op % 28 {
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
	case 20:
		w.newEndpoint(p)
	case 21, 22, 23:
		w.mint(p)
	case 24, 25:
		w.revoke(p, w.next())
	default:
		w.get(p)
	}
	w.done++
}

// play runs a script to its end and then ends everything.
func play(t testing.TB, script []byte) {
	w := &world{t: t, script: script, index: map[*modelObject]int32{}, memory: map[int32]*modelObject{}}
	w.o.Init(nil, &worldLimits, worldProcesses+1, worldPlaces)
	for i := range w.tables {
		w.tables[i] = int32(i)
	}
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
