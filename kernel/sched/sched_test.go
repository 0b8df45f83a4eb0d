// SPDX-License-Identifier: Apache-2.0

package sched

import (
	"math"
	"testing"
)

func TestNiceWeights(t *testing.T) {
	for nice := MinNice; nice <= MaxNice; nice++ {
		want := int64(math.Round(1024 / math.Pow(1.25, float64(nice))))
		if got := niceWeight[nice-MinNice]; got != want {
			t.Errorf("nice %d: weight %d, want %d", nice, got, want)
		}
	}
}

func TestIdleAndAlone(t *testing.T) {
	q := New(nil, 1, 4, 4).Queue(0)
	if th, _ := q.Pick(0); th != None || q.Len() != 0 {
		t.Fatalf("empty queue picked %d", th)
	}
	if !q.Enqueue(2, 10) {
		t.Fatal("an idle CPU needs a Pick")
	}
	if th, slice := q.Pick(10); th != 2 || slice != Forever {
		t.Fatalf("picked %d for %d", th, slice)
	}
	q.Yield(20)
	if th, _ := q.Pick(20); th != 2 {
		t.Fatalf("yield of a lone thread picked %d", th)
	}
	q.Dequeue(2, 30)
	if th, _ := q.Pick(30); th != None {
		t.Fatalf("picked %d after Dequeue", th)
	}
}

func TestYieldAlternates(t *testing.T) {
	for _, n := range []int{2, 3, 10} {
		q := New(nil, 1, n, 4).Queue(0)
		for i := range n {
			q.Enqueue(int32(i), 0)
		}
		last, _ := q.Pick(0)
		count := make([]int, n)
		now := int64(0)
		for range 100 * n {
			now += 500
			q.Yield(now)
			th, _ := q.Pick(now)
			if th == last {
				t.Fatalf("%d threads: yield gave the CPU back to %d", n, th)
			}
			last = th
			count[th]++
		}
		for i, c := range count {
			if c < 99 || c > 101 {
				t.Errorf("%d threads: %d ran %d times of 100", n, i, c)
			}
		}
	}
}

// TestNice: nice is clipped, survives sleep, and is forgotten by Reset.
func TestNice(t *testing.T) {
	s := New(nil, 1, 2, 4)
	q := s.Queue(0)
	for nice, want := range map[int]int{-100: MinNice, 100: MaxNice, 7: 7} {
		q.SetNice(0, nice, 0)
		if s.Nice(0) != want {
			t.Errorf("nice %d became %d", nice, s.Nice(0))
		}
		q.Enqueue(0, 0)
		q.Dequeue(0, 0)
		if s.Nice(0) != want {
			t.Errorf("nice %d became %d by sleeping", want, s.Nice(0))
		}
	}
	s.Reset(0)
	if s.Nice(0) != 0 || s.Runnable(0) {
		t.Error("Reset")
	}
}
