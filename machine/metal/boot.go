//go:build loam && amd64

// SPDX-License-Identifier: Apache-2.0

package metal

import (
	"loam/machine/amd64"
	"loam/machine/bootinfo"
	"loam/machine/frame"
	"loam/machine/phys"
	"loam/machine/spin"
)

const bootStackSize = 16 << 10

// bootStack serves from start to the first kernel thread.
var bootStack [bootStackSize]byte

var (
	frames  frame.Allocator
	memory  phys.Memory
	header  bootinfo.ImageHeader
	info    bootinfo.Info
	usable  bootinfo.Map
	ram     bootinfo.Map
	archive bootinfo.Range
)

// boot brings the machine from the early page tables to the point where the
// kernel's own Go runtime can start, and makes that runtime's first thread.
//
//loam:trap stack=12288
func boot(cpu *CPU, startInfo, imageHeader uint64) {
	entryTSC = rdtsc()
	cpu.prepare(0, 0)
	spin.SetHeld(heldHere, machineFatal)
	frame.SetTell(endAtMistake)
	memory = phys.At(earlyDirect)   // how physical addresses are reached
	startSerial()                   // COM1: from here on a failure can be read
	readHeader(imageHeader)         // where the image lies
	readStartInfo(startInfo)        // memory map, command line, boot archive
	configure()                     // what the command line asks of this floor
	detectCPU(cpu)                  // features; FPU state to save
	findOthers()                    // which other CPUs there are
	seedRandom()                    // Random
	place()                         // where the kernel's half has what
	addMemory()                     // the frame allocator has its regions
	buildTables(cpu)                // W^X, guards, no page zero
	addRegions(earlyMapped, never)  // what the early tables did not reach
	startObjects(cpu)               // size classes: contexts, tables, buffers
	buildStacks(cpu)                // of this CPU
	loadDescriptors(cpu)            // GDT, TSS, IDT
	enableSyscall()                 // SYSCALL's entry
	startAPIC(cpu)                  // local interrupts
	startClock()                    // Now
	startOthers()                   // the other CPUs, to their idle threads
	startHostChannel()              // COM2 in, debug port out
	logBoot()                       // what was found
	startRuntime(cpu, header.Entry) // the first kernel thread: Go's rt0
}

func readHeader(at uint64) {
	if !header.Decode(bytesAt(at, bootinfo.ImageHeaderSize)) {
		machineFatal("the image header is not one")
	}
}

func readStartInfo(pa uint64) {
	window := memory.Below(earlyMapped)
	if code := bootinfo.Parse(window, pa, &info); code != bootinfo.OK {
		machineFatal("the start info of the loader is unusable: ", code.String())
	}
	info.RAM(window, &ram)
	info.Usable(window, &usable)
	if info.ModuleCount > 0 {
		archive = info.Modules[0]
	}
}

// addMemory registers what is usable. The image is recorded as taken; the
// archive and what else the loader left are in no region.
func addMemory() {
	frames.Init(memory)
	frames.Reserve(header.ImageStart, header.ImageEnd, frame.Kernel)
	addRegions(0, earlyMapped)
	total := frames.Stats().Total
	frames.SetReserve(min(total/16, 1024))
}

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

// buildTables makes the kernel's half: the direct map without the image, the
// devices, and the image by its sections. Then the early tables are gone and
// with them the identity map, page zero and every writable alias of code.
func buildTables(cpu *CPU) {
	root, code := frames.Alloc(frame.Kernel)
	if code != frame.OK {
		machineFatal("no memory for page tables")
	}
	memory.Zero(root)
	kernelRoot = root
	ok := true
	for i := range ram.Len() { // ranges that have no page in common
		r := ram.At(i)
		ok = ok && mapDirect(max((r.Base+pageSize-1)&^(pageSize-1), firmwareEnd), directEnd(r))
	}
	ok = ok && mapDirect(0, firmwareEnd) // firmware's tables, VGA text
	ok = ok && mapKernelRange(deviceMap+lapicBase, lapicBase, lapicBase+pageSize, pteDevice|pteWrite|pteNX|pteGlobal)
	ok = ok && mapKernelRange(deviceMap+ioapicBase, ioapicBase, ioapicBase+pageSize, pteDevice|pteWrite|pteNX|pteGlobal)
	ok = ok && mapImage(header.TextStart, header.TextEnd, pteGlobal)
	ok = ok && mapImage(header.RodataStart, header.RodataEnd, pteNX|pteGlobal)
	ok = ok && mapImage(header.DataStart, header.DataEnd, pteWrite|pteNX|pteGlobal)
	// The tables below these root entries are shared by all spaces from now on.
	ok = ok && kernelTable(heap.start, 30) != nil && kernelTable(tables.start, 30) != nil &&
		kernelTable(space.Stacks, 30) != nil
	if !ok {
		machineFatal("no memory for page tables")
	}
	writeCR4(readCR4() | amd64.CR4GlobalPages)
	direct := phys.At(uintptr(space.Direct))
	frames.Rebase(direct)
	writeCR3(root)
	memory = direct
	cpu.root = root
	releaseBoot()
}

const firmwareEnd = 1 << 20

// directEnd is the end of a range of memory in the direct map.
func directEnd(r bootinfo.Range) uint64 { return min(r.End(), frame.MaxAddress+1) &^ (pageSize - 1) }

func mapImage(start, end, bits uint64) bool {
	return mapKernelRange(start, start-imageMap, end-imageMap, bits)
}

// mapDirect maps a range into the direct map, writable and not executable,
// leaving the image's text and read-only data out: they have one mapping each.
func mapDirect(start, end uint64) bool {
	const bits = pteWrite | pteNX | pteGlobal
	holeStart := header.TextStart - imageMap
	holeEnd := max(header.TextEnd, header.RodataEnd) - imageMap
	if end <= holeStart || start >= holeEnd {
		return mapKernelRange(space.Direct+start, start, end, bits)
	}
	return (start >= holeStart || mapKernelRange(space.Direct+start, start, holeStart, bits)) &&
		(end <= holeEnd || mapKernelRange(space.Direct+holeEnd, holeEnd, end, bits))
}

// buildStacks maps the CPU's stacks, each above an unmapped guard page.
func buildStacks(cpu *CPU) {
	at := space.Stacks + cpu.id*stackEach
	trap := newStack(&at, trapStackPages)
	cpu.machineSP = newStack(&at, machineStackPages)
	cpu.panicSP = newStack(&at, panicStackPages)
	for ist := range 3 {
		top := newStack(&at, faultStackPages) - 16
		store64(top+8, uint64(cpu.self)) // for paranoid
		cpu.tss.SetIST(ist+2, top)
	}
	cpu.tss.SetIST(1, trap)
	if cpu.id == 0 {
		firstStack = newStack(&at, firstStackPages)
	}
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
		if code != frame.OK || !mapKernelPage(*at, pa, pteWrite|pteNX|pteGlobal) {
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
	if bootMode {
		copy(kernelGC[:], collectUsual)
	}
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
// but those that are asked for, where programs run: the kernel floor makes no garbage,
// and a collection takes memory for its own records, 1 MiB and more the first time,
// which there may be none of by then. At the console there is time for both.
var (
	kernelName  [8]byte
	kernelDebug [64]byte
	kernelGC    [16]byte
)

const (
	kernelSettings = "GODEBUG=asyncpreemptoff=1,gcshrinkstackoff=1"
	collectNever   = "GOGC=off"
	collectUsual   = "GOGC=100"
)
