// SPDX-License-Identifier: Apache-2.0

package exception

import (
	"encoding/binary"
	"testing"

	"loam/abi"
)

func TestSignalAMD64(t *testing.T) {
	const rip = 0x401234
	tests := []struct {
		name   string
		vector uint64
		signo  abi.Signal
		code   int32
		addr   abi.UserAddr
	}{
		{"divide", DivideError, abi.SIGFPE, abi.FPE_INTDIV, rip},
		{"int3", Breakpoint, abi.SIGTRAP, abi.SI_KERNEL, 0},
		{"single step", Debug, abi.SIGTRAP, abi.TRAP_TRACE, rip},
		{"undefined", InvalidOpcode, abi.SIGILL, abi.ILL_ILLOPN, rip},
		{"privileged", GeneralProtection, abi.SIGSEGV, abi.SI_KERNEL, 0},
		{"stack segment", StackFault, abi.SIGBUS, abi.SI_KERNEL, 0},
		{"alignment", AlignmentCheck, abi.SIGBUS, abi.BUS_ADRALN, 0},
		{"into", Overflow, abi.SIGSEGV, abi.SI_KERNEL, 0},
		{"reserved", 31, abi.SIGSEGV, abi.SI_KERNEL, 0},
	}
	for _, tt := range tests {
		got := SignalAMD64(tt.vector, rip, make([]byte, 512))
		want := abi.FaultInfo(tt.signo, tt.code, tt.addr)
		if got != want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, want)
		}
	}
}

func TestFloatCodes(t *testing.T) {
	tests := []struct {
		bits uint32
		code int32
	}{
		{1, abi.FPE_FLTINV}, {4, abi.FPE_FLTDIV}, {8, abi.FPE_FLTOVF},
		{2, abi.FPE_FLTUND}, {16, abi.FPE_FLTUND}, {32, abi.FPE_FLTRES}, {0, abi.SI_KERNEL},
		{1 | 32, abi.FPE_FLTINV},
	}
	for _, tt := range tests {
		fpu := make([]byte, 512)
		// All exceptions are flagged, only those of the test unmasked.
		binary.LittleEndian.PutUint16(fpu[0:], uint16(^tt.bits&0x3f))
		binary.LittleEndian.PutUint16(fpu[2:], 0x3f)
		binary.LittleEndian.PutUint32(fpu[24:], 0x3f|(^tt.bits&0x3f)<<7)
		for _, v := range []uint64{X87, SIMD} {
			if got := SignalAMD64(v, 1, fpu).Code; got != tt.code {
				t.Errorf("vector %d, bits %#x: code %d, want %d", v, tt.bits, got, tt.code)
			}
		}
	}
}
