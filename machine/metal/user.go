//go:build loam && amd64

// SPDX-License-Identifier: Apache-2.0

package metal

import (
	"loam/machine/amd64"
	"loam/machine/paging"
)

// What the kernel floor needs to know of a user thread's processor state that
// is not in its Context, and of the roots of address spaces.

// KernelTables is the root whose kernel part every address space shares.
func KernelTables() paging.Tables { return paging.Tables{Root: kernelRoot} }

// LeaveRoot makes sure that this CPU does not use a root, which is about to be
// freed. No thread may enter with it any more.
func LeaveRoot(root uint64) {
	cpu := thisCPU()
	if cpu.root == root {
		cpu.root = kernelRoot
		cpu.ctx = 0 // so that enter looks at the next thread's root
		writeCR3(kernelRoot)
	}
}

// Pending takes the events that came while other kernel threads had their turn,
// when nobody waited in Idle for them.
func Pending() Event {
	cpu := thisCPU()
	e := cpu.events
	cpu.events = 0
	return Event(e)
}

// KernelFrames is the number of frames behind page tables and contexts that are
// the kernel's own: it grows with the kernel's heap and its runtime's threads.
func KernelFrames() uint64 { return kernelTables + uint64(kthreadTop) }

// XCR0 is the set of state components that XSAVE and XRSTOR move.
func XCR0() uint64 { return thisCPU().xcr0 }

// UserGSBase is the GS base of the user thread that Enter returned from.
func UserGSBase() uint64 { return rdmsr(amd64.MSRKernelGSBase) }

// SetUserGSBase sets it. The address must be canonical.
func SetUserGSBase(v uint64) { wrmsr(amd64.MSRKernelGSBase, v) }

// NowInto stores Now at *at, split into seconds and, in the next word,
// nanoseconds: the answer of a clock call.
//
//go:noescape
func NowInto(at *uint64)

// perSecond is 2^75 / 5^9, rounded up: ns>>9 times it is the seconds times
// 2^75, exact for every ns below 2^63.
var perSecond uint64 = 0x44b82fa09b5a53
