// SPDX-License-Identifier: Apache-2.0

package linux

import "iter"

// What a call that waits costs beside its work is here: it is put into a table, is
// told, and is taken out again, for each byte that two processes pass each other by pipes. So records are linked
// to each other and used again, and nothing is allocated.

// waitTable has calls that wait, by token. The low bits of tokens tell threads apart.
type waitTable struct {
	chains [waitChains]*waiting
	n      int
}

const waitChains = 256 // a power of two

// get gives the call with a token, nil: it doesn't wait.
func (x *waitTable) get(token uint64) *waiting {
	w := x.chains[token%waitChains]
	for w != nil && w.t.Token != token {
		w = w.after
	}
	return w
}

// add puts a call in, whose token isn't there.
func (x *waitTable) add(w *waiting) {
	at := &x.chains[w.t.Token%waitChains]
	w.after, w.waits = *at, true
	*at = w
	x.n++
}

// remove takes a call out, if it is there.
func (x *waitTable) remove(w *waiting) {
	if !w.waits {
		return
	}
	at := &x.chains[w.t.Token%waitChains]
	for *at != w {
		at = &(*at).after
	}
	*at = w.after
	w.after, w.waits = nil, false
	x.n--
}

// of gives the calls of a process. The one that it gave last may be taken out.
func (x *waitTable) of(p *process) iter.Seq[*waiting] {
	return func(yield func(*waiting) bool) {
		for i := range x.chains {
			for w := x.chains[i]; w != nil; {
				after := w.after
				if w.t.p == p && !yield(w) {
					return
				}
				w = after
			}
		}
	}
}

// wokenCalls are calls to be made again, in the order in which they were told.
type wokenCalls struct{ first, last *waiting }

// add puts a call at the end, which is in no such list.
func (x *wokenCalls) add(w *waiting) {
	w.woken = true
	if x.last != nil {
		x.last.next = w
	} else {
		x.first = w
	}
	x.last = w
}

// take takes the first call out, nil: there is none.
func (x *wokenCalls) take() *waiting {
	w := x.first
	if w == nil {
		return nil
	}
	if x.first = w.next; x.first == nil {
		x.last = nil
	}
	w.next, w.woken = nil, false
	return w
}

// spareWaits is how many records are kept.
const spareWaits = 64

// newWaiting makes the record of a call.
func (s *Server) newWaiting(t *task, restarts bool) *waiting {
	w := s.spare
	if w == nil {
		w = &waiting{s: s}
	} else {
		s.spare, w.next = w.next, nil
		s.spares--
	}
	w.restarts = restarts
	w.t.Call, w.t.p, w.t.w, w.t.held = t.Call, t.p, w, t.held
	return w
}

// reuse takes back the record of a call that has been answered, and that nothing leads to any more.
func (s *Server) reuse(w *waiting) {
	if w.woken || s.spares == spareWaits {
		return
	}
	w.timer.fire = nil
	w.expired, w.signalled, w.network, w.done = false, false, false, 0
	w.t.buffer.rest = nil
	w.next, s.spare = s.spare, w
	s.spares++
}
