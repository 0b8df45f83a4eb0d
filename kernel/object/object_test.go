// SPDX-License-Identifier: Apache-2.0

package object

import (
	"reflect"
	"testing"

	"loam/abi"
	"loam/kernel/pool"
)

func newObjects(t testing.TB) (*Objects, Process) {
	t.Helper()
	o := new(Objects)
	limits := abi.Limits{4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4}
	o.Init(nil, &limits, 5, 8)
	p, e := o.NewProcess(0, 0, pool.Nil, &limits)
	if e != 0 {
		t.Fatal(e)
	}
	return o, p
}

func TestEntrySize(t *testing.T) {
	if got := reflect.TypeFor[Entry]().Size(); got != EntrySize {
		t.Errorf("%d bytes, EntrySize is %d", got, EntrySize)
	}
}

// TestPlaceUsedUp: a place whose count is used up isn't given out again, and no
// handle of it comes true.
func TestPlaceUsedUp(t *testing.T) {
	o, p := newObjects(t)
	tb := &Table{entries: o.entries[:1]}
	i, _ := o.New(abi.KindNotification, pool.Nil, p.Account)
	h, _ := o.Insert(tb, i, 0)
	tb.entries[0].uses = mostUses
	if _, _, _, ok := Look(tb, h); ok {
		t.Fatal("an old handle is accepted")
	}
	h = tb.entries[0].handle(0)
	if _, failed := abi.Failed(uint64(h)); failed || int64(h) < 0 {
		t.Fatalf("handle %#x", uint64(h))
	}
	if _, e := o.Replace(tb, h, 0); e != abi.EMFILE {
		t.Fatal("replaced beyond the last use")
	}
	if _, e := o.Remove(tb, h); e != 0 || tb.Room() != 0 {
		t.Fatal(e, tb.Room())
	}
	if _, e := o.Insert(tb, i, 0); e != abi.EMFILE {
		t.Fatal("used beyond the last use")
	}
}

// TestOwnerFrees: an object with a record, or with waiters, is its owner's to
// give back.
func TestOwnerFrees(t *testing.T) {
	o, p := newObjects(t)
	i, _ := o.New(abi.KindNotification, pool.Nil, p.Account)
	links := make([]pool.Link, 1)
	o.At(i).Waiters.PushBack(links, 0)
	if !o.Release(i) || o.Len() != 3 {
		t.Fatal("freed although somebody waits")
	}
	o.At(i).Waiters.PopFront(links)
	o.Free(i)
	j, _ := o.New(abi.KindThread, 5, p.Account)
	if !o.Release(j) || o.Len() != 3 {
		t.Fatal("freed although there is a record")
	}
	o.Free(j)
	if used, _ := o.Usage(p.Account); used != (abi.Limits{0, 1}) {
		t.Fatal(used)
	}
}

// TestMisuse: bugs of the owner are not passed over.
func TestMisuse(t *testing.T) {
	for name, f := range map[string]func(*Objects, int32){
		"released too often": func(o *Objects, i int32) {
			o.At(i).Record = 1
			o.Release(i)
			o.Release(i)
		},
		"freed while in use": func(o *Objects, i int32) { o.Free(i) },
		"ended while somebody waits": func(o *Objects, i int32) {
			o.At(i).Waiters.PushBack(make([]pool.Link, 1), 0)
			o.DropRecord(i)
		},
	} {
		o, p := newObjects(t)
		i, _ := o.New(abi.KindNotification, pool.Nil, p.Account)
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f(o, i)
		}()
	}
}

// TestIDs: no number is given twice, not even to the next user of a header.
func TestIDs(t *testing.T) {
	o, p := newObjects(t)
	seen := map[uint64]bool{}
	for range 10 {
		i, e := o.New(abi.KindNotification, pool.Nil, p.Account)
		if e != 0 || seen[o.At(i).ID()] {
			t.Fatal(e, o.At(i).ID())
		}
		seen[o.At(i).ID()] = true
		o.Release(i)
	}
}

func TestNoAllocation(t *testing.T) {
	o, p := newObjects(t)
	tb := o.Table(0)
	limits := abi.DefaultLimits()
	if n := testing.AllocsPerRun(100, func() {
		i, _ := o.New(abi.KindNotification, pool.Nil, p.Account)
		h, _ := o.Insert(tb, i, abi.RightsOf(abi.KindNotification))
		g, _ := o.Duplicate(tb, h, abi.RightWrite)
		m, _ := o.Mint(tb, h, abi.RightWrite|abi.RightTransfer, 4)
		o.HandOn(tb, o.Table(1), abi.HandOn{Handle: m, Flags: abi.HandOnMove})
		for _, h := range [2]abi.Handle{g, h} {
			for {
				ref, _, ok, _ := o.Derived(tb, h)
				if !ok {
					break
				}
				o.Release(o.RemoveDerived(ref))
			}
			if i, e := o.Remove(tb, h); e == 0 {
				o.Release(i)
			}
		}
		c, _ := o.NewProcess(1, 1, p.Account, &limits)
		o.DropRecord(c.Object)
		o.EndProcess(&c)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if o.Len() != 2 {
		t.Errorf("%d objects left", o.Len())
	}
}

// The first account can be without a limit of frames; those below keep theirs.
func TestUnlimitPages(t *testing.T) {
	o, p := newObjects(t)
	limits := abi.DefaultLimits()
	c, e := o.NewProcess(1, 1, p.Account, &limits)
	if e != 0 {
		t.Fatal(e)
	}
	if e := o.Pages(p.Account).Charge(5); e != abi.EDQUOT {
		t.Error(e)
	}
	o.UnlimitPages(p.Account)
	if e := o.Pages(p.Account).Charge(5); e != 0 {
		t.Error(e)
	}
	if e := o.Pages(c.Account).Charge(5); e != abi.EDQUOT {
		t.Error(e)
	}
	if e := o.Pages(c.Account).Charge(4); e != 0 || o.Tightest(c.Account) != 4 {
		t.Error(e, o.Tightest(c.Account))
	}
	if used, limits := o.Usage(p.Account); used[abi.LimitPages] != 9 || limits[abi.LimitPages] != 4 {
		t.Error(used, limits)
	}
}
