//go:build loam && amd64

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
	tableAlign  = 64 // of every table: a cache line
	pageSize    = 4096
	hugePage    = 2 << 20
)

// Stacks of one CPU, in pages; a guard page lies below each.
const (
	trapStackPages    = 1
	machineStackPages = 8
	panicStackPages   = 8
	faultStackPages   = 2 // NMI, double fault, machine check: one each

	stackEach = 1 << 20 // of address space a CPU

	// MaxCPUs bounds the static per-CPU table.
	MaxCPUs = 64
)

var _ [amd64.KernelStacks - MaxCPUs*stackEach]struct{}

// space says where the parts of the kernel's half lie.
var space amd64.KernelSpace

// place chooses where.
func place() {
	var b [32]byte
	Random(b[:])
	var words [4]uint64
	for i, v := range b {
		words[i/8] |= uint64(v) << (i % 8 * 8)
	}
	end := uint64(firmwareEnd)
	for i := range ram.Len() {
		end = max(end, directEnd(ram.At(i)))
	}
	space = amd64.PlaceKernel(&words, end)
	heap.start, heap.next, heap.end = space.Heap, space.Heap, space.Heap+amd64.KernelHeap
	tables.start, tables.next, tables.end = space.Tables, space.Tables, space.Tables+amd64.KernelTables
}

// KernelSpace tells where the parts of the kernel's half lie: for tests.
func KernelSpace() amd64.KernelSpace { return space }
