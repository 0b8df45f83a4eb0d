// SPDX-License-Identifier: Apache-2.0

package frame

import (
	"math/rand/v2"
	"slices"
	"testing"

	"loam/machine/phys"
)

// TestUnshareEach gives back ranges of frames, some of them shared, free, of
// another owner or in a run, and compares with Unshare of each.
func TestUnshareEach(t *testing.T) {
	const frames = 1024
	rnd := rand.New(rand.NewPCG(7, 8))
	for range 60 {
		draw := rnd.Uint64()
		var both [2]*Allocator
		for k := range both {
			both[k] = newAllocator(t, frames*phys.PageSize)
			age(both[k], rand.New(rand.NewPCG(draw, 1)))
		}
		first := rnd.Uint64N(frames)
		n := min(1+rnd.Uint64N(300), frames-first+3) // sometimes over the end
		want := OK
		for i := range n {
			if _, code := both[0].Unshare((first + i) * phys.PageSize); code != OK && want == OK {
				want = code
			}
		}
		if code := both[1].UnshareEach(first*phys.PageSize, n); code != want {
			t.Fatalf("UnshareEach = %v, want %v", code, want)
		}
		for _, a := range both {
			check(t, a)
		}
		for i := range uint64(frames) {
			x, y := both[0].Frame(i*phys.PageSize), both[1].Frame(i*phys.PageSize)
			if x.Owner != y.Owner || x.Count != y.Count {
				t.Fatalf("frame %d: %+v, want %+v", i, y, x)
			}
		}
		if x, y := both[0].Stats(), both[1].Stats(); x.Free != y.Free || x.Owned != y.Owned {
			t.Fatalf("%+v, want %+v", y, x)
		}
	}
}

// age takes and gives back frames, and leaves some of each kind.
func age(a *Allocator, rnd *rand.Rand) {
	for range 12 {
		n := 1 + rnd.Uint64()%80
		if rnd.IntN(8) == 0 {
			a.AllocN(n, 0, 0, Heap)
			continue
		}
		for range n {
			pa, _ := a.Alloc([]Owner{User, User, User, UserFile}[rnd.IntN(4)])
			switch rnd.IntN(24) {
			case 0:
				a.Share(pa)
			case 1:
				a.Unshare(pa)
			}
		}
	}
}

// TestOrderOfFrames: frames that lie side by side are handed out so, however the
// free blocks have been cut.
func TestOrderOfFrames(t *testing.T) {
	a := newAllocator(t, 24*mib)
	for range 6 {
		a.Alloc(User) // stays
		var got []uint64
		for range 1000 {
			pa, code := a.Alloc(User)
			if code != OK {
				t.Fatal(code)
			}
			got = append(got, pa)
		}
		breaks := 0
		for i := range got[1:] {
			if got[i+1] != got[i]+phys.PageSize {
				breaks++
			}
		}
		if breaks > len(got)/10 {
			t.Errorf("%d of %d frames don't lie behind the one before", breaks, len(got))
		}
		for pieces := range slices.Chunk(got, 124) { // as paging.Batch does
			for len(pieces) > 0 {
				n := 1
				for n < len(pieces) && pieces[n] == pieces[n-1]+phys.PageSize {
					n++
				}
				if code := a.UnshareEach(pieces[0], uint64(n)); code != OK {
					t.Fatal(code)
				}
				pieces = pieces[n:]
			}
		}
		check(t, a)
	}
}

func TestSpare(t *testing.T) {
	a := newAllocator(t, 24*mib)
	free := a.Stats().Free
	for _, reserve := range []uint64{0, 1, free - 1, free, free + 1} {
		a.SetReserve(reserve)
		want := uint64(0)
		if reserve < free {
			want = free - reserve
		}
		if got := a.Spare(); got != want {
			t.Errorf("with a reserve of %d: %d, want %d", reserve, got, want)
		}
	}
}
