// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"testing"

	"loam/abi"
)

// TestForms: each call of package abi is in the grammar, once, and none that isn't there.
func TestForms(t *testing.T) {
	seen := map[uint64]int{}
	for i := range loamForms {
		seen[loamForms[i].nr]++
	}
	n := 0
	for nr := uint64(abi.CallBase); abi.Name(abi.AMD64, nr) != ""; nr++ {
		n++
		if seen[nr] != 1 {
			t.Errorf("call %#x, %s, has %d forms, want one: add it to loamForms", nr, abi.Name(abi.AMD64, nr), seen[nr])
		}
	}
	if n != len(loamForms) {
		t.Errorf("package abi has %d calls, loamForms %d", n, len(loamForms))
	}
	for i := range loamForms {
		if f := &loamForms[i]; f.weight <= 0 || len(f.args) > 6 {
			t.Errorf("call %#x: weight %d, %d arguments", f.nr, f.weight, len(f.args))
		}
	}
}
