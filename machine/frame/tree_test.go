// SPDX-License-Identifier: Apache-2.0

package frame

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"loam/machine/phys"
)

// newTree returns a tree for n lines.
func newTree(t *testing.T, n uint64) *tree {
	b := phys.Arena(int(n)*2 + 128)
	t.Cleanup(func() { runtime.KeepAlive(b) })
	x := new(tree)
	at := phys.FromBytes(b).Virtual(0)
	if end := x.plant(at, n); end > at+uintptr(len(b)) || end <= at {
		t.Fatalf("a tree for %d lines takes %d bytes", n, end-at)
	}
	return x
}

// TestTree compares trees with a slice of their bytes.
func TestTree(t *testing.T) {
	for seed, n := range []uint64{1, 2, 7, 8, 9, 63, 64, 65, 512, 513, 5000} {
		rng := rand.New(rand.NewPCG(uint64(seed), 9))
		x, all := newTree(t, n), make([]uint8, n)
		for range 3000 {
			j, v := rng.Uint64N(n), uint8(0)
			if rng.IntN(3) == 0 { // few, so that words empty
				v = uint8(1 + rng.IntN(lineOrder+1))
			}
			x.set(j, v)
			all[j] = v
			if rng.IntN(20) == 0 {
				for j := range all {
					x.set(uint64(j), 0)
					all[j] = 0
				}
			}
			if j = rng.Uint64N(n); x.get(j) != all[j] || x.most() != slices.Max(all) {
				t.Fatalf("of %d lines %d has %d, the largest is %d", n, j, x.get(j), x.most())
			}
			want := uint8(1 + rng.IntN(lineOrder+1))
			first := slices.IndexFunc(all, func(v uint8) bool { return v >= want })
			last := len(all) - 1
			for last >= 0 && all[last] < want {
				last--
			}
			lo, ok := x.first(want)
			hi, has := x.last(want)
			if ok != (first >= 0) || has != ok || ok && (lo != uint64(first) || hi != uint64(last)) {
				t.Fatalf("%d lines, %d: %d %v, %d %v; want %d and %d", n, want, lo, ok, hi, has, first, last)
			}
		}
		if !x.good(n) {
			t.Errorf("%d lines: not good", n)
		}
		for k := range x.top { // a byte over a word says something else than the word
			p := byteAt(x.levels[k+1])
			*p ^= 1
			if x.good(n) {
				t.Errorf("%d lines: a wrong byte of level %d not seen", n, k+1)
			}
			*p ^= 1
		}
	}
}
