// SPDX-License-Identifier: Apache-2.0

// Package sbi has the supervisor binary interface of RISC-V, by which a kernel in
// supervisor mode asks what runs in machine mode for timers, interrupts of other
// harts, their start, and the machine's end (RISC-V SBI Specification 2.0; chapter
// numbers below are its).
//
// The kernel calls it whoever answers. Under firmware that is OpenSBI. Without, the
// kernel's own machine-mode stage answers, and [Server] is what it knows: it decodes
// a call, checks all of its arguments, answers with the specification's error codes,
// and says what is to be done to the hardware ([Action]), which the stage does. So
// everything but the doing is tested on any host.
//
// Machine mode is entered by several harts at once; what they share is the state of
// each hart, a word that changes by compare-and-swap alone. There is no lock.
//
// It is code of the machine floor: no heap, no pointers, no panics.
package sbi

// Extensions (EID, in a7).
const (
	LegacyPutchar = 0x01
	LegacyGetchar = 0x02
	Base          = 0x10
	Time          = 0x54494d45 // "TIME", chapter 6
	IPI           = 0x735049   // "sPI", chapter 7
	Fence         = 0x52464e43 // "RFNC", chapter 8: fences on other harts
	HSM           = 0x48534d   // "HSM", chapter 9: hart state management
	Reset         = 0x53525354 // "SRST", chapter 10
	Console       = 0x4442434e // "DBCN", chapter 12
)

// Functions (FID, in a6).
const (
	BaseSpecVersion = 0
	BaseImplID      = 1
	BaseImplVersion = 2
	BaseProbe       = 3
	BaseVendor      = 4
	BaseArch        = 5
	BaseMachine     = 6

	TimeSet = 0
	IPISend = 0

	FenceI       = 0          // of instructions
	FenceVMA     = 1          // of translations
	FenceVMAASID = 2          // of one identifier's
	fenceWhole   = ^uint64(0) // as a size: all addresses

	HSMStart   = 0
	HSMStop    = 1
	HSMStatus  = 2
	HSMSuspend = 3

	ResetSystem = 0

	ConsoleWrite     = 0
	ConsoleRead      = 1
	ConsoleWriteByte = 2
)

// Error is a standard error code (section 3.1), in a0.
type Error int64

// The codes.
const (
	Success          Error = 0
	Failed           Error = -1
	NotSupported     Error = -2
	InvalidParam     Error = -3
	Denied           Error = -4
	InvalidAddress   Error = -5
	AlreadyAvailable Error = -6
	AlreadyStarted   Error = -7
	AlreadyStopped   Error = -8
	NoShmem          Error = -9
)

// String returns the code in words.
func (e Error) String() string {
	if e <= 0 && int(-e) < len(errorNames) {
		return errorNames[-e]
	}
	return "unknown SBI error"
}

var errorNames = [...]string{"success", "failed", "not supported", "invalid parameter", "denied",
	"invalid address", "already available", "already started", "already stopped", "no shared memory"}

// State is a hart's, as HSMStatus tells it (section 9, table 1).
type State uint32

// The states.
const (
	Started      State = 0
	Stopped      State = 1
	StartPending State = 2
	StopPending  State = 3
)

// What the specification fixes else.
const (
	SpecVersion = 2 << 24 // 2.0: major in bits 30 to 24, minor below

	ImplID      = 0x4c6f616d // ours; "Loam" is not in the registry of section 4.9
	ImplVersion = 1

	ResetShutdown = 0 // types of reset, section 10.1
	ResetCold     = 1
	ResetWarm     = 2
	ReasonNone    = 0
	ReasonFailure = 1

	SuspendRetentive = 0 // types of suspend, section 9.4
	SuspendDeep      = 0x80000000

	AllHarts = ^uint64(0) // as the base of a hart mask: each of them, section 3.2
)
