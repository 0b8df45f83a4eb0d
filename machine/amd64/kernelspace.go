// SPDX-License-Identifier: Apache-2.0

package amd64

// The kernel's half of every address space, 128 TiB in 256 entries of the root, and
// where in it the parts lie that don't have to lie anywhere in particular:
//
//	256 .. 383  direct map of physical memory, at a multiple of 1 GiB
//	384 .. 415  tables of the kernel floor, at a multiple of 2 MiB
//	416 .. 447  stacks of the CPUs, at a multiple of 2 MiB
//	480 .. 509  heap and stacks of Go's runtime, at a multiple of 64 MiB
//	510         device registers, fixed
//	511         kernel image, fixed: the linker has put it there
//
// Each part has entries of its own, so no choice can get in another's way; and each
// lies at a multiple of what one page table (the direct map: one table of 2 MiB pages)
// spans, so that the choice doesn't change how many tables the kernel needs. The
// heap's multiple is that of an arena of Go's runtime, which chooses another 13 bits
// within its first arena. The heap is the highest part, since the runtime's page
// allocator, when it finds no room, looks at all of the address space above.

// KernelSpace says where the parts of the kernel's half lie that are placed by chance:
// the address at which each begins.
type KernelSpace struct {
	Direct, Tables, Stacks, Heap uint64
}

// Sizes of those parts, in bytes. The direct map is as large as memory reaches.
const (
	KernelTables = 256 << 30
	KernelStacks = 64 << 20
	KernelHeap   = 64 << 30
)

const (
	kernelStart = 0xffff_8000_0000_0000 // entry 256
	rootSpan    = 1 << 39               // of one entry of a root

	directUnit = 1 << 30
	tableUnit  = 2 << 20
	heapUnit   = 64 << 20

	directFirst, directCount = 256, 128
	tablesFirst, tablesCount = 384, 32
	stacksFirst, stacksCount = 416, 32
	heapFirst, heapCount     = 480, 30
)

// KernelDevices is where device registers are mapped: physical address 0 of that map.
// The last of its addresses, for which no machine has physical ones, are those of
// KernelRegisters: pages of registers that programs reach by calls, as many as one table
// maps.
const (
	KernelDevices   = kernelStart + (510-256)*rootSpan
	KernelRegisters = KernelDevices + rootSpan - tableUnit
)

// PlaceKernel chooses the addresses by random numbers. Physical memory ends at or
// below end, at most 2^44.
func PlaceKernel(random *[4]uint64, end uint64) KernelSpace {
	return KernelSpace{
		Direct: place(random[0], directFirst, directCount, end, directUnit),
		Tables: place(random[1], tablesFirst, tablesCount, KernelTables, tableUnit),
		Stacks: place(random[2], stacksFirst, stacksCount, KernelStacks, tableUnit),
		Heap:   place(random[3], heapFirst, heapCount, KernelHeap, heapUnit),
	}
}

// place chooses an address for size bytes, a multiple of unit, among count root
// entries from first on; as few of them as can be are touched.
func place(random, first, count, size, unit uint64) uint64 {
	entries := max((size+rootSpan-1)/rootSpan, 1)
	starts := count - entries + 1               // entries at which it can begin
	offsets := (entries*rootSpan-size)/unit + 1 // places from there on
	pick := random % (starts * offsets)
	return kernelStart + (first-256+pick/offsets)*rootSpan + pick%offsets*unit
}
