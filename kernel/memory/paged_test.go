// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"encoding/binary"
	"testing"

	"loam/abi"
	"loam/machine/phys"
)

// supply gives a page of x content, unless it has some.
func (w *world) supply(x *thing, page uint64) {
	before, known := x.words[page]
	h := w.o.HandleOf(x.index)
	if w.o.Wanted(h, page) == known || w.o.Wanted(h, x.size) {
		w.t.Fatalf("page %d is wanted: %v", page, !known)
	}
	if x.paged && !known {
		_, errno := w.o.Page(x.index, page)
		w.expect("Page of what is absent", errno, Absent)
	}
	v := uint64(len(w.data))<<32 | page | 1<<63
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], v)
	if errno := w.o.Supply(x.index, page, b[:]); errno != 0 {
		if known {
			w.t.Fatal(errno)
		}
		w.refused(x, page, errno)
		return
	}
	if !known {
		before = v
		x.words[page] = v
	}
	pa, ok := w.o.Lookup(x.index, page)
	if !ok || w.o.Wanted(h, page) || *w.mem.Word(pa) != before || *w.mem.Word(pa + PageSize - 8) != 0 {
		w.t.Fatalf("page %d has %#x after Supply, want %#x", page, *w.mem.Word(pa), before)
	}
}

// TestPaged tries what the model doesn't: whole pages, ends, and objects that are no more.
func TestPaged(t *testing.T) {
	w := newWorld(t, 4*mib, 1000)
	i, errno := w.o.NewPaged(3, &w.accounts[0])
	w.expect("NewPaged", errno, 0)
	if !w.o.Paged(i) {
		t.Error("not paged")
	}
	var content [phys.PageSize]byte
	for k := range content {
		content[k] = byte(k / 7)
	}
	w.expect("Supply", w.o.Supply(i, 1, content[:]), 0)
	w.expect("Supply behind the end", w.o.Supply(i, 3, content[:]), abi.EINVAL)
	pa, errno := w.o.Page(i, 1)
	w.expect("Page", errno, 0)
	if *w.mem.Page(pa) != content {
		t.Error("other content than was supplied")
	}
	if pa, ok := w.o.Ready(i, 0); ok {
		t.Errorf("an absent page is ready at %#x", pa)
	}
	_, errno = w.o.Decommit(i, 0, 3)
	w.expect("Decommit", errno, 0)
	_, errno = w.o.Page(i, 1)
	w.expect("Page after Decommit", errno, Absent)
	h := w.o.HandleOf(i)
	w.o.Release(i)
	for w.o.Dying() {
		w.o.Reap()
	}
	if w.o.Wanted(h, 1) {
		t.Error("a page of no object is wanted")
	}
	if j, _ := w.o.New(3, nil); w.o.HandleOf(j) == h || w.o.Wanted(h, 1) {
		t.Error("another object has the same handle")
	}
}
