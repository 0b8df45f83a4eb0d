//go:build loam && amd64

// SPDX-License-Identifier: Apache-2.0

package metal

import (
	"loam/machine/amd64"
	"loam/machine/frame"
)

// The memory of the kernel's own Go runtime: [heapStart, heapNext) has been
// given out as addresses; a frame comes with the first touch of a page and
// stays. After munmap or madvise a page reads zero again (the runtime counts on
// that), for it is zeroed where it is. Giving it back instead would need every
// CPU to forget its translation first, at a moment when others may wait with
// interrupts off, and gain little: the kernel's heap is bounded and nothing in
// it grows at run time. Addresses are never reused: 64 GiB of them are the
// bound. PROT_NONE reservations are not told from memory; the runtime doesn't
// touch what it only reserved.
//
// The tables of the kernel's half are edited here and not by machine/paging:
// they are shared by every root, so none of them may ever be given back.

var (
	heapNext   uint64 = heapStart
	heapFrames uint64 // frames that back the heap now
	kernelRoot uint64
)

const (
	heapAlign = 64 << 20 // of an arena of Go's (runtime/malloc.go)

	ptePresent = amd64.PTEPresent | amd64.PTEAccessed | amd64.PTEDirty
	pteWrite   = amd64.PTEWrite
	pteDevice  = amd64.PTEThrough | amd64.PTENoCache
	pteHuge    = amd64.PTELarge
	pteGlobal  = amd64.PTEGlobal
	pteNX      = amd64.PTENoExec
	pteAddr    = amd64.PTEAddrMask
)

// heapMap answers mmap: length bytes at a page boundary. A hint in the lower
// half gets ENOMEM: it is the users', and the runtime then takes any address.
func heapMap(hint, length, flags uint64) int64 {
	const fixed = 0x10
	length = (length + pageSize - 1) &^ (pageSize - 1)
	if length == 0 || length > heapEnd-heapStart {
		return -enomem
	}
	if flags&fixed != 0 {
		if hint < heapStart || hint+length > heapNext {
			return -enomem
		}
		heapDrop(hint, length)
		return int64(hint)
	}
	if hint != 0 && hint < heapStart {
		return -enomem
	}
	at := heapNext
	if length >= heapAlign {
		at = (at + heapAlign - 1) &^ (heapAlign - 1)
	}
	if at+length > heapEnd {
		return -enomem
	}
	heapNext = at + length
	return int64(at)
}

// heapDrop makes a range read zero.
func heapDrop(start, length uint64) {
	end := (start + length + pageSize - 1) &^ (pageSize - 1)
	start &^= pageSize - 1
	if start < heapStart || end > heapNext || end < start {
		return
	}
	for va := start; va < end; {
		table, span := kernelLeafs(va)
		next := min((va+span)&^(span-1), end)
		if table != nil {
			for i := va; i < next; i += pageSize {
				if pte := table[i>>12&511]; pte&amd64.PTEPresent != 0 {
					memory.Zero(pte & pteAddr)
				}
			}
		}
		va = next
	}
}

func isHeap(va uint64) bool { return va >= heapStart && va < heapNext }

// heapFault backs the page of va; false if va is not the heap's or there is
// no memory.
func heapFault(va uint64) bool {
	if !isHeap(va) {
		return false
	}
	if backed(va) {
		return true // another CPU was first
	}
	pa, code := frames.Alloc(frame.Heap)
	if code != frame.OK {
		return false
	}
	memory.Zero(pa)
	if !mapKernelPage(va&^(pageSize-1), pa, pteWrite|pteNX|pteGlobal) {
		frames.Free(pa, frame.Heap)
		return false
	}
	heapFrames++
	return true
}

// touch backs n bytes at va, if they are the heap's, before machine code
// dereferences them. Other kernel addresses are always backed.
func touch(va, n uint64) {
	for p := va &^ (pageSize - 1); p < va+n; p += pageSize {
		if !isHeap(p) {
			continue
		}
		if backed(p) {
			continue
		}
		if !heapFault(p) {
			machineFatal("out of memory for the kernel's own heap")
		}
	}
}

// kernelLeafs returns the table of the 4 KiB pages around va, or nil, and the size
// of the span that has it, or has none.
func kernelLeafs(va uint64) (leafs *[512]uint64, span uint64) {
	table := memory.Table(kernelRoot)
	for shift := 39; shift > 12; shift -= 9 {
		e := table[va>>shift&511]
		if e&amd64.PTEPresent == 0 {
			return nil, 1 << shift
		}
		table = memory.Table(e & pteAddr)
	}
	return table, hugePage
}

// backed reports whether the page of va, which is the heap's, has a frame.
func backed(va uint64) bool {
	table, _ := kernelLeafs(va)
	return table != nil && table[va>>12&511]&amd64.PTEPresent != 0
}

// kernelTable returns the table of the level whose entries span 1<<shift
// bytes, made as needed, or nil without memory.
func kernelTable(va uint64, shift int) *[512]uint64 {
	table := memory.Table(kernelRoot)
	for s := 39; s > shift; s -= 9 {
		e := &table[va>>s&511]
		if *e&amd64.PTEPresent == 0 {
			pa, code := frames.Alloc(frame.Kernel)
			if code != 0 {
				return nil
			}
			memory.Zero(pa)
			*e = pa | ptePresent | pteWrite
		}
		table = memory.Table(*e & pteAddr)
	}
	return table
}

func mapKernelPage(va, pa, bits uint64) bool {
	table := kernelTable(va, 12)
	if table == nil {
		return false
	}
	table[va>>12&511] = pa | bits | ptePresent
	return true
}

// mapKernelRange maps [start, end) of physical memory at va by the largest
// pages that fit.
func mapKernelRange(va, start, end, bits uint64) bool {
	for start < end {
		if (va|start)&(hugePage-1) == 0 && end-start >= hugePage {
			table := kernelTable(va, 21)
			if table == nil {
				return false
			}
			table[va>>21&511] = start | bits | ptePresent | pteHuge
			va, start = va+hugePage, start+hugePage
			continue
		}
		table := kernelTable(va, 12)
		if table == nil {
			return false
		}
		// The pages up to the table's end, where a larger one may begin.
		for n := min((hugePage-va%hugePage)/pageSize, (end-start+pageSize-1)/pageSize); n > 0; n-- {
			table[va>>12&511] = start | bits | ptePresent
			va, start = va+pageSize, start+pageSize
		}
	}
	return true
}
