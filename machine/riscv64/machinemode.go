// SPDX-License-Identifier: Apache-2.0

package riscv64

// What only machine mode has: chapter 3, and the extensions named.

// Bits of mstatus beside those of sstatus, section 3.1.6.
const (
	StatusMIE  = 1 << 3  // interrupts in machine mode
	StatusMPIE = 1 << 7  // MIE before the trap: MRET restores it
	StatusMPP  = 3 << 11 // the mode before the trap: MRET returns there
	StatusMPRV = 1 << 17 // loads and stores as the mode in MPP does them
	StatusTVM  = 1 << 20 // supervisor mode may not change translation
	StatusTW   = 1 << 21 // nor wait for an interrupt
	StatusTSR  = 1 << 22 // nor execute SRET

	StatusMPPSupervisor = 1 << 11
)

// Interrupts of machine mode: values of mcause beside CauseInterrupt, and positions
// in mie and mip, section 3.1.9.
const (
	CauseMachineSoft  = 3
	CauseMachineTimer = 7
	CauseOverflow     = 13 // of a counter (Sscofpmf), supervisor mode's to take
)

// Bits of mie and mip.
const (
	MachineSoftInterrupt  = 1 << CauseMachineSoft
	MachineTimerInterrupt = 1 << CauseMachineTimer
)

// Delegated are the bits of mideleg, DelegatedExceptions those of medeleg (section
// 3.1.8) that send to supervisor mode what it can take: all but its own calls.
const (
	Delegated = SoftInterrupt | TimerInterrupt | ExternalInterrupt | 1<<CauseOverflow

	DelegatedExceptions = 1<<CauseFetchMisaligned | 1<<CauseFetchAccess | 1<<CauseIllegal | 1<<CauseBreakpoint |
		1<<CauseLoadMisaligned | 1<<CauseLoadAccess | 1<<CauseStoreMisaligned | 1<<CauseStoreAccess |
		1<<CauseUserCall | 1<<CauseFetchPage | 1<<CauseLoadPage | 1<<CauseStorePage |
		1<<CauseSoftwareCheck | 1<<CauseHardwareError
)

// Bits of menvcfg that senvcfg doesn't have, section 3.1.18, Svpbmt and Sstc.
const (
	EnvPageTypes = 1 << 62 // PBMTE: memory types in page tables
	EnvTimer     = 1 << 63 // STCE: stimecmp is there, and is what STIP comes from
)

// Env returns what menvcfg must have for supervisor mode to have what the hart has.
func (i ISA) Env() (bits uint64) {
	if i.Has(Zicbom) {
		bits |= EnvInvalidate | EnvClean
	}
	if i.Has(Zicboz) {
		bits |= EnvZero
	}
	if i.Has(Svpbmt) {
		bits |= EnvPageTypes
	}
	if i.Has(Sstc) {
		bits |= EnvTimer
	}
	return bits
}

// Fields of an entry of pmpcfg, the physical memory protection, section 3.7.1.
const (
	PMPRead  = 1 << 0
	PMPWrite = 1 << 1
	PMPExec  = 1 << 2
	PMPRange = 3 << 3 // NAPOT: the address tells a size, too
	PMPAll   = 1<<54 - 1
)

// PMPAddress returns the value of pmpaddr for a range whose size is a power of two,
// at least 8, and that is aligned to it. PMPAll stands for all there is.
func PMPAddress(start, size uint64) uint64 { return (start | size/2 - 1) >> 2 }
