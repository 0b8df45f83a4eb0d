// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"loam/abi"
	"loam/user/linux/lx"
)

// TestWaitTable compares the table with a map.
func TestWaitTable(t *testing.T) {
	var x waitTable
	model := map[uint64]*waiting{}
	r := rand.New(rand.NewPCG(1, 2))
	processes := []*process{{}, {}, {}}
	token := func() uint64 { return r.Uint64N(3)<<14 | r.Uint64N(3)<<8 | r.Uint64N(4) } // many in a chain
	for range 20_000 {
		k := token()
		switch w := model[k]; {
		case w == nil:
			w = &waiting{}
			w.t.Token, w.t.p = k, processes[k%3]
			x.add(w)
			model[k] = w
		case r.IntN(2) == 0:
			x.remove(w)
			x.remove(w) // does nothing
			delete(model, k)
		}
		if k = token(); x.get(k) != model[k] || x.n != len(model) {
			t.Fatalf("%#x: %p of %d, want %p of %d", k, x.get(k), x.n, model[k], len(model))
		}
	}
	for i, p := range processes { // those of one are taken out while they are given
		var got []uint64
		for w := range x.of(p) {
			got = append(got, w.t.Token)
			x.remove(w)
		}
		var want []uint64
		for k := range maps.Keys(model) {
			if k%3 == uint64(i) {
				want = append(want, k)
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("of process %d: %x, want %x", i, got, want)
		}
	}
	if x.n != 0 {
		t.Errorf("%d are left", x.n)
	}
}

// TestWokenCalls: first told, first tried.
func TestWokenCalls(t *testing.T) {
	var x wokenCalls
	var all [5]waiting
	for round := range 3 {
		for i := range all[:round+3] {
			x.add(&all[i])
		}
		for i := range all[:round+3] {
			if w := x.take(); w != &all[i] || w.woken || w.next != nil {
				t.Fatalf("round %d: call %d isn't next", round, i)
			}
		}
		if x.take() != nil {
			t.Fatal("there is one more")
		}
	}
}

// TestWaitingAgain: a record that was used is as a new one, of calls that ended by bytes, a time, a signal, and their process's end.
func TestWaitingAgain(t *testing.T) {
	w := newWorld(t)
	r, wr := w.pipe(0)
	ep := w.call(lx.SysEpollCreate1, 0)
	fresh := func() {
		t.Helper()
		n := 0
		for x := w.spare; x != nil; x = x.next {
			if n++; x.waits || x.woken || x.expired || x.signalled || x.done != 0 || x.entries != nil || x.after != nil ||
				x.timer.fire != nil || x.timer.place != 0 || x.t.held != nil || x.t.buffer.rest != nil {
				t.Fatalf("it isn't as new: %+v", x)
			}
		}
		if n != w.spares || n > spareWaits {
			t.Fatalf("%d records, want %d", n, w.spares)
		}
	}
	for range 3 {
		a := w.waits(lx.SysRead, r, bufferAt, 10)
		b := w.waits(lx.SysEpollPwait, ep, bufferAt, 8, 10, 0, 8)
		c := w.waits(lx.SysRead, r, bufferAt, 10)
		w.want(3, lx.SysWrite, wr, w.put(0, "abc"), 3)
		w.answered(a, 3)
		w.k.now += 10_000_000
		w.Tick()
		w.answered(b, 0)
		w.Cancel(c)
		w.answered(c, reply{abi.EINTR.Result(), true})
		fresh()
	}
	if w.spares != 2 { // c ended by a signal with its restart, which is rare: not kept
		t.Errorf("%d records are kept", w.spares)
	}
	var many []uint64
	for range 3 * spareWaits {
		many = append(many, w.waits(lx.SysRead, r, bufferAt, 1))
	}
	fresh()
	for range many {
		w.want(1, lx.SysWrite, wr, w.put(0, "x"), 1)
	}
	for _, token := range many {
		w.answered(token, 1)
	}
	fresh()
	if w.spares != spareWaits {
		t.Errorf("%d records are kept, want %d", w.spares, spareWaits)
	}
	// Used again, none has anything left of what it was.
	a := w.waits(lx.SysRead, r, bufferAt, 10)
	w.want(2, lx.SysWrite, wr, w.put(0, "yz"), 2)
	w.answered(a, 2)
	w.waits(lx.SysRead, r, bufferAt, 10)
	w.Ended(w.badge)
	fresh()
}

// TestWaitingTakesNothing: a byte by a pipe to who waits for it allocates nothing.
func TestWaitingTakesNothing(t *testing.T) {
	w := newWorld(t)
	r, wr := w.pipe(0)
	read := Call{Number: lx.SysRead, Args: [6]uint64{r, bufferAt, 1}, Badge: w.badge, Token: 1 << 20}
	write := Call{Number: lx.SysWrite, Args: [6]uint64{wr, bufferAt, 1}, Badge: w.badge, Token: 1<<20 + 1}
	if n := testing.AllocsPerRun(1000, func() {
		if _, now := w.Handle(&read); now {
			t.Fatal("it doesn't wait")
		}
		if n, now := w.Handle(&write); !now || n != 1 {
			t.Fatal(n, now)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
