//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import (
	"loam/machine/riscv64"
	"loam/machine/sbi"
)

// The kernel's part of every address space is drawn in riscv64/kernelspace.go.
const (
	imageMap    = 0xffffffff80200000 // where the image's first byte is linked
	imageLinked = imageMap - 1<<64   // the same for the assembler, which has 64 bits and a sign
	kernelLow   = 0xffffffc000000000 // first address of the upper half
	earlyDirect = 0xffffffc000000000 // the direct map until buildTables
	rootShift   = 30                 // of the addresses that an entry of a root spans

	firmwareEnd = 0 // of what is mapped besides memory

	kernelHeap   = riscv64.KernelHeap
	kernelTables = riscv64.KernelTables
	kernelStacks = riscv64.KernelStacks
)

// The early tables: start_riscv64.s.
const (
	earlyGigabytes  = 192
	earlyMapped     = earlyGigabytes << 30 // physical memory that they reach
	earlyLeaf       = riscv64.PTEValid | riscv64.PTERead | riscv64.PTEWrite | riscv64.PTEAccessed | riscv64.PTEDirty
	earlyImageLeaf  = earlyLeaf | riscv64.PTEExec
	earlyTable      = riscv64.PTEValid
	imageRoot       = 510 // root entry
	imageFirst      = 1   // first entry of its table
	earlyImagePages = 33  // of 2 MiB

	sbiPutchar  = sbi.LegacyPutchar
	finishPanic = (ShutdownPanic<<1|1)<<16 | riscv64.FinishFail

	satpSv39        = riscv64.SatpSv39 - 1<<64
	statusSIE       = riscv64.StatusSIE
	statusClear     = riscv64.StatusSIE | riscv64.StatusFS | riscv64.StatusVS | riscv64.StatusSUM | riscv64.StatusMXR
	ebreakLow       = riscv64.EBreakLow
	causeUserCall   = riscv64.CauseUserCall
	causeBreakpoint = riscv64.CauseBreakpoint
	causeLoadPage   = riscv64.CauseLoadPage
	causeStorePage  = riscv64.CauseStorePage
)

// earlyTables has room for a root and one table, and for the root to be aligned.
var earlyTables [3 * pageSize]byte

// registerWindow is where pages of registers are mapped: registers.go.
const registerWindow = riscv64.KernelRegisters

// Entries of the kernel's page tables.
const (
	ptePresent = riscv64.PTEValid

	pteData = riscv64.PTEValid | riscv64.PTERead | riscv64.PTEWrite | riscv64.PTEGlobal | riscv64.PTEAccessed | riscv64.PTEDirty
)

func tableEntry(pa uint64) uint64 { return pa>>2 | riscv64.PTEValid }
func dataEntry(pa uint64) uint64  { return pa>>2 | pteData }

// deviceEntry is for a page of registers: what is cached is a matter of physical addresses.
func deviceEntry(pa uint64) uint64 { return dataEntry(pa) }

// pteFrame is the physical address in an entry.
func pteFrame(e uint64) uint64 { return e & riscv64.PTEAddrMask << 2 }

// isHuge reports whether an entry above the lowest level is a page's.
func isHuge(e uint64) bool { return e&(riscv64.PTERead|riscv64.PTEExec) != 0 }

// imageAt is where the image lies in memory.
var imageAt uint64

// imagePhys is where a part of the image lies in memory.
func imagePhys(va uint64) uint64 { return va - imageMap + imageAt }

// kernelMapped is for a page of the kernel's part that has a frame now, and a new
// table perhaps: the hart may keep that there was none.
func kernelMapped(uint64) { forgetAll() }

// KernelSpace says where the parts of the kernel's address space lie.
type KernelSpace = riscv64.KernelSpace

func placeKernel(random *[4]uint64, end uint64) KernelSpace { return riscv64.PlaceKernel(random, end) }

// devices gives addresses to registers of devices.
var devices riscv64.Devices

// mapDevice maps registers and returns their address.
func mapDevice(pa, size uint64) uintptr {
	va, ok := devices.Place(pa, size)
	if !ok || !mapKernelRange(va, pa, pa+size, kernelDevice) {
		machineFatal("no room to map a device's registers")
	}
	return uintptr(va)
}
