// SPDX-License-Identifier: Apache-2.0

package space

// The oracle of calls that move pages.

// prepare is for a step between the pieces of a call.
func (w *world) prepare(b [8]byte) {
	if op := b[0] % 14; op < 8 || op >= 12 {
		w.settled(op == 7 || op >= 12)
	}
}

// settled tells the oracle that another thread's call completes the move that is
// under way before it does anything of its own. now: the oracle of that call
// looks at the areas, so that the space has to be as far.
func (w *world) settled(now bool) {
	if w.s.move.phase != resting {
		w.complete()
	}
	for now && !w.s.settle() {
	}
}

// moving sets w.sync for a call that turns the n pages from i on into m pages
// from to on.
func (w *world) moving(i, n, m, to int) {
	if to == i { // grows or shrinks where it is
		upTo := w.passing(i+m, max(n-m, 0), func(p *worldPage) { *p = worldPage{} })
		w.complete = func() {
			if upTo(worldHigh); m > n {
				w.turn(i, n, m, i)
			}
		}
		return
	}
	stays := min(n, m)
	done := false
	w.complete = func() {
		if !done {
			w.turn(i, n, m, to)
			done = true
		}
	}
	w.sync = func() {
		x := &w.s.move
		if done || x.phase == resting {
			return
		}
		if x.phase >= moving {
			w.complete()
			return
		}
		for k := to; k < to+m && (x.phase > clearing || uint64(addrOf(k)) < x.at); k++ {
			w.pages[k] = worldPage{}
		}
		for k := i + stays; k < i+n && (x.phase > cutting || x.phase == cutting && uint64(addrOf(k)) < x.at); k++ {
			w.pages[k] = worldPage{}
		}
	}
}

// turn has the n pages from i on become m pages from to on.
func (w *world) turn(i, n, m, to int) {
	var old [worldPages]worldPage
	copy(old[:], w.pages[i:i+n])
	clear(w.pages[i : i+n])
	for k := range m {
		p := &w.pages[to+k]
		if k < n {
			*p = old[k]
			continue
		}
		*p = worldPage{modelPage: modelPage{used: true, prot: old[0].prot, kind: old[0].kind,
			deny: old[0].deny, object: old[0].object}}
		if p.kind == Object || p.kind == Private {
			p.offset = old[0].offset + uint64(k)*PageSize
		}
		if p.kind == Archive {
			p.phys = old[0].phys + uint64(k)*PageSize
		}
	}
}
