// SPDX-License-Identifier: Apache-2.0

package object

import (
	"loam/abi"
	"loam/kernel/pool"
)

// Audit counts again what Objects keeps counts of, and compares. Each time Begin counts
// handles and accounts, the owner then tells of its own references (Refer) and
// frames (Pages), and Check says what is wrong.
type Audit struct {
	o         *Objects
	refs      []uint32     // of each header
	receivers []uint32     // handles that one can receive by, of each header
	used      []abi.Limits // of each account: what is charged to it itself
	pages     []uint64
	broken    string // found by Begin
	at        int32
}

// NewAudit makes an audit, which can be made any number of times. It is the only
// one that allocates.
func (o *Objects) NewAudit() *Audit {
	n, accounts := o.headers.Cap(), o.accounts.Cap()
	return &Audit{o: o, refs: make([]uint32, n), receivers: make([]uint32, n), used: make([]abi.Limits, accounts), pages: make([]uint64, accounts)}
}

// Begin counts the handles in all tables, and what headers say of accounts.
func (a *Audit) Begin() {
	clear(a.refs)
	clear(a.receivers)
	clear(a.used)
	clear(a.pages)
	a.broken = ""
	o := a.o
	if !o.headers.Check() || !o.accounts.Check() {
		a.say("object: a pool", 0)
		return
	}
	for i := range o.tables {
		a.countTable(&o.tables[i], int32(i))
	}
	for i := o.accounts.Next(pool.Nil); i != pool.Nil; i = o.accounts.Next(i) {
		a.Refer(o.accounts.Index(i).owner)
	}
	for i := o.headers.Next(pool.Nil); i != pool.Nil; i = o.headers.Next(i) {
		if h := o.headers.Index(i); h.account != pool.Nil {
			if _, ok := o.accounts.HandleOf(h.account); !ok {
				a.say("object: an object that no account pays for", i)
				continue
			}
			a.used[h.account][h.kind-1]++
		}
	}
}

func (a *Audit) say(broken string, at int32) {
	if a.broken == "" {
		a.broken, a.at = broken, at
	}
}

// Refer counts a reference to object i.
func (a *Audit) Refer(i int32) {
	if _, ok := a.o.headers.HandleOf(i); !ok {
		a.say("object: a reference to what is no object any more", i)
		return
	}
	a.refs[i]++
}

// Pages counts n frames that are charged to account i.
func (a *Audit) Pages(i int32, n uint64) { a.pages[i] += n }

// countTable counts the handles of table n.
func (a *Audit) countTable(t *Table, n int32) {
	used := int32(0)
	for i := range t.fresh {
		e := &t.entries[i]
		if e.object == 0 {
			continue
		}
		used++
		a.Refer(e.header())
		if a.broken != "" {
			return
		}
		if h := a.o.At(e.header()); h.kind == abi.KindEndpoint && e.rights.Has(abi.RightWait) {
			a.receivers[e.header()]++
		}
		if !a.o.checkLinks(t.base + i) {
			a.say("object: the forest of derived handles, in table", n)
		}
	}
	free := int32(0)
	for i := t.free; i != 0 && !t.closing; i = t.entries[i-1].links.next {
		if i < 0 || i > t.fresh || free == t.fresh || t.entries[i-1].object != 0 {
			a.say("object: the free places of table", n)
			return
		}
		free++
	}
	if used != t.used || used+free+t.lost != t.fresh && !t.closing {
		a.say("object: the count of handles of table", n)
	}
}

// checkLinks reports whether entry i and those it is linked with agree.
func (o *Objects) checkLinks(i int32) bool {
	e := &o.entries[i]
	l := &e.links
	// with gives the links of an entry of the same object.
	with := func(n int32) *links {
		if n <= 0 || int(n) > len(o.entries) || o.entries[n-1].object != e.object {
			return nil
		}
		return &o.entries[n-1].links
	}
	switch next, prev := with(max(l.next, -l.next)), with(max(l.prev, -l.prev)); {
	case l.next != 0 && next == nil, l.prev != 0 && prev == nil,
		l.next > 0 && next.prev != i+1, l.next < 0 && next.last != i+1,
		l.prev > 0 && prev.next != i+1, l.prev < 0 && prev.first != i+1:
		return false
	}
	if (l.first == 0) != (l.last == 0) {
		return false
	}
	if l.first == 0 {
		return true
	}
	first, last := with(l.first), with(l.last)
	return first != nil && last != nil && first.prev == -(i+1) && last.next == -(i+1) &&
		(e.badge == 0 || o.entries[l.first-1].badge == e.badge)
}

// Check compares, and says what isn't so, "" if all is, and of which object, table or account.
func (a *Audit) Check() (broken string, at int32) {
	o := a.o
	for i := o.headers.Next(pool.Nil); a.broken == "" && i != pool.Nil; i = o.headers.Next(i) {
		h := o.headers.Index(i)
		switch {
		case h.refs != a.refs[i]:
			a.say("object: the count of references of object", i)
		case h.receivers != a.receivers[i]:
			a.say("object: the count of receivers of endpoint", i)
		case h.refs == 0 && h.kind != abi.KindMemory: // which may still be mapped
			a.say("object: an object that nobody refers to", i)
		}
	}
	for i := o.accounts.Next(pool.Nil); a.broken == "" && i != pool.Nil; i = o.accounts.Next(i) {
		a.checkAccount(i)
	}
	return a.broken, a.at
}

// checkAccount adds what is charged to account i to those above, which is also
// what they should have.
func (a *Audit) checkAccount(i int32) {
	o := a.o
	x := o.accounts.Index(i)
	used, pages := a.used[i], a.pages[i]
	for j := o.accounts.Next(pool.Nil); j != pool.Nil; j = o.accounts.Next(j) {
		if below := o.accounts.Index(j); below.above == i {
			for n := range used {
				used[n] += below.used[n]
			}
			pages += below.pages.Used
		}
	}
	if x.above != pool.Nil {
		if above, ok := o.accounts.HandleOf(x.above); !ok || o.accounts.Index(above.Index).closed || x.pages.Above != o.Pages(x.above) {
			a.say("object: an account below one that is closed", i)
			return
		}
	}
	switch {
	case used != x.used:
		a.say("object: what is charged to account", i)
	case pages != x.pages.Used:
		a.say("object: the pages of account", i)
	case x.closed && used == (abi.Limits{}) && pages == 0:
		a.say("object: an account that is closed and empty", i)
	}
}

// Next gives the first object after object i, pool.Nil if there is none; the first one for
// pool.Nil.
func (o *Objects) Next(i int32) int32 { return o.headers.Next(i) }

// Account gives the account that pays for the object, pool.Nil: nobody's.
func (h *Header) Account() int32 { return h.account }
