// SPDX-License-Identifier: Apache-2.0

package memory

import "loam/abi"

// The oracle of clones, and of who may map and write what.

// clone makes a snapshot of a part of x, or of all.
func (w *world) clone(x *thing) {
	first, end := w.page(x.size), w.page(x.size)+1
	if w.pick(2) == 0 {
		first, end = 0, x.size
	}
	account, free := w.pick(len(w.accounts)), w.frames.Stats().Free
	a := &w.accounts[account]
	i, errno := w.o.Clone(x.index, first, end, a)
	y := &thing{index: i, account: account, refs: 1, size: end - first, words: map[uint64]uint64{},
		frames: map[uint64]uint64{}, family: x.family}
	for page, v := range x.words {
		if page >= first && page < end {
			y.words[page-first] = v
		}
	}
	most := uint64(len(y.words) * (1 + maxHeight))
	switch {
	case first >= end || x.fixed || x.paged:
		w.expect("Clone", errno, abi.EINVAL)
	case x.writers > 0:
		w.expect("Clone", errno, abi.EBUSY)
	case len(w.things) == mostThings:
		w.expect("Clone", errno, abi.ENOSPC)
	case errno == abi.EDQUOT && a.Limit-a.Used < most,
		errno == abi.ENOSPC && a.Above != nil && a.Above.Limit-a.Above.Used < most,
		errno == abi.ENOMEM && free < 2*maxHeight:
		if now := w.frames.Stats().Free; now != free {
			w.t.Fatalf("a failed Clone has left %d frames", free-now)
		}
	default:
		w.expect("Clone", errno, 0)
		if n := free - w.frames.Stats().Free; n > 2*maxHeight-1 {
			w.t.Fatalf("Clone took %d frames", n)
		}
		w.things = append(w.things, y)
	}
}

// access maps a page of x, if none is mapped, and reads it; it writes it if it
// may. Then it may be unmapped again.
func (w *world) access(x *thing) {
	write := w.mayWrite(x) && w.pick(4) > 0
	attached := x.mapped == 0 || write && x.writers == 0
	if attached {
		w.attach(x, 1, write)
	}
	write = x.writers > 0
	w.touch(x, w.page(x.size), write)
	if attached && w.pick(3) > 0 {
		w.detach(x, 1, write)
	}
}

func (w *world) touch(x *thing, page uint64, write bool) {
	before, known := x.words[page]
	if x.paged && !known || w.pick(8) == 7 {
		w.supply(x, page)
		return
	}
	pa, errno := w.o.Page(x.index, page)
	if errno != 0 {
		w.refused(x, page, errno)
		return
	}
	if got := *w.mem.Word(pa); got != before {
		w.t.Fatalf("page %d holds %#x, want %#x (known %v)", page, got, before, known)
	}
	if *w.mem.Word(pa + PageSize - 8) != 0 {
		w.t.Fatalf("page %d is not zero at its end", page)
	}
	if old, ok := x.frames[page]; ok && old != pa {
		w.t.Fatalf("page %d is mapped at %#x and at %#x", page, old, pa)
	}
	x.words[page], x.frames[page] = before, pa
	if write {
		x.words[page] = uint64(len(w.data))<<32 | page | 1
		*w.mem.Word(pa) = x.words[page]
	}
}

// mayWrite compares MayWrite with what is known: it is false only for an object
// that is mapped by readers and has relatives.
func (w *world) mayWrite(x *thing) bool {
	may := w.o.MayWrite(x.index)
	relatives := 0
	for _, y := range w.things {
		if y.family == x.family && y != x {
			relatives++
		}
	}
	if !may && (x.mapped == 0 || x.writers > 0 || relatives == 0) {
		w.t.Fatalf("it may not be written: %+v", x)
	}
	return may
}

func (w *world) attach(x *thing, n uint64, write bool) {
	w.o.Attach(x.index, n, write)
	x.mapped += n
	if write {
		x.writers += n
	}
}

func (w *world) detach(x *thing, n uint64, write bool) {
	w.o.Detach(x.index, n, write)
	x.mapped -= n
	if write {
		x.writers -= n
	}
	if x.mapped == 0 {
		clear(x.frames)
	}
}

// refused checks that a page could not be had.
func (w *world) refused(x *thing, page uint64, errno abi.Errno) {
	_, known := x.words[page]
	a := &w.accounts[x.account]
	const most = 1 + 3*maxHeight
	switch {
	case errno == abi.ENOMEM && w.frames.Stats().Free < most && (!known || x.writers > 0):
		return
	case known:
	case errno == abi.EDQUOT && a.Limit-a.Used < most,
		errno == abi.ENOSPC && a.Above != nil && a.Above.Limit-a.Above.Used < most:
		return
	}
	w.t.Fatalf("page %d (known %v): %q with %+v, above %+v, %d frames free", page, known, errno.Name(), a, a.Above, w.frames.Stats().Free)
}

// checkWriters wants the pages that writers map to be in no other object.
func (w *world) checkWriters(x *thing, y *object) {
	if x.writers == 0 {
		return
	}
	for page := range x.frames {
		pa := frameOf(y.root)
		for h := y.height; ; h-- {
			if w.o.shared(pa) {
				w.t.Fatalf("page %d can be written, and is shared at height %d", page, h)
			}
			if h == 0 {
				break
			}
			pa = frameOf(w.mem.Table(pa)[slot(y.base+page, h)])
		}
	}
}
