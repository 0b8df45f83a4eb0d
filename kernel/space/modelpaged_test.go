// SPDX-License-Identifier: Apache-2.0

package space

import (
	"encoding/binary"

	"loam/abi"
	"loam/kernel/memory"
)

// bring is called before page i is tried: if a pager has to bring it, that has to be what
// every access says, and then it is brought. false: it can't be.
func (w *world) bring(i int, v uint64) bool {
	p := &w.pages[i]
	if !p.used || !p.hasObject() || p.own || p.prot&Read == 0 || !w.b.objs.Paged(p.object) {
		return true
	}
	page := p.offset / PageSize
	if _, ok := w.b.objs.Lookup(p.object, page); ok {
		return true
	}
	access := Read
	if p.prot&Write != 0 && v%2 == 0 {
		access = Write
	}
	switch v % 3 {
	case 0:
		if out := w.s.Fault(uint64(addrOf(i))+11, access); out != Absent {
			w.t.Fatalf("fault at absent page %d: %v", i, out)
		}
		w.wantMissed(0, 0, p)
	case 1:
		var b [16]byte
		w.expect("read of an absent page", w.s.ReadUser(addrOf(i)+PageSize-16, b[:]), memory.Absent)
		w.wantMissed(uint64(addrOf(i))+PageSize-16, Read, p)
	default:
		_, errno := w.s.View(addrOf(i)+5, 1, access)
		w.expect("view of an absent page", errno, memory.Absent)
		w.wantMissed(uint64(addrOf(i))+5, access, p)
	}
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], v)
	switch errno := w.b.objs.Supply(p.object, page, b[:]); {
	case errno == 0:
	case w.tight && (errno == abi.EDQUOT || errno == abi.ENOMEM):
		return false
	default:
		w.t.Fatalf("supply: %v", errno)
	}
	*w.content(p) = content{first: v}
	return true
}

// wantMissed wants the space to have missed a page.
func (w *world) wantMissed(va uint64, access Prot, p *worldPage) {
	w.t.Helper()
	want := MissingPage{w.b.objs.HandleOf(p.object), p.offset / PageSize, true, va, access}
	if !w.s.Paged() || !w.s.Missed() {
		w.t.Fatal("nothing was missed")
	}
	if got := w.s.TakeAbsent(); got != want || w.s.Missed() {
		w.t.Fatalf("missed %+v, want %+v", got, want)
	}
}
