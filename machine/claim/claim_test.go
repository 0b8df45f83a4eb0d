// SPDX-License-Identifier: Apache-2.0

package claim

import (
	"math/rand/v2"
	"testing"
)

// TestModel compares a Set with a word for each number.
func TestModel(t *testing.T) {
	const numbers = 300
	for seed := range uint64(50) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		var s Set
		var owner [numbers]int32 // place+1
		held := map[int32]Range{}
		for range 3000 {
			if len(held) > 0 && rnd.IntN(3) == 0 {
				for place, r := range held {
					if s.At(place) != r {
						t.Fatalf("place %d has %v, want %v", place, s.At(place), r)
					}
					s.Release(place)
					delete(held, place)
					for i := range r.Count {
						owner[r.First+i] = 0
					}
					break
				}
				continue
			}
			r := Range{First: rnd.Uint64N(numbers - 5), Count: 1 + rnd.Uint64N(5)}
			want := OK
			if len(held) == Size {
				want = Full
			}
			for i := range r.Count {
				if owner[r.First+i] != 0 {
					want = Busy
				}
			}
			if s.Overlaps(r) != (want == Busy) {
				t.Fatalf("%v overlaps: %v", r, s.Overlaps(r))
			}
			place, code := s.Claim(r)
			if code != want || (code == OK) == (place == None) {
				t.Fatalf("%v: %d at %d, want %d", r, code, place, want)
			}
			if code != OK {
				continue
			}
			held[place] = r
			for i := range r.Count {
				owner[r.First+i] = place + 1
			}
			if s.Len() != len(held) {
				t.Fatalf("%d claims, want %d", s.Len(), len(held))
			}
		}
	}
}

func TestHas(t *testing.T) {
	r := Range{0x70, 2}
	for x, want := range map[Range]bool{
		{0x70, 1}: true, {0x71, 1}: true, {0x70, 2}: true, {0x70, 0}: false, {0x6f, 1}: false,
		{0x6f, 2}: false, {0x71, 2}: false, {0x72, 1}: false, {0x70, 1<<64 - 1}: false, {1<<64 - 1, 4}: false,
	} {
		if r.Has(x) != want {
			t.Errorf("%v has %v: %v", r, x, !want)
		}
		if all := (Range{0, 1<<64 - 1}); x.Count > 0 && x.First+x.Count > x.First && !all.Has(x) {
			t.Errorf("%v is outside of all", x)
		}
	}
	if last := (Range{1<<64 - 2, 2}); !last.Has(Range{1<<64 - 1, 1}) || last.Has(Range{0, 1}) || Any([]Range{last}, Range{0, 1}) ||
		!Any([]Range{last}, Range{1<<64 - 1, 1}) {
		t.Error("the last numbers")
	}
	if !Any([]Range{{1, 2}, {9, 1}}, Range{2, 7}) || Any([]Range{{1, 2}, {9, 1}}, Range{3, 6}) || Any(nil, Range{0, 1}) {
		t.Error("Any")
	}
}
