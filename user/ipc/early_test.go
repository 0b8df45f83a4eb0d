// SPDX-License-Identifier: Apache-2.0

package ipc

import "testing"

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
