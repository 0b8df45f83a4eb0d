//go:build loam

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

// info is what the loader left.
var info bootinfo.Info

// boot brings the machine from the early page tables to the point where the
// kernel's own Go runtime can start, and makes that runtime's first thread.
//
//loam:trap stack=12288
func boot(cpu *CPU, startInfo, imageHeader uint64) {
	entryTicks = ticks()
	cpu.prepare(0)
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
	addEarly()
}

// CommandLine returns the kernel's command line, without a NUL.
func CommandLine() []byte {
	return info.CommandLineBytes(memory.Below(earlyMapped))
}

// DeviceTree returns nil: a PC has no devicetree.
func DeviceTree() []byte { return nil }

// buildTables makes the kernel's half: the direct map without the image, the
// devices, and the image by its sections. Then the early tables are gone and
// with them the identity map, page zero and every writable alias of code.
func buildTables(cpu *CPU) {
	newKernelRoot()
	if !mapDirect(0, firmwareEnd) || // firmware's tables, VGA text
		!mapKernelRange(deviceMap+lapicBase, lapicBase, lapicBase+pageSize, kernelDevice) ||
		!mapKernelRange(deviceMap+ioapicBase, ioapicBase, ioapicBase+pageSize, kernelDevice) {
		machineFatal(noTables)
	}
	writeCR4(readCR4() | amd64.CR4GlobalPages)
	direct := phys.At(uintptr(space.Direct))
	frames.Rebase(direct)
	writeCR3(kernelRoot)
	memory = direct
	cpu.root = kernelRoot
	releaseBoot()
}

const firmwareEnd = 1 << 20

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
