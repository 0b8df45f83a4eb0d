// SPDX-License-Identifier: Apache-2.0

package riscv64

// Bits of sstatus, section 4.1.1. VS is of the vector extension 1.0, section 3.2.
const (
	StatusSIE  = 1 << 1  // interrupts in supervisor mode
	StatusSPIE = 1 << 5  // SIE before the trap: SRET restores it
	StatusUBE  = 1 << 6  // user loads and stores are big-endian
	StatusSPP  = 1 << 8  // the trap came from supervisor mode: SRET returns there
	StatusSUM  = 1 << 18 // supervisor mode may load and store on user pages
	StatusMXR  = 1 << 19 // loads from pages that are executable only
	StatusSD   = 1 << 63 // FS, VS or XS is dirty; read-only

	statusVS  = 9  // positions of fields of two bits: an ExtState
	statusFS  = 13 // floating point
	statusXS  = 15 // other extensions; read-only
	statusUXL = 32 // width in user mode

	StatusVS    = 3 << statusVS
	StatusFS    = 3 << statusFS
	StatusXS    = 3 << statusXS
	StatusUXL64 = 2 << statusUXL // 64 bits
)

// ExtState is the state of an extension's registers: FS and VS of sstatus,
// section 3.1.6.6. An instruction that uses registers which are off is illegal.
type ExtState uint8

// The states. The processor goes to Dirty with each write to the registers.
const (
	Off ExtState = iota
	Initial
	Clean
	Dirty
)

// FS returns the bits of sstatus for a state of the floating-point registers, VS
// those of the vector registers.
func (s ExtState) FS() uint64 { return uint64(s&3) << statusFS }

// VS returns the bits of sstatus for a state of the vector registers.
func (s ExtState) VS() uint64 { return uint64(s&3) << statusVS }

// FS returns the state of the floating-point registers in a value of sstatus.
func FS(status uint64) ExtState { return ExtState(status >> statusFS & 3) }

// VS returns the state of the vector registers in a value of sstatus.
func VS(status uint64) ExtState { return ExtState(status >> statusVS & 3) }

// UserStatus is what sstatus must have for SRET to enter user mode: interrupts on
// there, whatever they are now. FS and VS are added to it.
const UserStatus = StatusSPIE | StatusUXL64

// Bits of sie (enabled) and sip (pending), section 4.1.3: one for each interrupt.
const (
	SoftInterrupt     = 1 << CauseSoft     // SSIE, SSIP: raised by other harts
	TimerInterrupt    = 1 << CauseTimer    // STIE, STIP
	ExternalInterrupt = 1 << CauseExternal // SEIE, SEIP: of the PLIC
)

// Modes of stvec, section 4.1.2: the two lowest bits beside a handler's address.
const (
	VectorDirect = 0 // all traps go to the handler
	VectorTable  = 1 // interrupt n goes to the handler's address + 4*n
)

// Bits of scounteren and mcounteren, sections 4.1.5 and 3.1.11: which counters less
// privileged code may read. Those from bit 3 on are of hpmcounter3 to hpmcounter31.
const (
	CounterCycle   = 1 << 0 // CY
	CounterTime    = 1 << 1 // TM
	CounterInstret = 1 << 2 // IR
)

// Bits of senvcfg, section 4.1.10, and those that menvcfg has at the same places:
// which instructions on cache blocks user mode may execute.
const (
	EnvFenceIO    = 1 << 0 // FIOM: a fence of devices orders memory too
	EnvInvalidate = 3 << 4 // CBIE: CBO.INVAL
	EnvFlushBlock = 1 << 4 // CBIE: CBO.INVAL cleans first, as a program may have it
	EnvClean      = 1 << 6 // CBCFE: CBO.CLEAN and CBO.FLUSH
	EnvZero       = 1 << 7 // CBZE: CBO.ZERO
)

// SatpSv39 is the mode of satp that switches Sv39 on, SatpSv48 the one for Sv48,
// section 4.1.11. In mode 0 nothing is translated.
const (
	SatpSv39 = 8 << 60
	SatpSv48 = 9 << 60

	satpASID     = 44
	satpRootMask = 1<<satpASID - 1

	// MaxASID is the largest identifier that satp has room for. A hart may have
	// fewer bits: those that it doesn't have read as 0 when all were written.
	MaxASID = 0xffff
)

// Satp returns the satp value for the root table at the physical address pa
// and an address-space identifier.
func Satp(root uint64, asid uint16) uint64 {
	return SatpSv39 | uint64(asid)<<satpASID | root>>12
}

// SatpRoot returns the physical address of the root table in a value of satp.
func SatpRoot(satp uint64) uint64 { return satp & satpRootMask << 12 }

// SatpASID returns the address-space identifier in a value of satp.
func SatpASID(satp uint64) uint16 { return uint16(satp >> satpASID) }
