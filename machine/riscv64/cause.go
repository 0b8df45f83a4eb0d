// SPDX-License-Identifier: Apache-2.0

package riscv64

// CauseInterrupt is the bit of scause that tells an interrupt from an exception,
// section 4.1.8.
const CauseInterrupt = 1 << 63

// Interrupts: values of scause beside CauseInterrupt, and positions in sie and sip.
const (
	CauseSoft     = 1
	CauseTimer    = 5
	CauseExternal = 9
)

// Exceptions: values of scause, table 4.2.
const (
	CauseFetchMisaligned = 0
	CauseFetchAccess     = 1 // no memory there, or it is closed (PMP)
	CauseIllegal         = 2 // instruction; it is in stval, or 0
	CauseBreakpoint      = 3
	CauseLoadMisaligned  = 4
	CauseLoadAccess      = 5
	CauseStoreMisaligned = 6
	CauseStoreAccess     = 7
	CauseUserCall        = 8 // ECALL in user mode
	CauseKernelCall      = 9 // ECALL in supervisor mode: the stage's or firmware's to take
	CauseFetchPage       = 12
	CauseLoadPage        = 13
	CauseStorePage       = 15
	CauseSoftwareCheck   = 18 // landing pads and shadow stacks; of version 20241017, as the next
	CauseHardwareError   = 19

	causes = 20
)

var exceptionNames = [causes]string{
	CauseFetchMisaligned: "instruction address misaligned",
	CauseFetchAccess:     "instruction access fault",
	CauseIllegal:         "illegal instruction",
	CauseBreakpoint:      "breakpoint",
	CauseLoadMisaligned:  "load address misaligned",
	CauseLoadAccess:      "load access fault",
	CauseStoreMisaligned: "store address misaligned",
	CauseStoreAccess:     "store access fault",
	CauseUserCall:        "environment call from user mode",
	CauseKernelCall:      "environment call from supervisor mode",
	CauseFetchPage:       "instruction page fault",
	CauseLoadPage:        "load page fault",
	CauseStorePage:       "store page fault",
	CauseSoftwareCheck:   "software check",
	CauseHardwareError:   "hardware error",
}

// CauseName returns a value of scause in words.
func CauseName(cause uint64) string {
	switch cause {
	case CauseInterrupt | CauseSoft:
		return "software interrupt"
	case CauseInterrupt | CauseTimer:
		return "timer interrupt"
	case CauseInterrupt | CauseExternal:
		return "external interrupt"
	}
	if cause&CauseInterrupt != 0 {
		return "unknown interrupt"
	}
	if cause < causes && exceptionNames[cause] != "" {
		return exceptionNames[cause]
	}
	return "unknown exception"
}

// IsPageFault reports whether a value of scause is a fault of translation, which a
// page may answer. An access fault is none: there is no memory behind the page.
func IsPageFault(cause uint64) bool {
	return cause == CauseFetchPage || cause == CauseLoadPage || cause == CauseStorePage
}
