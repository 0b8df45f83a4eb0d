//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import (
	"loam/machine/bootinfo"
	"loam/machine/fdt"
	"loam/machine/frame"
	_ "loam/machine/mmode" // where start goes in machine mode
	"loam/machine/phys"
	"loam/machine/riscv64"
	"loam/machine/spin"
)

const bootStackSize = 32 << 10

// bootStack serves from start to the first kernel thread.
var bootStack [bootStackSize]byte

var (
	tree   fdt.Info
	treeAt bootinfo.Range // where what it was read from lies

	treeMapped uintptr // its address, if it doesn't lie in the direct map
)

// blob returns what tree was read from.
func blob() fdt.Blob {
	if treeMapped != 0 {
		return bytesAt(uint64(treeMapped), treeAt.Size)
	}
	return memory.Bytes(treeAt.Base, treeAt.Size)
}

// boot brings the machine from the early page tables to the point where the
// kernel's own Go runtime can start, and makes that runtime's first thread. The image
// lies at load.
//
//loam:trap stack=24576
func boot(cpu *CPU, hart, devicetree, load uint64) {
	entryTicks = ticks()
	imageAt = load
	cpu.prepare(0)
	cpu.hart = hart
	spin.SetHeld(heldHere, machineFatal)
	frame.SetTell(endAtMistake)
	memory = phys.At(earlyDirect)   // how physical addresses are reached
	readHeader()                    // where the image lies
	readTree(devicetree)            // memory, harts, devices, command line, boot archive
	startSerial()                   // from here on the console is the tree's
	configure()                     // what the command line asks of this floor
	detectCPU(cpu)                  // what the hart can do
	findPort()                      // the host channel's
	seedRandom()                    // Random
	reserveRing()                   // memory shared with the host
	place()                         // where the kernel's part has what
	addMemory()                     // the frame allocator has its regions
	buildTables(cpu)                // W^X, guards, no page zero
	startRing()                     // where it lies in the direct map
	startObjects(cpu)               // size classes: contexts, tables, buffers
	buildStacks(cpu)                // of this CPU
	startTraps()                    // to trapVector
	startClock()                    // Now
	startIRQ(cpu)                   // interrupts
	startOthers()                   // the other CPUs, to their idle threads
	startHostChannel()              // frames from and to the host
	logBoot()                       // what was found
	startRuntime(cpu, header.Entry) // the first kernel thread: Go's rt0
}

func readHeader() {
	const at = 0x80 // build/image, flatHeaderOff
	if !header.Decode(bytesAt(imageMap+at, bootinfo.ImageHeaderSize)) {
		machineFatal("the image header is not one")
	}
}

// readTree reads the devicetree at a physical address.
func readTree(at uint64) {
	window := memory.Below(earlyMapped)
	head := window.Bytes(at, fdt.HeaderSize)
	if at == 0 || at%8 != 0 || head == nil {
		machineFatal("no devicetree: its address is no one's")
	}
	size, code := fdt.Size(head)
	if code == fdt.OK {
		treeAt = bootinfo.Range{Base: at, Size: size}
		code = fdt.Read(window.Bytes(at, size), &tree)
	}
	if code != fdt.OK {
		machineFatal("the devicetree is unusable: ", code.String())
	}
	useConsole()
	image := fdt.Range{Start: imageAt, Size: header.ImageEnd}
	if ourStage() {
		image.Size = header.StageEnd
	}
	start := fdt.Start{Image: image, Tree: fdt.Range{Start: at, Size: size}, Hart: cpus[0].hart}
	switch code := tree.Check(start); {
	case code == fdt.OK:
		archive = rangeOfTree(tree.Initrd)
	case code != fdt.NoInitrd:
		machineFatal("the devicetree is unusable: ", code.String())
	}
	dropDefaults()
	for _, r := range tree.Memory[:tree.MemoryCount] {
		if r.Start < riscv64.MaxMemory { // what lies above is left out
			ram.Add(bootinfo.Range{Base: r.Start, Size: min(r.Size, riscv64.MaxMemory-r.Start)})
		}
	}
	ram.Finish()
	usable = ram
	usable.Remove(rangeOfTree(image))
	usable.Remove(treeAt)
	usable.Remove(archive)
	for _, r := range tree.Reserved[:tree.ReservedCount] {
		usable.Remove(rangeOfTree(r))
	}
	usable.Finish()
}

func rangeOfTree(r fdt.Range) bootinfo.Range { return bootinfo.Range{Base: r.Start, Size: r.Size} }

// useConsole takes console and test finisher from the tree, if it has them: it may be
// no good.
func useConsole() {
	if hasUART() {
		console = uart{at: uintptr(earlyDirect + tree.UART.Start), shift: tree.UART.Shift, wide: tree.UART.Width == 4}
	}
	if hasFinisher() {
		testAt = uintptr(earlyDirect + tree.Test.Start)
	}
}

func hasUART() bool     { return tree.UART.Size != 0 && tree.UART.Start < earlyMapped }
func hasFinisher() bool { return tree.Test.Size != 0 && tree.Test.Start < earlyMapped }

// dropDefaults is for a tree that is good: what it lacks the machine lacks.
func dropDefaults() {
	if !hasUART() {
		console.at = 0
	}
	if !hasFinisher() {
		testAt = 0
	}
}

// treeInMemory reports whether the tree lies in memory, and so in the direct map.
func treeInMemory() bool {
	for i := range ram.Len() {
		if r := ram.At(i); r.Base <= treeAt.Base && treeAt.End() <= directEnd(r) {
			return true
		}
	}
	return false
}

// hartOf returns what the tree says of a hart, or nil.
func hartOf(id uint64) *fdt.Hart {
	for i := range tree.Harts[:tree.HartCount] {
		if h := &tree.Harts[i]; h.ID == id {
			return h
		}
	}
	return nil
}

// CommandLine returns the kernel's command line, without a NUL.
func CommandLine() []byte { return tree.Bootargs.Of(blob()) }

// DeviceTree returns the flattened devicetree.
func DeviceTree() []byte { return blob() }

// addMemory registers what is usable: memory but for the image, the machine-mode
// stage, the tree, the archive, and what the tree reserves.
func addMemory() {
	frames.Init(memory)
	addEarly()
}

// buildTables makes the kernel's part: the direct map without the image, the
// devices, and the image by its sections. Then the early tables are gone and
// with them every writable alias of code.
func buildTables(cpu *CPU) {
	newKernelRoot()
	registers := mapDevices(cpu)
	direct := phys.At(uintptr(space.Direct))
	frames.Rebase(direct)
	writeSatp(riscv64.Satp(kernelRoot, 0))
	forgetAll()
	console.at, testAt, clockAt, hostPort.at = registers.console, registers.test, registers.clock, registers.port
	treeMapped = registers.tree
	memory = direct
	cpu.root = kernelRoot
}

// deviceRegisters are the addresses of devices' registers in the kernel's tables.
type deviceRegisters struct{ console, test, clock, port, tree uintptr }

// mapDevices maps the registers that the kernel uses, one device after the other.
func mapDevices(cpu *CPU) (r deviceRegisters) {
	if console.at != 0 {
		r.console = mapDevice(tree.UART.Start, tree.UART.Size)
	}
	if testAt != 0 {
		r.test = mapDevice(tree.Test.Start, tree.Test.Size)
	}
	if riscv64.GoldfishHas(tree.RTC.Size) {
		r.clock = mapDevice(tree.RTC.Start, tree.RTC.Size)
	}
	if hostPort.at != 0 {
		hostRegisters = bootinfo.Range{Base: uint64(hostPort.at) - earlyDirect, Size: portRegisters}
		r.port = mapDevice(hostRegisters.Base, hostRegisters.Size)
	}
	if !treeInMemory() { // in ROM, say
		r.tree = mapDevice(treeAt.Base, treeAt.Size)
	}
	mapPLIC(cpu)
	return r
}

// buildStacks maps the CPU's stacks, each above an unmapped guard page.
func buildStacks(cpu *CPU) {
	at := space.Stacks + cpu.id*stackEach
	cpu.machineSP = newStack(&at, machineStackPages)
	cpu.panicSP = newStack(&at, panicStackPages)
	if cpu.id == 0 {
		firstStack = newStack(&at, firstStackPages)
	}
	forgetAll() // that nothing was there
}
