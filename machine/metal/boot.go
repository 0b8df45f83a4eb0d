//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import (
	"loam/machine/bootinfo"
	"loam/machine/frame"
	"loam/machine/paging"
	"loam/machine/phys"
)

// What boot (boot_*.go) fills, and what of it both architectures do alike.

var (
	frames  frame.Allocator
	memory  phys.Memory
	header  bootinfo.ImageHeader
	usable  bootinfo.Map
	ram     bootinfo.Map
	archive bootinfo.Range
)

// leftOut is how much memory the frame allocator has no region for.
var leftOut uint64

// addRegions registers the usable memory between two addresses.
func addRegions(from, to uint64) {
	for i := range usable.Len() {
		r := usable.At(i)
		if start, end := max(r.Base, from), min(r.End(), to); start < end {
			if frames.AddRegion(start, end) != frame.OK {
				leftOut += end - start
			}
		}
	}
}

// addEarly registers what the early tables reach, and keeps a reserve of it.
func addEarly() {
	addRegions(0, earlyMapped)
	total := frames.Stats().Total
	frames.SetReserve(min(total/16, 1024))
}

// newKernelRoot makes the kernel's part of every address space: the direct map without
// the image's text and constants, the image by its sections, and the tables below the
// root entries of the ranges that are filled later. What else is mapped, buildTables
// adds.
func newKernelRoot() {
	root, code := frames.Alloc(frame.Kernel)
	if code != frame.OK {
		machineFatal(noTables)
	}
	memory.Zero(root)
	kernelRoot = root
	ok := true
	for i := range ram.Len() { // ranges that have no page in common
		r := ram.At(i)
		ok = ok && mapDirect(max((r.Base+pageSize-1)&^(pageSize-1), firmwareEnd), directEnd(r))
	}
	ok = ok && mapImage(header.TextStart, header.TextEnd, kernelText)
	ok = ok && mapImage(header.RodataStart, header.RodataEnd, kernelRodata)
	ok = ok && mapImage(header.DataStart, header.DataEnd, kernelData)
	ok = ok && makeTables(heap.start, heap.end) && makeTables(tables.start, tables.end) &&
		makeTables(space.Stacks, space.Stacks+kernelStacks)
	if !ok {
		machineFatal(noTables)
	}
}

const noTables = "no memory for page tables"

// makeTables gives every root entry of a range its table: all spaces share it from
// then on.
func makeTables(start, end uint64) bool {
	for va := start &^ (1<<rootShift - 1); va < end; va += 1 << rootShift {
		if kernelTable(va, rootShift-9) == nil {
			return false
		}
	}
	return true
}

// directEnd is the end of a range of memory in the direct map.
func directEnd(r bootinfo.Range) uint64 { return min(r.End(), frame.MaxAddress+1) &^ (pageSize - 1) }

func mapImage(start, end uint64, prot paging.Prot) bool {
	return mapKernelRange(start, imagePhys(start), imagePhys(end), prot)
}

// mapDirect maps a range into the direct map, writable and not executable,
// leaving the image's text and read-only data out: they have one mapping each.
func mapDirect(start, end uint64) bool {
	holeStart := imagePhys(header.TextStart)
	holeEnd := imagePhys(max(header.TextEnd, header.RodataEnd))
	if end <= holeStart || start >= holeEnd {
		return mapKernelRange(space.Direct+start, start, end, kernelData)
	}
	return (start >= holeStart || mapKernelRange(space.Direct+start, start, holeStart, kernelData)) &&
		(end <= holeEnd || mapKernelRange(space.Direct+holeEnd, holeEnd, end, kernelData))
}

// firstStack is the top of the stack on which Go's runtime starts: its rt0
// takes 64 KiB below the stack pointer for granted.
var firstStack uint64

const firstStackPages = 18

// newStack maps pages above a guard page at *at and returns their top.
func newStack(at *uint64, pages uint64) uint64 {
	*at += pageSize // the guard
	for range pages {
		pa, code := frames.Alloc(frame.Stack)
		if code != frame.OK || !mapKernelPage(*at, pa) {
			machineFatal("no memory for stacks")
		}
		memory.Zero(pa)
		*at += pageSize
	}
	return *at
}

// startRuntime makes the thread that will enter Go's runtime as Linux would
// start a program: argc, argv, envp and the auxiliary vector on its stack.
func startRuntime(cpu *CPU, entry uint64) {
	const atPageSize, atRandom = 6, 25
	copy(kernelName[:], "loam")
	copy(kernelDebug[:], kernelSettings)
	copy(kernelGC[:], collectNever)
	random := firstStack - 16
	Random(bytesAt(random, 16))
	words := [...]uint64{
		1, addr(&kernelName), 0,
		addr(&kernelDebug), addr(&kernelGC), 0,
		atPageSize, pageSize, atRandom, random, 0, 0,
	}
	sp := (random - uint64(len(words)*8)) &^ 15
	for i, w := range words {
		store64(sp+uint64(8*i), w)
	}
	if !startThreads(cpu, entry, sp) {
		machineFatal("no memory for the first thread")
	}
}

// The kernel's own environment. No asynchronous preemption: the runner is
// taken off at defined points only, other goroutines at their prologues. No
// stack shrinking: the runner's stack must stay as RunOn made it. No collections
// but those that are asked for: the kernel floor makes no garbage, and a collection
// takes memory for its own records, 1 MiB and more the first time, which there may be
// none of by then.
var (
	kernelName  [8]byte
	kernelDebug [64]byte
	kernelGC    [16]byte
)

const (
	kernelSettings = "GODEBUG=asyncpreemptoff=1,gcshrinkstackoff=1"
	collectNever   = "GOGC=off"
)
