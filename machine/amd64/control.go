// SPDX-License-Identifier: Apache-2.0

package amd64

// Bits of CR0, SDM 3A 2.5.
const (
	CR0ProtectedMode = 1 << 0  // PE
	CR0MonitorFPU    = 1 << 1  // MP
	CR0EmulateFPU    = 1 << 2  // EM
	CR0TaskSwitched  = 1 << 3  // TS
	CR0ExtensionType = 1 << 4  // ET
	CR0NumericError  = 1 << 5  // NE
	CR0WriteProtect  = 1 << 16 // WP: ring 0 obeys read-only pages too
	CR0AlignmentMask = 1 << 18 // AM
	CR0NotThrough    = 1 << 29 // NW
	CR0CacheDisable  = 1 << 30 // CD
	CR0Paging        = 1 << 31 // PG
)

// Bits of CR3, SDM 3A 4.5 table 4-12.
const (
	CR3NoFlush  = 1 << 63 // with PCID: keep this identifier's translations
	CR3PCIDMask = 0xfff
)

// Bits of CR4, SDM 3A 2.5.
const (
	CR4TimeStampDisable = 1 << 2  // TSD
	CR4DebugExtensions  = 1 << 3  // DE
	CR4LargePages       = 1 << 4  // PSE
	CR4PhysicalExtended = 1 << 5  // PAE
	CR4MachineCheck     = 1 << 6  // MCE
	CR4GlobalPages      = 1 << 7  // PGE
	CR4SSE              = 1 << 9  // OSFXSR
	CR4SSEExceptions    = 1 << 10 // OSXMMEXCPT
	CR4UMIP             = 1 << 11
	CR4FSGSBase         = 1 << 16
	CR4PCID             = 1 << 17
	CR4XSAVE            = 1 << 18 // OSXSAVE
	CR4SMEP             = 1 << 20
	CR4SMAP             = 1 << 21
)

// Bits of XCR0, SDM 1 13.3: states that XSAVE saves.
const (
	XCR0X87     = 1 << 0
	XCR0SSE     = 1 << 1
	XCR0AVX     = 1 << 2
	XCR0BndRegs = 1 << 3
	XCR0BndCSR  = 1 << 4
	XCR0Opmask  = 1 << 5
	XCR0ZMMHigh = 1 << 6
	XCR0ZMM16   = 1 << 7
	XCR0PKRU    = 1 << 9
	XCR0AVX512  = XCR0Opmask | XCR0ZMMHigh | XCR0ZMM16
)

// Bits of RFLAGS, SDM 1 3.4.3.
const (
	FlagCarry     = 1 << 0
	FlagFixed     = 1 << 1 // always set
	FlagParity    = 1 << 2
	FlagAdjust    = 1 << 4
	FlagZero      = 1 << 6
	FlagSign      = 1 << 7
	FlagTrap      = 1 << 8
	FlagInterrupt = 1 << 9
	FlagDirection = 1 << 10
	FlagOverflow  = 1 << 11
	FlagIOPL      = 3 << 12
	FlagNested    = 1 << 14
	FlagResume    = 1 << 16
	FlagAlignment = 1 << 18
	FlagID        = 1 << 21

	// FlagsUser are the flags that a program may choose for itself.
	FlagsUser = FlagCarry | FlagParity | FlagAdjust | FlagZero | FlagSign | FlagTrap |
		FlagDirection | FlagOverflow | FlagResume | FlagAlignment | FlagID
)

// UserFlags returns flags that are safe to enter ring 3 with, whatever was
// asked for: interrupts on, no I/O privilege, no nested task.
func UserFlags(flags uint64) uint64 {
	return flags&FlagsUser | FlagFixed | FlagInterrupt
}

// Model-specific registers, SDM 4 table 2-2 and APM appendix A.
const (
	MSRTSC          = 0x10
	MSRAPICBase     = 0x1b
	MSRPAT          = 0x277
	MSRMiscEnable   = 0x1a0
	MSRTSCDeadline  = 0x6e0
	MSRX2APIC       = 0x800 // register at MMIO offset o: MSRX2APIC + o>>4
	MSREFER         = 0xc000_0080
	MSRSTAR         = 0xc000_0081
	MSRLSTAR        = 0xc000_0082
	MSRCSTAR        = 0xc000_0083
	MSRFMASK        = 0xc000_0084
	MSRFSBase       = 0xc000_0100
	MSRGSBase       = 0xc000_0101
	MSRKernelGSBase = 0xc000_0102
	MSRTSCAux       = 0xc000_0103

	// Paravirtual, Linux Documentation/virt/kvm/x86/msr.rst.
	MSRKVMWallClock  = 0x4b56_4d00
	MSRKVMSystemTime = 0x4b56_4d01
)

// Bits of EFER, SDM 3A 2.2.1.
const (
	EFERSyscall    = 1 << 0  // SCE
	EFERLongMode   = 1 << 8  // LME
	EFERLongActive = 1 << 10 // LMA
	EFERNoExec     = 1 << 11 // NXE
)

// STAR is the value of the register that says which selectors SYSCALL and
// SYSRET load.
const STAR = KernelCode<<32 | (SysretBase&^3)<<48

// FMASK is the value of the register that says which flags SYSCALL clears:
// no interrupts, no single step, forward string operations, no AC (with
// SMAP it would open user memory), no nested task, no I/O privilege.
const FMASK = FlagTrap | FlagInterrupt | FlagDirection | FlagIOPL | FlagNested | FlagAlignment
