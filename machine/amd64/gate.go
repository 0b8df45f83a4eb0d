// SPDX-License-Identifier: Apache-2.0

package amd64

// Vectors of exceptions, SDM 3A 6.15 table 6-1.
const (
	VecDivide        = 0
	VecDebug         = 1
	VecNMI           = 2
	VecBreakpoint    = 3
	VecOverflow      = 4
	VecBound         = 5
	VecInvalidOpcode = 6
	VecNoFPU         = 7
	VecDoubleFault   = 8
	VecInvalidTSS    = 10
	VecNoSegment     = 11
	VecStack         = 12
	VecProtection    = 13
	VecPage          = 14
	VecFloat         = 16
	VecAlignment     = 17
	VecMachineCheck  = 18
	VecSIMD          = 19
	VecVirtual       = 20
	VecControl       = 21
	VecSecurity      = 30 // AMD, APM 8.2.25

	Exceptions = 32  // vectors from here on are interrupts
	Vectors    = 256 // entries of the interrupt descriptor table
)

// errorVectors has a bit for each vector that pushes an error code.
const errorVectors = 1<<VecDoubleFault | 1<<VecInvalidTSS | 1<<VecNoSegment | 1<<VecStack |
	1<<VecProtection | 1<<VecPage | 1<<VecAlignment | 1<<VecControl | 1<<29 | 1<<VecSecurity

// HasErrorCode says whether the processor pushes an error code for a vector.
func HasErrorCode(vector uint8) bool {
	return vector < Exceptions && errorVectors>>vector&1 != 0
}

// VectorName returns the name of an exception, or "interrupt".
func VectorName(vector uint8) string {
	if int(vector) < len(vectorNames) {
		return vectorNames[vector]
	}
	return "interrupt"
}

var vectorNames = [Exceptions]string{"divide error", "debug", "NMI", "breakpoint", "overflow",
	"bound range", "invalid opcode", "no FPU", "double fault", "segment overrun",
	"invalid TSS", "segment not present", "stack fault", "general protection", "page fault",
	"reserved", "x87 error", "alignment check", "machine check", "SIMD error",
	"virtualization", "control protection", "reserved", "reserved", "reserved", "reserved",
	"reserved", "reserved", "hypervisor injection", "VMM communication", "security",
	"reserved"}

// Bits of a page fault's error code, SDM 3A 4.7 figure 4-12.
const (
	FaultPresent  = 1 << 0 // the rights forbade it; clear: nothing is mapped
	FaultWrite    = 1 << 1
	FaultUser     = 1 << 2 // the access came from ring 3
	FaultReserved = 1 << 3 // a reserved bit in an entry: our own bug
	FaultFetch    = 1 << 4
	FaultKey      = 1 << 5
	FaultShadow   = 1 << 6
)

// Gate is an entry of the interrupt descriptor table.
type Gate [2]uint64

// Bits of a gate's first word.
const (
	gatePresent   = 1 << 47
	gateInterrupt = 0xe << 40 // clears IF; a trap gate (0xf) would leave it
	gateUser      = 3 << 45
)

// NewGate returns an interrupt gate to handler in the kernel's code segment,
// on interrupt stack ist (0: no switch within ring 0), SDM 3A 6.14.1 figure
// 6-8. user lets ring 3 reach it by INT n, as INT3 needs.
func NewGate(handler uint64, ist uint8, user bool) Gate {
	low := handler&0xffff | KernelCode<<16 | uint64(ist&7)<<32 |
		gatePresent | gateInterrupt | handler>>16&0xffff<<48
	if user {
		low |= gateUser
	}
	return Gate{low, handler >> 32}
}
