//go:build loam && amd64

// SPDX-License-Identifier: Apache-2.0

package metal

// The kernel's half of every address space (amd64):
//
//	0xffff800000000000  direct map of physical memory     (PML4 256..)
//	0xffffb00000000000  device registers                  (PML4 352)
//	0xffffc00000000000  heap and stacks of Go's runtime   (PML4 384)
//	0xffffc80000000000  tables of the kernel floor        (PML4 400)
//	0xffffd00000000000  stacks of the CPUs, guarded       (PML4 416)
//	0xffffffff80000000  kernel image                      (PML4 511)
const (
	directMap  = 0xffff800000000000
	deviceMap  = 0xffffb00000000000
	heapStart  = 0xffffc00000000000
	heapEnd    = heapStart + 64<<30 // one bound for the kernel's own Go heap
	tableStart = 0xffffc80000000000
	tableEnd   = tableStart + 256<<30
	tableAlign = 64 // of every table: a cache line
	stackMap   = 0xffffd00000000000
	imageMap   = 0xffffffff80000000
	pageSize   = 4096
	hugePage   = 2 << 20
	kernelHalf = 256 // first PML4 entry of the kernel's half

	earlyMapped = 4 << 30 // physical memory that the image's early tables reach
)

// Stacks of one CPU, in pages; a guard page lies below each.
const (
	trapStackPages    = 1
	machineStackPages = 8
	panicStackPages   = 8
	faultStackPages   = 2 // NMI, double fault, machine check: one each

	// MaxCPUs bounds the static per-CPU table.
	MaxCPUs = 64
)
