// SPDX-License-Identifier: Apache-2.0

package amd64

import "testing"

// TestIPI holds the commands against SDM 3A 10.6.1: vector in bits 0-7,
// delivery mode in 8-10, level 14, trigger 15, shorthand 18-19, destination
// from bit 56, or 32 in x2APIC mode; 000C4500H and 000C46xxH are the values of
// 8.4.4.1 but for the shorthand.
func TestIPI(t *testing.T) {
	for _, c := range []struct {
		name string
		got  uint64
		want uint64
	}{
		{"fixed", IPIFixed(0xf1, 3, false), 0x0300_0000_0000_40f1},
		{"fixed, x2", IPIFixed(0xf1, 0x12345, true), 0x0001_2345_0000_40f1},
		{"fixed, others", IPIFixedOthers(0xf1), 0x0000_0000_000c_40f1},
		{"NMI", IPINMI(0xfe, false), 0xfe00_0000_0000_4400},
		{"NMI, x2", IPINMI(0xffff_fffe, true), 0xffff_fffe_0000_4400},
		{"NMI, others", IPINMIOthers(), 0x0000_0000_000c_4400},
		{"INIT", IPIInit(1, false), 0x0100_0000_0000_4500},
		{"INIT, x2", IPIInit(0x100, true), 0x0000_0100_0000_4500},
		{"start", IPIStart(0x9f, 1, false), 0x0100_0000_0000_469f},
		{"start, x2", IPIStart(0x9f, 0x100, true), 0x0000_0100_0000_469f},
	} {
		if c.got != c.want {
			t.Errorf("%s: %#x, want %#x", c.name, c.got, c.want)
		}
		if low, high := CommandHalves(c.want); uint64(high)<<32|uint64(low) != c.got || low != uint32(c.want) {
			t.Errorf("%s: halves %#x, %#x", c.name, high, low)
		}
		if c.got&(ICRPending|ICRLevel) != 0 {
			t.Errorf("%s: a bit that is not to be written", c.name)
		}
	}
	if ICRPending != 0x1000 {
		t.Error("delivery status is bit 12")
	}
}

func TestReachable(t *testing.T) {
	for _, c := range []struct {
		id    uint32
		x, x2 bool
	}{
		{0, true, true}, {0xfe, true, true}, {0xff, false, true}, {0x100, false, true},
		{0xffff_fffe, false, true}, {0xffff_ffff, false, false},
	} {
		if Reachable(c.id, false) != c.x || Reachable(c.id, true) != c.x2 {
			t.Errorf("%#x: %v, %v", c.id, Reachable(c.id, false), Reachable(c.id, true))
		}
	}
}

// TestX2APICMSR holds the numbers against SDM 3A table 10-6.
func TestX2APICMSR(t *testing.T) {
	for offset, want := range map[uint32]uint32{
		APICID: 0x802, APICVersion: 0x803, APICTaskPriority: 0x808, APICEOI: 0x80b,
		APICLogical: 0x80d, APICSpurious: 0x80f, APICInService: 0x810, APICRequest: 0x820,
		APICRequest + 7*16: 0x827, APICErrorStatus: 0x828, APICCommand: 0x830,
		APICLVTTimer: 0x832, APICLVTThermal: 0x833, APICLVTPerf: 0x834, APICLVTLINT0: 0x835,
		APICLVTLINT1: 0x836, APICLVTError: 0x837, APICTimerInitial: 0x838,
		APICTimerCurrent: 0x839, APICTimerDivide: 0x83e,
	} {
		if got := X2APICMSR(offset); got != want {
			t.Errorf("%#x: %#x, want %#x", offset, got, want)
		}
	}
	if APICIDOf(0x1234_5678, false) != 0x12 || APICIDOf(0x1234_5678, true) != 0x1234_5678 {
		t.Error("ids")
	}
	if Decode(&Leafs{Features: Regs{ECX: 1 << 21}}) != X2APIC {
		t.Error("x2APIC is bit 21 of ECX")
	}
}

// TestAPICBase walks from each mode to each other, SDM 3A figure 10-27.
func TestAPICBase(t *testing.T) {
	const bsp, at = 1 << 8, uint64(0xf_fee0_0000)
	values := map[APICMode]uint64{APICOff: at | bsp, APICMemory: at | bsp | 0x800, APICMSRs: at | bsp | 0xc00}
	legal := map[[2]APICMode]bool{
		{APICOff, APICMemory}: true, {APICMemory, APICMSRs}: true, {APICMemory, APICOff}: true, {APICMSRs, APICOff}: true,
	}
	for from, base := range values {
		if APICModeOf(base) != from || APICAddressOf(base) != at {
			t.Errorf("%#x: mode %d, address %#x", base, APICModeOf(base), APICAddressOf(base))
		}
		for to, want := range values {
			steps, v := 0, base
			for APICModeOf(v) != to && steps < 3 {
				next, ok := APICBaseTo(v, to)
				if !ok || !legal[[2]APICMode{APICModeOf(v), APICModeOf(next)}] {
					t.Fatalf("from %d to %d: %#x after %#x", from, to, next, v)
				}
				v, steps = next, steps+1
			}
			if v != want || steps > 2 {
				t.Errorf("from %d to %d: %#x in %d steps", from, to, v, steps)
			}
		}
		if v, ok := APICBaseTo(base, APICInvalid); ok || v != base {
			t.Errorf("from %d to an invalid mode: %#x", from, v)
		}
	}
	if APICModeOf(0x400) != APICInvalid {
		t.Error("x2APIC mode without the enable bit is valid")
	}
}
