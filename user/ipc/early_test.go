// SPDX-License-Identifier: Apache-2.0

package ipc

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestEarly has more tokens than there is room for, and takes them in another order.
func TestEarly(t *testing.T) {
	var e Early
	if !e.Empty() || e.Take(1) {
		t.Fatal("there is something at the start")
	}
	for token := uint64(1); token <= 100; token++ {
		e.Add(token)
	}
	for token := uint64(100); token > 0; token-- {
		if there := token > 100-64; e.Take(token) != there {
			t.Errorf("token %d: there is %v", token, !there)
		}
		if e.Take(token) {
			t.Errorf("token %d is there twice", token)
		}
	}
	if !e.Empty() {
		t.Error("some are left")
	}
	if e.Add(7); e.Empty() || !e.Take(7) || !e.Empty() {
		t.Error("one is not found in an empty ring")
	}
}

// TestEarlyModel compares random sequences with a list.
func TestEarlyModel(t *testing.T) {
	var e Early
	var places [64]uint64
	next := 0
	r := rand.New(rand.NewPCG(1, 2))
	for step := range 50_000 {
		token := r.Uint64N(40)<<14 | 1 + r.Uint64N(4)
		if r.IntN(3) == 0 {
			e.Add(token)
			places[next%len(places)] = token
			next++
			continue
		}
		i := slices.Index(places[:], token)
		if got := e.Take(token); got != (i >= 0) {
			t.Fatalf("step %d: %#x: %v", step, token, got)
		}
		if i >= 0 {
			places[i] = 0
		}
		if e.Empty() != (places == [64]uint64{}) {
			t.Fatalf("step %d: empty: %v", step, e.Empty())
		}
	}
}
