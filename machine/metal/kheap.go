//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import (
	"loam/machine/frame"
	"loam/machine/paging"
)

// Kernel ranges: addresses of the kernel's half that get a frame with the first
// touch of a page. There are two. The heap is the memory of the kernel's own Go
// runtime: [start, next) has been given out as addresses. After munmap or madvise a
// page has no frame again (giveback.go), and reads zero, which the runtime counts on.
// Addresses are never reused: 64 GiB of them are the bound. PROT_NONE reservations
// are not told from memory; the runtime doesn't touch what it only reserved. The
// other range holds tables of the kernel floor (TableRange), which stay for ever.
//
// Single pages of the kernel's half are mapped and unmapped here and not by
// machine/paging: its tables are shared by every root, so none of them may ever be
// given back.

// kernelRange is such a range.
type kernelRange struct {
	start, end uint64
	next       uint64 // addresses from here on are not given out yet
	frames     uint64 // that back it now
	owner      frame.Owner
}

var (
	heap       = kernelRange{owner: frame.Heap}
	tables     = kernelRange{owner: frame.Table}
	kernelRoot uint64

	// leastLeft is how few frames were left when a range took one: what the reserve
	// is measured by.
	leastLeft = ^uint64(0)
)

const heapAlign = 64 << 20 // of an arena of Go's (runtime/malloc.go)

// has reports whether va was given out.
func (r *kernelRange) has(va uint64) bool { return va >= r.start && va < r.next }

// rangeOf returns the range that va was given out of, or nil.
func rangeOf(va uint64) *kernelRange {
	switch {
	case heap.has(va):
		return &heap
	case tables.has(va):
		return &tables
	}
	return nil
}

// TableRange gives addresses for a table of size bytes, which reads zero and stays
// for ever; a page of it gets a frame when it is touched. It is a tables.Source.
func TableRange(size uint64) uintptr { return uintptr(kernelCall(callTable, size, 0)) }

// takeTable gives out addresses of the tables' range.
func takeTable(size uint64) uint64 {
	at := tables.next
	if size > tables.end-at-tableAlign {
		machineFatal("no addresses for a table of the kernel")
	}
	tables.next = (at + size + tableAlign - 1) &^ (tableAlign - 1)
	return at
}

// heapMap answers mmap: length bytes at a page boundary. A hint outside of the range
// gets ENOMEM, and the runtime then takes any address.
func heapMap(hint, length, flags uint64) int64 {
	const fixed = 0x10
	length = (length + pageSize - 1) &^ (pageSize - 1)
	if length == 0 || length > heap.end-heap.start {
		return -enomem
	}
	if flags&fixed != 0 {
		if hint%pageSize != 0 {
			return -einval
		}
		if hint < heap.start || hint > heap.next || length > heap.next-hint {
			return -enomem
		}
		heapZero(hint, hint+length) // the runtime asks so for what it never touched
		return int64(hint)
	}
	if hint != 0 && (hint < heap.start || hint >= heap.end) {
		return -enomem // not an address of its own, which the runtime would give back
	}
	at := heap.next
	if length >= heapAlign {
		at = (at + heapAlign - 1) &^ (heapAlign - 1)
	}
	if at+length > heap.end {
		return -enomem
	}
	heap.next = at + length
	return int64(at)
}

// rangeFault backs the page of va; false if va is in no range or there is no
// memory.
func rangeFault(va uint64) bool {
	r := rangeOf(va)
	if r == nil {
		return false
	}
	if backed(va) {
		kernelMapped(va)
		return true // another CPU was first
	}
	pa, code := frames.AllocOn(here(), r.owner)
	if code != frame.OK {
		return false
	}
	memory.Zero(pa)
	if !mapKernelPage(va&^(pageSize-1), pa) {
		frames.FreeOn(here(), pa, r.owner)
		return false
	}
	kernelMapped(va)
	r.frames++
	watchLeft()
	return true
}

// watchLeft keeps leastLeft, which counts what lies in caches only where it matters: a
// cache has as much as half of a small machine's reserve.
func watchLeft() {
	left := frames.Left()
	if left < leastLeft && left < frames.Reserved() {
		left = frames.LeftInAll()
	}
	leastLeft = min(leastLeft, left)
}

// touch backs n bytes at va, if they are in a range, before machine code
// dereferences them. Other kernel addresses are always backed.
func touch(va, n uint64) {
	for p := va &^ (pageSize - 1); p < va+n; p += pageSize {
		if rangeOf(p) != nil && !backed(p) && !rangeFault(p) {
			machineFatal(noKernelMemory)
		}
	}
}

// kernelLeafs returns the table of the 4 KiB pages around va, or nil, and the size
// of the span that has it, or has none.
func kernelLeafs(va uint64) (leafs *[512]uint64, span uint64) {
	table := memory.Table(kernelRoot)
	for shift := rootShift; shift > 12; shift -= 9 {
		e := table[va>>shift&511]
		if e&ptePresent == 0 {
			return nil, 1 << shift
		}
		table = memory.Table(pteFrame(e))
	}
	return table, hugePage
}

// backed reports whether the page of va, which is in a range, has a frame.
func backed(va uint64) bool {
	table, _ := kernelLeafs(va)
	return table != nil && table[va>>12&511]&ptePresent != 0
}

// kernelTable returns the table of the level whose entries span 1<<shift
// bytes, made as needed, or nil without memory.
func kernelTable(va uint64, shift int) *[512]uint64 {
	table := memory.Table(kernelRoot)
	for s := rootShift; s > shift; s -= 9 {
		e := &table[va>>s&511]
		if *e&ptePresent == 0 {
			pa, code := frames.AllocOn(here(), frame.Kernel)
			if code != 0 {
				return nil
			}
			memory.Zero(pa)
			*e = tableEntry(pa)
		}
		table = memory.Table(pteFrame(*e))
	}
	return table
}

// mapKernelPage maps a page that data lies in.
func mapKernelPage(va, pa uint64) bool {
	table := kernelTable(va, 12)
	if table == nil {
		return false
	}
	table[va>>12&511] = dataEntry(pa)
	return true
}

// mapKernelRange maps [start, end) of physical memory at va, by the largest pages
// that fit.
func mapKernelRange(va, start, end uint64, prot paging.Prot) bool {
	env := paging.Env{Mem: memory, Frames: &frames, Format: Format()}
	return KernelTables().MapKernel(env, va, start, end, prot|paging.Global, env.Format.Large) == paging.OK
}

// Rights of the kernel's own mappings.
const (
	kernelText   = paging.ReadExec
	kernelRodata = paging.Read
	kernelData   = paging.ReadWrite
	kernelDevice = paging.ReadWrite | paging.Device
)
