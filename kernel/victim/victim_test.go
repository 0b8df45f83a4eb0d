// SPDX-License-Identifier: Apache-2.0

package victim

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// offered gives what a Choice has kept of candidates, by their indices.
func offered(all []Candidate) (kept []int32) {
	var c Choice
	for _, x := range all {
		c.Add(x)
	}
	for i := range c.Len() {
		kept = append(kept, c.At(i).Process)
	}
	return kept
}

func TestChoice(t *testing.T) {
	for _, c := range []struct {
		name string
		all  []Candidate
		want []int32
	}{
		{"nobody", nil, nil},
		{"one", []Candidate{{1, 10, 1, false}}, []int32{1}},
		{"the largest", []Candidate{{1, 10, 1, false}, {2, 30, 2, false}, {3, 20, 3, false}}, []int32{2, 3, 1}},
		{"the younger of two", []Candidate{{1, 10, 7, false}, {2, 10, 9, false}, {3, 10, 8, false}}, []int32{2, 3, 1}},
		{"age doesn't count else", []Candidate{{1, 11, 1, false}, {2, 10, 100, false}}, []int32{1, 2}},
		{"an essential one", []Candidate{{1, 99, 1, true}, {2, 1, 2, false}}, []int32{2}},
		{"only essential ones", []Candidate{{1, 99, 1, true}, {2, 1, 2, true}}, nil},
		{"one that has nothing", []Candidate{{1, 0, 1, false}, {2, 1, 2, false}}, []int32{2}},
		{"the first few", []Candidate{
			{1, 1, 1, false}, {2, 2, 2, false}, {3, 3, 3, false}, {4, 4, 4, false},
			{5, 5, 5, false}, {6, 6, 6, false}, {7, 7, 7, false}}, []int32{7, 6, 5, 4, 3}},
		{"more than there is", []Candidate{{1, 1<<64 - 1, 1, false}, {2, 1 << 63, 2, false}}, []int32{1, 2}},
	} {
		if got := offered(c.all); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// random gives up to 40 candidates of a few sizes, so that many are alike.
func random(r *rand.Rand) (all []Candidate) {
	born := r.Perm(40)
	for i := range r.IntN(40) {
		all = append(all, Candidate{int32(i), r.Uint64N(6), uint64(born[i]), r.IntN(4) == 0})
	}
	return all
}

// model is the choice as the documentation has it: those that count, sorted.
func model(all []Candidate) (kept []int32) {
	var in []Candidate
	for _, x := range all {
		if !x.Exempt && x.Frames > 0 {
			in = append(in, x)
		}
	}
	slices.SortFunc(in, func(a, b Candidate) int {
		switch {
		case a.Frames > b.Frames || a.Frames == b.Frames && a.Born > b.Born:
			return -1
		}
		return 1
	})
	for _, x := range in[:min(len(in), Shown)] {
		kept = append(kept, x.Process)
	}
	return kept
}

// What is chosen is what sorting all of them gives, in whatever order they come.
func TestChoiceAgainstSorting(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		all := random(r)
		want := model(all)
		for range 3 {
			if got := offered(all); !slices.Equal(got, want) {
				t.Fatalf("%v of %+v, want %v", got, all, want)
			}
			r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		}
	}
}

// The order is total: of two different candidates exactly one goes first, nobody
// before itself, and it is transitive.
func TestOrderIsTotal(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		all := random(r)
		for i := range all {
			for j := range all {
				a, b := &all[i], &all[j]
				if Before(a, b) == Before(b, a) != (i == j) || i == j && Before(a, b) {
					t.Fatalf("%+v and %+v", a, b)
				}
				for k := range all {
					if c := &all[k]; Before(a, b) && Before(b, c) && !Before(a, c) {
						t.Fatalf("%+v, %+v and %+v", a, b, c)
					}
				}
			}
		}
	}
}

func FuzzChoice(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9})
	f.Fuzz(func(t *testing.T, data []byte) {
		var all []Candidate
		for i, b := range data[:min(len(data), 256)] {
			all = append(all, Candidate{int32(i), uint64(b >> 3 & 7), uint64(i ^ 0x55), b&7 == 0})
		}
		if got, want := offered(all), model(all); !slices.Equal(got, want) {
			t.Errorf("%v of %+v, want %v", got, all, want)
		}
	})
}

func TestWait(t *testing.T) {
	const most = 3
	var w Wait
	again := func(page uint64, coming bool, pieces uint64, want bool) {
		t.Helper()
		if got := w.Again(page, coming, pieces, most); got != want {
			t.Errorf("page %#x, coming %v, %d pieces: %v (%+v)", page, coming, pieces, got, w)
		}
	}
	again(0, false, 5, false) // nothing comes: somebody is chosen at once
	for range 1000 {
		again(0, true, 5, true) // it takes as long as it takes
	}
	again(0, true, 7, true)
	again(0, true, 8, false) // all that there was has come, and others took it
	again(0, true, 8, true)  // the next wait
	again(0, false, 9, false)
	again(0, true, 100, true)
	again(4096, true, 102, true) // another page is another wait
	again(4096, true, 104, true)
	again(4096, true, 105, false)
}
