// SPDX-License-Identifier: Apache-2.0

package ring

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"loam/internal/terminal"
)

// TestLayout: parts of the memory don't overlap.
func TestLayout(t *testing.T) {
	used := make([]bool, Size)
	use := func(what string, from, n int) {
		for i := from; i < from+n; i++ {
			if used[i] {
				t.Fatalf("%s: byte %d is another's", what, i)
			}
			used[i] = true
		}
	}
	for r := range Rings {
		use("words", int(r)*ringLines, ringLines)
		use("bytes", r.Offset(), r.Size())
		if r.Offset()%SlotSize != 0 || r.Size()&(r.Size()-1) != 0 || r.IsInput() && r.Slots() > maxSlots {
			t.Error(r)
		}
		w := newWords(make([]byte, Size), r)
		for i := range r.Slots() {
			use("table", w.entry(uint32(i)), entrySize)
		}
	}
	if Size != terminal.RingsMemory {
		t.Error(Size)
	}
}

// pair are both ends of an input, and what was sent.
type pair struct {
	*Taker
	*Fill
	mem    []byte
	filled uint32
	sent   []byte
}

// TestInput compares an input with the stream that it carries, across the positions' overflow, with
// another Taker in the place of the first now and then.
func TestInput(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 2))
		mem := make([]byte, Size)
		begin := uint32(1<<20 - 40)
		binary.LittleEndian.PutUint32(mem[clientLine+position:], begin<<slotShift)
		binary.LittleEndian.PutUint32(mem[driverLine+position:], begin<<slotShift)
		p := pair{NewTaker(mem, Stdin), NewFill(mem, Stdin), mem, begin, nil}
		p.Describe(begin-1, 0, 0)
		var got []byte
		waits := false
		for range 400 {
			switch r.IntN(4) {
			case 0:
				held, err := p.Held(p.filled)
				if err != nil {
					t.Fatal(err)
				}
				if held == uint32(Stdin.Slots()) {
					continue
				}
				b := make([]byte, r.IntN(2)*r.IntN(SlotSize+1))
				for i := range b {
					b[i] = byte(r.Uint32())
				}
				copy(mem[Stdin.Offset()+int(p.filled)%Stdin.Slots()*SlotSize:], b)
				p.Describe(p.filled, uint32(len(b)), uint32(len(p.sent)))
				p.sent = append(p.sent, b...)
				p.filled = (p.filled + 1) & (1<<20 - 1)
				p.SetFilled(p.filled)
				if p.Wanted() != waits {
					t.Fatal("the client is not woken where it waits")
				}
				waits = false
			case 1:
				p.WakeAt(p.Taker.taken>>slotShift + 3)
				before := p.Taker.taken >> slotShift
				b := make([]byte, r.IntN(20000))
				n, signal, err := p.Read(b)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, b[:n]...)
				waits = n == 0 && len(b) > 0
				if passed := (p.Taker.taken>>slotShift-before)&(1<<20-1) >= 3; passed != signal {
					t.Fatalf("signal %v from slot %d to %d", signal, before, p.Taker.taken>>slotShift)
				}
			case 2:
				p.Taker = NewTaker(mem, Stdin)
			case 3:
				if n, err := p.Count(); err != nil || int(n) != len(got) {
					t.Fatalf("%d, %v, not %d", n, err, len(got))
				}
			}
			if !bytes.HasPrefix(p.sent, got) {
				t.Fatalf("seed %d: not what was sent, after %d bytes", seed, len(got))
			}
		}
	}
}

// FuzzHostile: whatever the other side writes anywhere, at any time, each end stays within the
// memory, gives no more than there can be, and comes to an end.
func FuzzHostile(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3}, uint64(1))
	f.Fuzz(func(t *testing.T, ops []byte, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 3))
		mem := make([]byte, Size)
		take, put := NewTaker(mem, Stdin), NewPutter(mem, Stdout)
		fill, drain := NewFill(mem, Stdin), NewDrain(mem, Stdout)
		b := make([]byte, 300_000)
		for _, op := range ops[:min(len(ops), 200)] {
			at := 4 * r.IntN(tables/4+Stdin.Slots()*entrySize/4)
			v := r.Uint32() >> r.IntN(32) << r.IntN(32)
			binary.LittleEndian.PutUint32(mem[at:], v)
			switch op % 8 {
			case 0:
				if n, _, err := take.Read(b); n > Stdin.Size() || err != nil && err != ErrBroken {
					t.Fatal(n, err)
				}
			case 1:
				if n, _, err := put.Write(b); n > Stdout.Size() || err != nil && err != ErrBroken {
					t.Fatal(n, err)
				}
			case 2:
				_, _ = take.Count()
				_, _ = take.Ready()
				_, _, _ = take.Arm()
			case 3:
				if n, err := put.Room(); n < 0 || n > Stdout.Size() || err == nil && n > Stdout.Size() {
					t.Fatal(n, err)
				}
			case 4:
				if n, err := drain.Pending(v, v); err == nil && n > uint32(Stdout.Size()) {
					t.Fatal(n)
				}
			case 5:
				if n, err := fill.Held(v); err == nil && n > uint32(Stdin.Slots()) {
					t.Fatal(n)
				}
			case 6:
				take, put = NewTaker(mem, Stdin), NewPutter(mem, Stdout)
			case 7:
				fill.Describe(v, v, v)
				_, _ = fill.Entry(v)
			}
		}
	})
}
