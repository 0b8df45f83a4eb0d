// SPDX-License-Identifier: Apache-2.0

package object

import (
	"testing"

	"loam/abi"
	"loam/kernel/pool"
)

// checkAudit has the audit agree that all is well.
func (w *world) checkAudit() {
	if w.audit == nil {
		w.audit = w.o.NewAudit()
	}
	w.audit.Begin()
	for _, p := range w.procs { // the records'
		for _, th := range p.threads {
			w.audit.Refer(w.index[th])
		}
		w.audit.Refer(w.index[p.self])
		w.audit.Refer(w.index[p.space])
	}
	for _, p := range w.all {
		w.audit.Pages(p.p.Account, w.own(p))
	}
	if broken, at := w.audit.Check(); broken != "" {
		w.t.Fatalf("%s: %d", broken, at)
	}
}

// TestAudit: each damage is seen.
func TestAudit(t *testing.T) {
	type parts struct {
		o           *Objects
		table       *Table
		p           Process
		note, point *Header
		first       *Account
		second      *Account
	}
	for _, c := range []struct {
		name   string
		damage func(x *parts)
		broken bool
	}{
		{"nothing", func(x *parts) {}, false},
		{"a handle less", func(x *parts) { x.o.Release(x.o.remove(x.table, 4)) }, false},
		{"a reference too many", func(x *parts) { x.note.refs++ }, true},
		{"a reference that is missing", func(x *parts) { x.o.Remove(x.table, x.table.entries[3].handle(3)) }, true},
		{"nobody refers to it", func(x *parts) { x.o.New(abi.KindTimer, 0, x.p.Account); x.note.refs = 0 }, true},
		{"the receivers", func(x *parts) { x.point.receivers++ }, true},
		{"a handle of nothing", func(x *parts) { x.table.entries[3].object = 15 }, true},
		{"the count of handles", func(x *parts) { x.table.used++ }, true},
		{"a free place that isn't", func(x *parts) { x.table.free = 4 }, true},
		{"a free place lost", func(x *parts) { x.table.free = 0 }, true},
		{"a child that doesn't know", func(x *parts) { x.table.entries[4].links.prev = 0 }, true},
		{"a child of another object", func(x *parts) { x.table.entries[3].links.first, x.table.entries[3].links.last = 1, 1 }, true},
		{"a last child that isn't", func(x *parts) { x.table.entries[3].links.last = x.table.entries[3].links.first }, true},
		{"a parent that doesn't know", func(x *parts) { x.table.entries[3].links = links{} }, true},
		{"a brother beyond", func(x *parts) { x.table.entries[4].links.next = 10000 }, true},
		{"a badge that changes", func(x *parts) { x.table.entries[3].badge = 7 }, true},
		{"a charge", func(x *parts) { x.first.used[0]++ }, true},
		{"a charge below", func(x *parts) { x.second.used[abi.KindNotification-1]-- }, true},
		{"pages", func(x *parts) { x.second.pages.Used++ }, true},
		{"who is above", func(x *parts) { x.second.pages.Above = nil }, true},
		{"one above that is closed", func(x *parts) { x.first.closed = true }, true},
		{"an empty account", func(x *parts) {
			h, a, _ := x.o.accounts.Get()
			*a = Account{handle: h, above: pool.Nil, owner: x.p.Object, closed: true}
			x.o.Refer(x.p.Object)
		}, true},
		{"nobody pays", func(x *parts) { x.note.account = 3 }, true},
		{"the pool", func(x *parts) { *x.o.headers = *pool.New[Header](4) }, true},
	} {
		o, limits := &Objects{}, abi.Limits{3, 3, 3, 3, 3, 3, 3, 3, 3, 1, 3, 9}
		o.Init(nil, &limits, 4, 8)
		first, _ := o.NewProcess(0, 0, pool.Nil, &limits)
		second, _ := o.NewProcess(1, 1, first.Account, &limits)
		note, _ := o.New(abi.KindNotification, pool.Nil, second.Account)
		point, _ := o.New(abi.KindEndpoint, pool.Nil, second.Account)
		table := o.Table(1)
		o.Table(0)
		for _, i := range []int32{second.Object, second.Space, point} { // places 0 to 2
			o.Refer(i)
			o.Insert(table, i, abi.RightsOf(o.At(i).kind))
		}
		h, _ := o.Insert(table, note, abi.RightsOf(abi.KindNotification)) // has note's reference; place 3
		o.Mint(table, h, abi.RightWrite, 1)
		o.Mint(table, h, abi.RightWrite, 2)
		closed, _ := o.Duplicate(table, h, 0)
		o.Remove(table, closed)
		o.Release(note)
		o.Release(point)
		o.Pages(second.Account).Charge(3)
		x := &parts{o, table, second, o.At(note), o.At(point), o.accounts.Index(first.Account), o.accounts.Index(second.Account)}
		audit := o.NewAudit()
		see := func() (string, int32) {
			audit.Begin()
			for _, i := range []int32{first.Object, first.Space, second.Object, second.Space} {
				audit.Refer(i)
			}
			audit.Pages(second.Account, 3)
			return audit.Check()
		}
		if broken, at := see(); broken != "" {
			t.Fatalf("%s: %d", broken, at)
		}
		c.damage(x)
		if broken, at := see(); (broken != "") != c.broken {
			t.Errorf("%s: %q, %d", c.name, broken, at)
		}
	}
}
