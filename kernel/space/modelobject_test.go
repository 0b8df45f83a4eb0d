// SPDX-License-Identifier: Apache-2.0

package space

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"loam/abi"
	"loam/kernel/memory"
	"loam/machine/amd64"
	"loam/machine/paging"
	"loam/machine/riscv64"
)

// shared is what the oracle knows of a memory object.
type shared struct {
	index int32
	live  bool // the test has a reference
	paged bool
	pages map[uint64]*content
}

// worlds are several spaces that map the same memory objects.
type worlds struct {
	t       testing.TB
	b       *bench
	list    []*world
	objects [4]*shared
	account memory.Account
}

func newWorlds(t testing.TB, format *paging.Format, limit uint64) *worlds {
	a := &worlds{t: t, b: newBench(t, format, 4*mib)}
	a.account.Limit = limit
	for range 3 {
		w := newWorldOn(t, a.b, 0)
		w.all, w.tight = a, limit < 1000
		a.list = append(a.list, w)
	}
	return a
}

// content is what page p holds: what others see as well if it is an object's.
func (w *world) content(p *worldPage) *content {
	if !p.hasObject() || p.own {
		return &p.content
	}
	for _, o := range w.all.objects {
		if o != nil && o.index == p.object {
			return o.page(p.offset / PageSize)
		}
	}
	w.t.Fatalf("object %d isn't known", p.object)
	return nil
}

// hasObject reports whether a memory object is behind the page.
func (p *modelPage) hasObject() bool { return p.kind == Object || p.kind == Private }

// written says that page p was written, and gives where to.
func (w *world) written(p *worldPage) *content {
	c := w.content(p)
	if p.kind != Private {
		return c
	}
	p.content, p.own = *c, true
	return &p.content
}

func (o *shared) page(i uint64) *content {
	c := o.pages[i]
	if c == nil {
		c = new(content)
		o.pages[i] = c
	}
	return c
}

// mapped counts the pages of an object that areas map.
func (a *worlds) mapped(o *shared) (n uint64) {
	for _, w := range a.list {
		for i := range w.pages {
			if p := &w.pages[i]; p.used && p.hasObject() && p.object == o.index {
				n++
			}
		}
	}
	return n
}

// writers reports whether areas may write an object.
func (a *worlds) writers(o *shared) bool {
	for _, w := range a.list {
		for i := range w.pages {
			if p := &w.pages[i]; p.used && p.kind == Object && p.object == o.index && p.deny&Write == 0 {
				return true
			}
		}
	}
	return false
}

func (w *world) mapObject(i, n int, b [8]byte) {
	o := w.all.objects[b[5]%4]
	if o == nil || !o.live {
		return
	}
	prot := [...]Prot{0, Read, Read | Write, Read | Exec}[b[4]%4]
	deny := Prot(b[4]>>5) & Prot(b[3]>>5)
	kind := [...]Kind{Object, Object, Private}[b[7]%3]
	off, size := uint64(b[6]%40)*PageSize, w.b.objs.Pages(o.index)*PageSize
	want := abi.Errno(0)
	switch {
	case off+uint64(n)*PageSize > size:
		want = abi.EINVAL
	case prot&deny != 0:
		want = abi.EACCES
	case !w.free(i, n):
		want = abi.EEXIST
	case kind == Object && deny&Write == 0 && !w.b.objs.MayWrite(o.index):
		want = abi.EBUSY
	}
	w.expect("map of an object", w.s.Map(Area{Start: uint64(addrOf(i)), End: uint64(addrOf(i + n)), Prot: prot,
		Deny: deny, Kind: kind, Object: o.index, Offset: off}), want)
	if want != 0 {
		return
	}
	for k := range n {
		w.pages[i+k] = worldPage{modelPage: modelPage{used: true, prot: prot, kind: kind, deny: deny,
			object: o.index, offset: off + uint64(k)*PageSize}}
	}
}

// change does something to an object itself.
func (a *worlds) change(b [8]byte) {
	slot := &a.objects[b[1]%4]
	o := *slot
	if o == nil {
		make, paged := a.b.objs.New, b[2]%3 == 0
		if paged {
			make = a.b.objs.NewPaged
		}
		i, errno := make(1+uint64(b[2])%48, &a.account)
		if errno == 0 {
			*slot = &shared{index: i, live: true, paged: paged, pages: map[uint64]*content{}}
		} else if errno != abi.ENOSPC {
			a.t.Fatal(errno)
		}
		return
	}
	if !o.live {
		return
	}
	busy := a.mapped(o) > 0
	want := abi.Errno(0)
	if busy {
		want = abi.EBUSY
	}
	size := a.b.objs.Pages(o.index)
	switch b[3] % 8 {
	case 5, 6, 7:
		a.clone(o, b)
	case 0:
		o.live = false
		a.b.objs.Release(o.index)
	case 1, 2:
		first := uint64(b[4]) % size
		end := first + uint64(b[5])%(size-first+1)
		for next, errno := first, abi.Errno(0); ; {
			next, errno = a.b.objs.Decommit(o.index, next, end)
			if errno != want {
				a.t.Fatalf("Decommit: %q, want %q", errno.Name(), want.Name())
			}
			if errno != 0 || next == end {
				break
			}
		}
		for i := first; i < end && !busy; i++ {
			delete(o.pages, i)
		}
	default:
		n := 1 + uint64(b[4])%48
		if n >= size {
			want = 0
		}
		errno := memory.More
		for errno == memory.More {
			errno = a.b.objs.Resize(o.index, n)
		}
		if errno != want {
			a.t.Fatalf("Resize from %d to %d: %q, want %q", size, n, errno.Name(), want.Name())
		}
		for i := n; errno == 0 && i < size; i++ {
			delete(o.pages, i)
		}
	}
}

// clone makes a snapshot of a part of an object, if there is a place for it.
func (a *worlds) clone(o *shared, b [8]byte) {
	size := a.b.objs.Pages(o.index)
	first := uint64(b[4]) % size
	end := first + 1 + uint64(b[5])%(size-first)
	i, errno := a.b.objs.Clone(o.index, first, end, &a.account)
	want := abi.Errno(0)
	switch {
	case o.paged:
		want = abi.EINVAL
	case a.writers(o):
		want = abi.EBUSY
	case errno == abi.ENOSPC, errno == abi.EDQUOT && a.list[0].tight:
		return
	}
	if errno != want {
		a.t.Fatalf("Clone: %q, want %q", errno.Name(), want.Name())
	}
	if want != 0 {
		return
	}
	for k := range a.objects {
		if a.objects[k] != nil {
			continue
		}
		a.objects[k] = &shared{index: i, live: true, pages: map[uint64]*content{}}
		for page, c := range o.pages {
			if page >= first && page < end {
				copied := *c
				a.objects[k].pages[page-first] = &copied
			}
		}
		return
	}
	a.b.objs.Release(i)
}

// accessObject tries a page that has a memory object behind it.
func (w *world) accessObject(b [8]byte) {
	for k := range worldPages {
		i := (int(b[1]) + k) % worldPages
		if p := &w.pages[i]; p.used && p.hasObject() {
			w.access(i, binary.LittleEndian.Uint64(b[:]), b[5]%4 != 0)
			w.check()
			return
		}
	}
}

// step does one operation in some world, or on some object.
func (a *worlds) step(b [8]byte) {
	w := a.list[b[7]/8%3]
	switch b[7] % 8 {
	case 0:
		a.change(b)
	case 1, 2:
		w.accessObject(b)
	case 3: // the same few pages, often writable
		b = [8]byte{12, b[1] % (worldPages - 8), 7, 7, 2 + b[4]%8/7, b[5], b[6] % 4, b[7] / 8}
		w.prepare(b)
		w.step(b)
	default:
		sync, complete := w.sync, w.complete
		w.prepare(b)
		w.step(b)
		w.sync, w.complete = sync, complete
	}
	a.b.objs.Reap()
	for i, o := range a.objects {
		if o == nil {
			continue
		}
		n := a.mapped(o)
		if !o.live && n == 0 {
			a.objects[i] = nil
		} else if got := a.b.objs.Mapped(o.index); got != n {
			a.t.Fatalf("object %d: mapped %d times, want %d", i, got, n)
		}
	}
}

// end lets go of everything.
func (a *worlds) end() {
	for i, w := range a.list {
		if i == len(a.list)-1 {
			for _, o := range a.objects {
				if o != nil && o.live {
					a.b.objs.Release(o.index)
				}
			}
		}
		for !w.s.Destroy() {
		}
	}
	for a.b.objs.Dying() {
		a.b.objs.Reap()
	}
	if a.account.Used != 0 || a.b.objs.Len() != 0 {
		a.t.Fatalf("%d objects and %d frames left behind", a.b.objs.Len(), a.account.Used)
	}
	a.b.destroy(a.list[0].s)
}

func TestObjectsAgainstModel(t *testing.T) {
	inFirstPass(t)
	for _, c := range []struct {
		name   string
		format *paging.Format
		limit  uint64
	}{{"amd64", &amd64.Format, 100000}, {"riscv64", &riscv64.Sv39, 100000}, {"low limit", &amd64.Format, 30}} {
		t.Run(c.name, func(t *testing.T) {
			a := newWorlds(t, c.format, c.limit)
			rnd := rand.New(rand.NewPCG(9, uint64(len(c.name))))
			for range *modelOps {
				var b [8]byte
				binary.LittleEndian.PutUint64(b[:], rnd.Uint64())
				a.step(b)
			}
			a.end()
		})
	}
}

func FuzzObjects(f *testing.F) {
	f.Add([]byte("\x00\x00\x20\x00\x00\x00\x00\x00\x0c\x10\x08\xff\x03\x00\x01\x01\x0a\x12\x02\x20\x01\x01\x00\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		a := newWorlds(t, &amd64.Format, 40)
		for ; len(b) >= 8; b = b[8:] {
			a.step([8]byte(b))
		}
		a.end()
	})
}
