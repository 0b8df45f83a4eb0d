//go:build loamcheck

// SPDX-License-Identifier: Apache-2.0

package spin

import "testing"

func panics(f func()) (did bool) {
	defer func() { did = recover() != nil }()
	f()
	return false
}

// TestOrder: rising ranks pass, everything else panics.
func TestOrder(t *testing.T) {
	var word uint32
	SetHeld(func() *uint32 { return &word }, func(...string) { panic("breach") })
	defer SetHeld(nil, nil)
	low, high, other := &Lock{Rank: 1}, &Lock{Rank: 3}, &Lock{Rank: 3}
	low.Lock()
	high.Lock()
	if word != 1<<1|1<<3 {
		t.Errorf("held %b", word)
	}
	if !panics(other.Lock) {
		t.Error("a second lock of the same rank was given")
	}
	high.Unlock()
	low.Unlock()
	high.Lock()
	if !panics(low.Lock) {
		t.Error("a lock of lower rank was given")
	}
	high.Unlock()
	if !panics(high.Unlock) {
		t.Error("a lock that nobody has was given back")
	}
}
