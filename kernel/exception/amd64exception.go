// SPDX-License-Identifier: Apache-2.0

package exception

import (
	"encoding/binary"

	"loam/abi"
)

// Vectors of amd64.
const (
	DivideError       = 0
	Debug             = 1
	NMI               = 2
	Breakpoint        = 3
	Overflow          = 4
	BoundRange        = 5
	InvalidOpcode     = 6
	DeviceNotAvail    = 7
	DoubleFault       = 8
	InvalidTSS        = 10
	SegmentNotPresent = 11
	StackFault        = 12
	GeneralProtection = 13
	PageFault         = 14
	X87               = 16
	AlignmentCheck    = 17
	MachineCheck      = 18
	SIMD              = 19
	ControlProtection = 21
)

// Bits of a page fault's error code.
const (
	FaultPresent = 1 << 0 // the page is mapped: a matter of rights
	FaultWrite   = 1 << 1
	FaultUser    = 1 << 2
	FaultFetch   = 1 << 4
)

// SignalAMD64 gives the signal for exception vector at instruction pointer
// rip. fpu is the thread's XSAVE area.
func SignalAMD64(vector, rip uint64, fpu []byte) abi.Siginfo {
	at := abi.UserAddr(rip)
	switch vector {
	case DivideError:
		return abi.FaultInfo(abi.SIGFPE, abi.FPE_INTDIV, at)
	case Debug:
		return abi.FaultInfo(abi.SIGTRAP, abi.TRAP_TRACE, at)
	case Breakpoint:
		return abi.FaultInfo(abi.SIGTRAP, abi.SI_KERNEL, 0)
	case InvalidOpcode:
		return abi.FaultInfo(abi.SIGILL, abi.ILL_ILLOPN, at)
	case SegmentNotPresent, StackFault:
		return abi.FaultInfo(abi.SIGBUS, abi.SI_KERNEL, 0)
	case X87:
		status, control := binary.LittleEndian.Uint16(fpu[2:]), binary.LittleEndian.Uint16(fpu[0:])
		return abi.FaultInfo(abi.SIGFPE, floatCode(uint32(status&^control)), at)
	case AlignmentCheck:
		return abi.FaultInfo(abi.SIGBUS, abi.BUS_ADRALN, 0)
	case SIMD:
		mxcsr := binary.LittleEndian.Uint32(fpu[24:])
		return abi.FaultInfo(abi.SIGFPE, floatCode(mxcsr&^(mxcsr>>7)), at)
	}
	return abi.FaultInfo(abi.SIGSEGV, abi.SI_KERNEL, 0)
}

// floatCode picks the code of the unmasked floating-point exceptions in bits,
// whose order is the same in the x87 status word and MXCSR.
func floatCode(bits uint32) int32 {
	const invalid, denormal, zero, overflow, underflow, precision = 1, 2, 4, 8, 16, 32
	switch {
	case bits&invalid != 0:
		return abi.FPE_FLTINV
	case bits&zero != 0:
		return abi.FPE_FLTDIV
	case bits&overflow != 0:
		return abi.FPE_FLTOVF
	case bits&(denormal|underflow) != 0:
		return abi.FPE_FLTUND
	case bits&precision != 0:
		return abi.FPE_FLTRES
	}
	return abi.SI_KERNEL
}
