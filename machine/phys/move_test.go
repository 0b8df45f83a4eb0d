// SPDX-License-Identifier: Apache-2.0

package phys

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// movePieces compares Move with copy, for pieces of one memory that may overlap.
func movePieces(t *testing.T) {
	const size = 200 << 10
	r := rand.New(rand.NewPCG(1, 2))
	got, want := Arena(size), make([]byte, size)
	for i := range want {
		want[i] = byte(r.Uint32())
	}
	copy(got, want)
	try := func(to, from, room, n int) {
		t.Helper()
		w := copy(want[to:to+room], want[from:from+n])
		if m := Move(got[to:to+room], got[from:from+n]); m != w {
			t.Fatalf("%d bytes, want %d", m, w)
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("%d bytes from %d to %d", w, from, to)
		}
	}
	for range 2000 {
		n := r.IntN(size / 2)
		try(r.IntN(size-n), r.IntN(size-n), n, n)
	}
	for _, n := range []int{0, 1, 63, 64, 16<<10 - 1, 16 << 10, 16<<10 + 1, 64 << 10} {
		for _, far := range []int{0, 1, 8, 63, 64, 65, n} {
			try(1000, 1000+far, n, n)
			try(1000+far, 1000, n, n)
		}
		try(100<<10, 0, n, 64<<10)
		try(100<<10, 0, 64<<10, n)
	}
}

func TestMove(t *testing.T) { movePieces(t) }
