//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import (
	"loam/machine/amd64"
	"loam/machine/bootinfo"
)

// The kernel's half of every address space is drawn in amd64/kernelspace.go: the
// image and the device registers have fixed addresses, and the rest lies where
// random numbers say (place), other ones at each boot. With seed= on the command line
// they are the same each time.
const (
	earlyDirect = bootinfo.EarlyDirectBase // the direct map until buildTables
	earlyMapped = bootinfo.EarlyDirectSize // physical memory that the image's early tables reach
	kernelHalf  = 256                      // first root entry of the kernel's half
	kernelLow   = 0xffff800000000000       // its first address
	deviceMap   = amd64.KernelDevices
	imageMap    = bootinfo.ImageBase
	rootShift   = 39 // of the addresses that an entry of a root spans

	kernelHeap   = amd64.KernelHeap
	kernelTables = amd64.KernelTables
	kernelStacks = amd64.KernelStacks
)

// registerWindow is where pages of registers are mapped: registers.go.
const registerWindow = amd64.KernelRegisters

// Entries of the kernel's page tables.
const (
	ptePresent = amd64.PTEPresent
	pteUsed    = amd64.PTEPresent | amd64.PTEAccessed | amd64.PTEDirty

	pteData = pteUsed | amd64.PTEWrite | amd64.PTENoExec | amd64.PTEGlobal
)

func tableEntry(pa uint64) uint64 { return pa | pteUsed | amd64.PTEWrite }
func dataEntry(pa uint64) uint64  { return pa | pteData }

// deviceEntry is for a page of registers: uncached.
func deviceEntry(pa uint64) uint64 { return dataEntry(pa) | amd64.PTENoCache }

// pteFrame is the physical address in an entry.
func pteFrame(e uint64) uint64 { return e & amd64.PTEAddrMask }

// isHuge reports whether an entry above the lowest level is a page's.
func isHuge(e uint64) bool { return e&amd64.PTELarge != 0 }

// imagePhys is where a part of the image lies in memory.
func imagePhys(va uint64) uint64 { return va - imageMap }

// kernelMapped is for a page of the kernel's half that has a frame now.
func kernelMapped(uint64) {}

// KernelSpace says where the parts of the kernel's half lie.
type KernelSpace = amd64.KernelSpace

func placeKernel(random *[4]uint64, end uint64) KernelSpace { return amd64.PlaceKernel(random, end) }
