// SPDX-License-Identifier: Apache-2.0

// Package loader decides whether a file is a program that Loam can start: a
// static 64-bit ELF executable for Linux. The kernel uses it to load a program
// and the command line to refuse a bad one before a machine is started, so
// that both judge alike.
//
// [Parse] reads the headers into an [Image] with no allocation; the file is
// hostile. It accepts what static linkers produce, not all that the ELF
// specification permits:
//   - at most MaxSegments loadable segments, no two on the same page;
//   - all of them within the user part of the address space;
//   - none writable and executable at once: Linux would load one, but Loam
//     never maps a page so;
//   - no PT_INTERP, for there is no dynamic linker; a position-independent
//     program without one (musl's static PIE) relocates itself and is loaded
//     at an address of the kernel's choice;
//   - an entry point in an executable segment.
//
// PT_TLS, PT_NOTE and PT_GNU_STACK need nothing from a loader here: threads
// set up their own storage and no stack is ever executable.
//
// [Check] is Parse with an error for people: one line that says what the file
// is instead and what to do about it.
//
// Sources: System V ABI, chapters 4 (object files) and 5 (program loading);
// the processor supplements for the machine numbers; Linux's elf(5).
//
// Rejected: debug/elf, which allocates by what the file says, reads sections
// and has been slow or fatal on hostile files.
package loader

// PageSize is the granularity of segments, in bytes.
const PageSize = 4096

// MaxSegments is the most loadable segments a program may have; linkers make
// two to five.
const MaxSegments = 16

// Arch is a processor architecture that programs are loaded for.
type Arch uint8

// The architectures.
const (
	AMD64 Arch = iota
	RISCV64
)

// String is Go's name of the architecture.
func (a Arch) String() string {
	if a == RISCV64 {
		return "riscv64"
	}
	return "amd64"
}

// Target is what a program must fit.
type Target struct {
	Arch Arch
	Low  uint64 // first address a program may use
	High uint64 // end of the addresses it may use
}

// TargetFor returns the target that the kernel of an architecture offers. The
// first 64 KiB are kept free so that nil pointers with an offset fault. On
// amd64 the last page of the lower half is never mapped: a SYSCALL at its end
// would return to a non-canonical address.
func TargetFor(a Arch) Target {
	if a == RISCV64 {
		return Target{RISCV64, 0x10000, 0x3000000000}
	}
	return Target{AMD64, 0x10000, 0x7ffffffff000}
}

func (a Arch) machine() uint16 {
	if a == RISCV64 {
		return machineRISCV
	}
	return machineAMD64
}
