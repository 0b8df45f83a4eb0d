// SPDX-License-Identifier: Apache-2.0

package frame

import (
	"math/rand/v2"
	"testing"
)

// places is the slow oracle of a line.
type places [lineBits]bool

func (p *places) all(lo, hi uint64) bool {
	for ; lo < hi; lo++ {
		if !p[lo] {
			return false
		}
	}
	return true
}

func (p *places) largest() (most uint8) {
	for order := range uint8(lineOrder + 1) {
		for at := uint64(0); at < lineBits; at += 1 << order {
			if p.all(at, at+1<<order) {
				most = order + 1
			}
		}
	}
	return most
}

// block returns the order of the largest block with place i.
func (p *places) block(i uint64) uint8 {
	order := uint8(0)
	for order < lineOrder && p.all(i>>(order+1)<<(order+1), i>>(order+1)<<(order+1)+2<<order) {
		order++
	}
	return order
}

// compare holds a line against the oracle.
func (p *places) compare(t *testing.T, l *line) {
	t.Helper()
	for i := range uint64(lineBits) {
		if l.all(i, i+1) != p[i] || l.any(i, i+1) != p[i] {
			t.Fatalf("place %d is free: %v", i, !p[i])
		}
		if p[i] && l.block(i) != p.block(i) {
			t.Fatalf("place %d is in a block of order %d, not %d", i, p.block(i), l.block(i))
		}
	}
	most := p.largest()
	if got := l.largest(); got != most {
		t.Fatalf("the largest is %d, not %d", most, got)
	}
	for order := range most {
		first, last := ^uint64(0), uint64(0)
		for at := uint64(0); at < lineBits; at += 1 << order {
			if p.all(at, at+1<<order) {
				first, last = min(first, at), at
			}
		}
		if lo, hi := l.lowest(order), l.highest(order); lo != first || hi != last {
			t.Fatalf("of order %d the lowest is %d and the highest %d, not %d and %d", order, first, last, lo, hi)
		}
	}
}

// lineOf plays a line through ranges that are set and cleared in turn.
func lineOf(t *testing.T, draw func() uint64, turns int) {
	var l line
	var p places
	for range turns {
		lo := draw() % lineBits
		hi := lo + 1 + draw()%(lineBits-lo)
		if draw()%2 == 0 {
			hi = min(lo+1+draw()%4, hi)
		}
		free := draw()%5 < 3
		if free {
			had := p.largest()
			has := l.set(lo, hi)
			for i := lo; i < hi; i++ {
				p[i] = true
			}
			if got := max(had, has); got != p.largest() {
				t.Fatalf("after %d to %d were freed the largest is %d", lo, hi, got)
			}
		} else {
			has := l.clear(lo, hi)
			for i := lo; i < hi; i++ {
				p[i] = false
			}
			if has != p.largest() {
				t.Fatalf("after %d to %d were taken the largest is %d", lo, hi, has)
			}
		}
		if l.all(lo, hi) != p.all(lo, hi) {
			t.Fatalf("%d to %d: %v", lo, hi, l.all(lo, hi))
		}
		p.compare(t, &l)
	}
}

func TestLine(t *testing.T) {
	for seed := range uint64(20) {
		lineOf(t, rand.New(rand.NewPCG(seed, 8)).Uint64, 40)
	}
	all := line{}
	all.set(0, lineBits)
	if all.largest() != lineOrder+1 || all.lowest(lineOrder) != 0 || all.highest(lineOrder) != 0 {
		t.Errorf("%x", all)
	}
}

func FuzzLine(f *testing.F) {
	f.Add([]byte("some places free, some taken again, in words and over their limits"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 512 {
			return
		}
		lineOf(t, func() uint64 {
			if len(b) < 2 {
				return 0
			}
			v := uint64(b[0]) | uint64(b[1])<<8
			b = b[2:]
			return v
		}, len(b)/8)
	})
}
