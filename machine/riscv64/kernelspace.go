// SPDX-License-Identifier: Apache-2.0

package riscv64

// The kernel's part of every address space, by entries of Sv39's root, which span
// 1 GiB each. The upper half has the entries from 256 on; the lower half is the
// users' but for its last quarter, where the heap of the kernel's Go runtime lies:
//
//	192 .. 255  heap and stacks of Go's runtime, at a multiple of 64 MiB
//	256 .. 447  direct map of physical memory, at a multiple of 1 GiB
//	448 .. 479  tables of the kernel floor, at a multiple of 2 MiB
//	480 .. 507  stacks of the CPUs, at a multiple of 2 MiB
//	508         device registers, fixed
//	510         kernel image, fixed: the linker has put it there
//
// Entries 509 and 511 stay empty. Each part has entries of its own, so no choice can
// get in another's way. What tables a part needs below the root is the same wherever
// it lies, or one less: each entry that it touches takes a table of 4 KiB at boot,
// since all roots share it. That is why the parts are so much smaller than on amd64.
// The direct map's multiple is what a leaf in the root maps. The heap's is that of an
// arena of Go's runtime, which chooses another 13 bits within its first arena.

// KernelSpace says where the parts of the kernel's address space lie that are placed
// by chance: the address at which each begins.
type KernelSpace struct {
	Direct, Tables, Stacks, Heap uint64
}

// Sizes of those parts, in bytes. The direct map is as large as memory reaches.
const (
	KernelTables = 2 << 30
	KernelStacks = 64 << 20
	KernelHeap   = 7 << 30
)

// MaxMemory is where physical memory ends that the kernel uses; what lies above is
// left out. The largest table of the kernel floor has 88 bytes for each frame, so
// that KernelTables has room for those of so much memory, and 200 MiB more.
const MaxMemory = 80 << 30

const (
	kernelStart = 0xffff_ffc0_0000_0000 // entry 256
	rootSpan    = 1 << 30               // of one entry of a root

	directUnit = 1 << 30
	tableUnit  = 2 << 20
	heapUnit   = 64 << 20

	heapFirst, heapCount     = 192, 64
	directFirst, directCount = 256, 192
	tablesFirst, tablesCount = 448, 32
	stacksFirst, stacksCount = 480, 28
)

// KernelDevices is where device registers are mapped, each device's at the next
// address: see Devices. KernelDevicesEnd is the end of the room for them. Behind it are
// pages of registers that programs reach by calls, as many as one table maps.
const (
	KernelDevices    = kernelStart + (508-256)*rootSpan
	KernelDevicesEnd = KernelDevices + rootSpan - tableUnit
	KernelRegisters  = KernelDevicesEnd
)

// PlaceKernel chooses the addresses by random numbers. Physical memory ends at or
// below end, at most MaxMemory.
func PlaceKernel(random *[4]uint64, end uint64) KernelSpace {
	return KernelSpace{
		Direct: place(random[0], directFirst, directCount, end, directUnit),
		Tables: place(random[1], tablesFirst, tablesCount, KernelTables, tableUnit),
		Stacks: place(random[2], stacksFirst, stacksCount, KernelStacks, tableUnit),
		Heap:   place(random[3], heapFirst, heapCount, KernelHeap, heapUnit),
	}
}

// place chooses an address for size bytes, a multiple of unit, among count root
// entries from first on. As few of them as can be are touched; one more if the size
// is of whole entries, which would leave no choice within an entry.
func place(random, first, count, size, unit uint64) uint64 {
	entries := max((size+rootSpan-1)/rootSpan, 1)
	starts, offsets := count-entries+1, (entries*rootSpan-size)/unit+1
	at := first * rootSpan
	if size%rootSpan == 0 && size > 0 {
		at += random % ((count*rootSpan-size)/unit + 1) * unit
	} else {
		pick := random % (starts * offsets)
		at += pick/offsets*rootSpan + pick%offsets*unit
	}
	return uint64(int64(at<<25) >> 25) // bits from 39 on repeat bit 38
}

// Devices gives addresses to registers of devices, from KernelDevices on. Its zero
// value has given none.
type Devices struct{ next uint64 }

// Place returns the address for size bytes of registers at physical address pa: at
// the same place in a page, with an empty page before the next device's. False: there
// is no room left, or no such range.
func (d *Devices) Place(pa, size uint64) (va uint64, ok bool) {
	const page = 4096
	at := max(d.next, KernelDevices)
	offset := pa % page
	if size == 0 || pa+size < pa || size > rootSpan || offset+size > KernelDevicesEnd-at {
		return 0, false
	}
	end := at + (offset+size+page-1)&^(page-1)
	d.next = min(end+page, KernelDevicesEnd)
	return at + offset, true
}
