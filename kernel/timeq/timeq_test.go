// SPDX-License-Identifier: Apache-2.0

package timeq

import (
	"math/rand/v2"
	"testing"
)

// oracle is the slow queue: a map searched from end to end.
type oracle struct {
	at  map[int32]int64
	seq map[int32]int
	n   int
}

func (o *oracle) set(owner int32, at int64) {
	o.n++
	o.at[owner], o.seq[owner] = at, o.n
}

func (o *oracle) first() (owner int32, ok bool) {
	for i, at := range o.at {
		if !ok || at < o.at[owner] || at == o.at[owner] && o.seq[i] < o.seq[owner] {
			owner, ok = i, true
		}
	}
	return owner, ok
}

func TestAgainstOracle(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 2))
		n := 1 + r.IntN(60)
		q := New(nil, n)
		o := &oracle{at: map[int32]int64{}, seq: map[int32]int{}}
		for range 3000 {
			owner := int32(r.IntN(n))
			switch r.IntN(6) {
			case 5:
				other := int32(r.IntN(n))
				_, has := o.at[owner]
				if _, taken := o.at[other]; !has || taken {
					continue
				}
				at := int64(r.IntN(50)) - 10
				q.Replace(owner, other, at)
				delete(o.at, owner)
				o.set(other, at)
			case 0, 1:
				at := int64(r.IntN(50)) - 10
				q.Set(owner, at)
				o.set(owner, at)
			case 2:
				_, had := o.at[owner]
				if q.Remove(owner) != had {
					t.Fatalf("Remove(%d) != %v", owner, had)
				}
				delete(o.at, owner)
			default:
				now := int64(r.IntN(50)) - 10
				want, ok := o.first()
				ok = ok && o.at[want] <= now
				got, gotOK := q.Pop(now)
				if gotOK != ok || ok && got != want {
					t.Fatalf("Pop(%d) = %d %v, want %d %v", now, got, gotOK, want, ok)
				}
				if ok {
					delete(o.at, want)
				}
			}
			check(t, q, o)
		}
	}
}

func check(t *testing.T, q *Queue, o *oracle) {
	t.Helper()
	if q.Len() != len(o.at) {
		t.Fatalf("Len %d, want %d", q.Len(), len(o.at))
	}
	at, ok := q.Next()
	first, ok2 := q.First()
	if want, has := o.first(); ok != has || ok2 != has || ok && (at != o.at[want] || first != want) {
		t.Fatalf("Next = %d %v, First = %d", at, ok, first)
	}
	for i := range q.place {
		at, ok := q.Deadline(int32(i))
		want, has := o.at[int32(i)]
		if ok != has || ok && at != want {
			t.Fatalf("Deadline(%d) = %d %v, want %d %v", i, at, ok, want, has)
		}
	}
}

func TestExtremeTimes(t *testing.T) {
	q := New(nil, 3)
	q.Set(0, 1<<63-1)
	q.Set(1, -1<<63)
	q.Set(2, 0)
	for _, want := range []int32{1, 2, 0} {
		if got, ok := q.Pop(1<<63 - 1); !ok || got != want {
			t.Fatalf("got %d, want %d", got, want)
		}
	}
}

func TestShift(t *testing.T) {
	q := New(nil, 10)
	for i := range int32(10) {
		q.Set(i, int64(i*7%10))
	}
	q.Shift(100)
	for want := int64(-100); want < -90; want++ {
		at, _ := q.Next()
		if owner, ok := q.Pop(0); !ok || at != want || int64(owner*7%10)-100 != want {
			t.Fatalf("got %d at %d, want %d", owner, at, want)
		}
	}
}

func TestNoAllocation(t *testing.T) {
	q := New(nil, 64)
	if n := testing.AllocsPerRun(100, func() {
		for i := range int32(64) {
			q.Set(i, int64(i*7919%64))
		}
		q.Remove(17)
		for {
			if _, ok := q.Pop(1000); !ok {
				break
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
