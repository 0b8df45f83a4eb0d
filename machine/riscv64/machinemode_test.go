// SPDX-License-Identifier: Apache-2.0

package riscv64

import (
	"math/bits"
	"testing"
)

// napot decodes pmpaddr as the specification says (table 3.11): the number of ones
// at its end tells the size.
func napot(v uint64) (start, size uint64) {
	ones := bits.TrailingZeros64(^v)
	return v >> ones << ones << 2, 8 << ones
}

func TestPMPAddress(t *testing.T) {
	for _, c := range []struct{ start, size uint64 }{{0, 8}, {0x80400000, 0x20000}, {0x80020000, 0x20000},
		{0, 1 << 32}, {1 << 55, 1 << 55}, {0x1000, 0x1000}} {
		if start, size := napot(PMPAddress(c.start, c.size)); start != c.start || size != c.size {
			t.Errorf("%#x, %#x comes out as %#x, %#x", c.start, c.size, start, size)
		}
	}
	if start, size := napot(PMPAll); start != 0 || size != 1<<57 {
		t.Errorf("all is %#x, %#x", start, size)
	}
}

// TestDelegated: a call of supervisor mode is the only exception that stays, and no
// interrupt of machine mode goes down.
func TestDelegated(t *testing.T) {
	for cause := range uint64(causes) {
		known := exceptionNames[cause] != ""
		if got := DelegatedExceptions>>cause&1 == 1; got != (known && cause != CauseKernelCall) {
			t.Errorf("%s: delegated is %v", CauseName(cause), got)
		}
	}
	if Delegated != 0x2222 {
		t.Errorf("%#x", Delegated)
	}
	if Delegated&(MachineSoftInterrupt|MachineTimerInterrupt) != 0 {
		t.Error("machine mode's are delegated")
	}
}

func TestEnv(t *testing.T) {
	for isa, want := range map[ISA]uint64{General: 0, Zicbom: 0x70, Zicboz: 0x80, Svpbmt: 1 << 62, Sstc: 1 << 63,
		General | Sstc | Zicboz: 1<<63 | 0x80} {
		if got := isa.Env(); got != want {
			t.Errorf("%#x: %#x, want %#x", isa, got, want)
		}
	}
}
