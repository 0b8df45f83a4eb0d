// SPDX-License-Identifier: Apache-2.0

package lock

import (
	"math/rand/v2"
	"testing"
)

// TestModel compares a table with one that has a word for each owner and byte.
func TestModel(t *testing.T) {
	for seed := range uint64(200) {
		model(t, seed)
	}
}

// FuzzModel is TestModel by seeds of the fuzzer's.
func FuzzModel(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(model)
}

func model(t *testing.T, seed uint64) {
	const owners, size = 3, 24
	r := rand.New(rand.NewPCG(seed, 3))
	var table Table
	var bytes [owners][size]byte // 0, 'r' or 'w'
	for step := range 200 {
		owner := r.IntN(owners)
		first := int64(r.IntN(size))
		last := first + int64(r.IntN(int(size-first)))
		if r.IntN(3) == 0 {
			table.Clear(owner, first, last)
			clear(bytes[owner][first : last+1])
			continue
		}
		l := Lock{Owner: owner, Write: r.IntN(2) == 0, First: first, Last: last}
		kind, free := byte('r'), true
		if l.Write {
			kind = 'w'
		}
		for o := range owners {
			for i := first; i <= last; i++ {
				if b := bytes[o][i]; o != owner && (b == 'w' || b == 'r' && l.Write) {
					free = false
				}
			}
		}
		if c := table.Conflict(&l); (c == nil) != free {
			t.Fatalf("seed %d step %d: conflict %v", seed, step, c)
		}
		if free {
			table.Set(l)
			for i := first; i <= last; i++ {
				bytes[owner][i] = kind
			}
		}
		table.check(t, &bytes)
	}
	for o := range owners {
		table.Clear(o, 0, End)
	}
	if !table.Empty() {
		t.Fatal("locks are left")
	}
}

// check compares what is there, and wants no two locks that could be one.
func (t *Table) check(test *testing.T, bytes *[3][24]byte) {
	var got [3][24]byte
	for i := range t.locks {
		l := &t.locks[i]
		for b := l.First; b <= l.Last; b++ {
			got[l.Owner.(int)][b] = 'r'
			if l.Write {
				got[l.Owner.(int)][b] = 'w'
			}
		}
		if i > 0 && joins(&t.locks[i-1], l) {
			test.Fatalf("%v and %v are two", t.locks[i-1], *l)
		}
	}
	if got != *bytes {
		test.Fatalf("%q\nwant %q", got, *bytes)
	}
}
