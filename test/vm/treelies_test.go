// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"strings"

	"loam/test/vm/vmtest"
)

// The trees of TestDevicetree.

const (
	chosen  = "chosen"
	uartAt  = "soc/serial@10000000"
	plicAt  = "soc/plic@c000000"
	clintAt = "soc/clint@2000000"

	atZero  = 1          // as where a tree lies: at 0
	nowhere = 0x18000000 // of virt's addresses, where nothing is
)

var runMode = text(chosen, "bootargs", "mode=run")

var goodTrees = []lie{
	{name: "as it is", runs: true},
	{name: "four harts", tree: 4, runs: true, want: "4 harts of 4"},
	{name: "version 99 that can be read as 17", spoil: put(vmtest.TreeVersion, 99), runs: true},
	{name: "circles", change: circles, runs: true},
	{name: "memory far away", change: memory(0, ramAt, 0, ramSize, 0x1000, 0, 0, 0x1000), runs: true},
	{name: "two nodes of memory", runs: true, change: both(memory(0, ramAt, 0, ramSize/2), text("memory@82000000", "device_type", "memory"),
		cells("memory@82000000", "reg", 0, ramAt+ramSize/2, 0, ramSize/2)), want: " MiB usable in "},
	{name: "tree in no memory", change: hundred, runs: true},
	{name: "only one hart of four", bios: "none", harts: 4, runs: true},
	{name: "boot hart missing of four", tree: 4, bios: "none", change: without("cpu@0"), runs: true, want: "3 harts of 3"},
	{name: "long bootargs", change: text(chosen, "bootargs", "mode=boot "+strings.Repeat("x", 100_000)), runs: true,
		want: "ignored on the command line: x"},
	{name: "bootargs of many words", change: text(chosen, "bootargs", strings.Repeat("x=y ", 1000)+"mode=boot"), runs: true,
		want: "ignored on the command line: x"},
	{name: "bootargs of nonsense", change: value(chosen, "bootargs", "mode=boot \xff\x00\x01=\x1b[2J ="), runs: true},
	{name: "stdout-path to nothing", change: text(chosen, "stdout-path", "/soc/nothing"), runs: true},
	{name: "seed on the command line", runs: true,
		change: both(without("rng-seed"), text(chosen, "bootargs", "mode=boot seed="+strings.Repeat("01", 32)))},
}

const (
	badBlock = "a devicetree whose blocks lie outside of it"
	noMagic  = "no devicetree (bad magic)"
	version  = "a devicetree of another version than 17"
	noTree   = "no devicetree: its address"
	noTree0  = "loam: machine mode: the loader gave no devicetree: its address is "
	noAnswer = "nothing answers at physical address 0x"
	modeTrap = "loam: machine mode: a trap: cause 0x000000000000000" // 5 or 7
)

var spoiltTrees = []lie{
	{name: "header alone", spoil: cut(0.01), want: badBlock},
	{name: "cut in half", spoil: cut(0.5), want: badBlock},
	{name: "cut in its strings", spoil: cut(0.95), want: badBlock},
	{name: "nodes cut", spoil: shorten, want: "a devicetree that ends too early"},
	{name: "strings cut", spoil: put(vmtest.TreeStringsSize, 8), want: "a devicetree with a bad name"},
	{name: "wrong magic", spoil: put(vmtest.TreeMagic, 0xfeedd00d), want: noMagic},
	{name: "zeros", spoil: func(b []byte) []byte { clear(b); return b }, want: noMagic},
	{name: "version 99", spoil: put(vmtest.TreeLastVersion, 99), want: version},
	{name: "version 16", spoil: put(vmtest.TreeVersion, 16), want: version},
	{name: "huge", spoil: put(vmtest.TreeSize, 0x7ffffff0), want: "a devicetree of wrong size"},
	{name: "nodes out", spoil: put(vmtest.TreeStructs, 0x7ffffff0), want: badBlock},
	{name: "strings out", spoil: put(vmtest.TreeStrings, 0x7ffffff0), want: badBlock},
	{name: "nodes askew", spoil: put(vmtest.TreeStructs, 57), want: badBlock},
	{name: "nodes elsewhere", spoil: put(vmtest.TreeStructs, 60), want: "a devicetree with a bad token"},
	{name: "deep", change: func(r *vmtest.Tree) { r.Node(strings.Repeat("a/", 20) + "a") }, want: "a devicetree that is too deep"},
	{name: "long name", change: func(r *vmtest.Tree) { r.Node(strings.Repeat("a", 300)) }, want: "a devicetree with a bad name"},
	{name: "empty", change: func(r *vmtest.Tree) { *r = vmtest.Tree{} }, want: noMemory, stage: noStage},
	{name: "at 0", at: atZero, want: noTree, stage: noTree0 + "0x0"},
	{name: "at the end", at: 1<<64 - 8, want: noTree, stage: noTree0 + "0xfffffffffffffff8"},
	{name: "askew", at: treeAt + 4, want: noTree, stage: noTree0 + "0x83000004"},
	{name: "nowhere", at: nowhere, want: noAnswer + "18", stage: modeTrap},
}

const (
	noMemory = "a devicetree without memory"
	noStage  = "loam: machine mode: no memory for the stage at 0x80"
	outside  = "a devicetree by which the kernel's image is not in memory"
)

var memoryLies = []lie{
	{name: "no memory", change: without("memory"), want: noMemory, stage: noStage},
	{name: "memory of size 0", change: memory(0, ramAt, 0, 0), want: noMemory, stage: noStage},
	{name: "memory of 16 bytes", change: memory(0, ramAt, 0, 16), want: outside, stage: noStage},
	{name: "half a range", change: memory(0, ramAt, 0), want: "a devicetree with a bad property"},
	{name: "wraps", change: memory(^uint32(0), 0xfffff000, 0, 0x2000), want: "a devicetree with a bad property"},
	{name: "overlaps", change: memory(0, ramAt, 0, ramSize, 0, ramAt+ramSize/2, 0, ramSize), want: "memory overlaps or can't be"},
	{name: "farther than addresses go", change: memory(0, ramAt, 0, ramSize, 0x1000000, 0, 0, 0x1000), want: "memory overlaps or can't be"},
	{name: "without the kernel", change: memory(0, ramAt+32<<20, 0, 32<<20), want: outside, stage: noStage},
	{name: "ends in the kernel", change: memory(0, ramAt, 0, 5<<20), want: outside, stage: noStage},
	{name: "with a hole in the kernel", change: memory(0, ramAt, 0, 5<<20, 0, ramAt+5<<20+0x1000, 0, 32<<20), want: outside},
	{name: "where devices are", change: memory(0, 0x1000000, 0, 0x83000000), want: badPlace},
	{name: "there is no such memory", change: memory(0, ramAt, 0, ramSize, 0, 0xc0000000, 0, 0x10000000),
		want: noAnswer + "c0000000"},
	{name: "the firmware's is free", bios: "default", change: without("taken"), want: noAnswer + "80000000"},
	{name: "the kernel's is reserved", change: reserved(loadAt+1<<20, 16), want: "the kernel's image lies in what is taken"},
	{name: "all but the kernel's is reserved", change: both(reserved(ramAt, 4<<20), reserved(loadAt+imageSize, ramSize-4<<20-imageSize)), want: "kernel panic: no "}, // contexts, or memory for stacks
}

// imageSize is what the kernel's image takes in memory, and a little more: with much more it boots.
const imageSize = 13 << 18

const (
	noHart   = "a devicetree without the hart that runs"
	noHarts  = "the devicetree has no hart that is enabled and can translate addresses"
	poorHart = "the devicetree doesn't say that this hart has what Go's code needs: rv64imafdc"
	noTicks  = "a devicetree that doesn't say how fast the timer counts"
)

var hartLies = []lie{
	{name: "no cpus", change: without("cpus"), want: noHart, stage: noHarts},
	{name: "no harts", change: without("cpu"), want: noHart, stage: noHarts},
	{name: "another hart", change: cells("cpus/cpu@0", "reg", 5), want: noHart,
		stage: "the hart that runs is not in the devicetree, and none comes that is, such as hart 0x5"},
	{name: "disabled", change: text("cpus/cpu@0", "status", "disabled"), want: noHart, stage: noHarts},
	{name: "no translation", bios: "none", change: without("mmu-type"), want: noHarts},
	{name: "the same twice", tree: 2, change: cells("cpus/cpu@1", "reg", 0), want: "a devicetree with two harts in one",
		stage: "the devicetree has twice hart 0x0"},
	{name: "more than there are", tree: 2, harts: 1, runs: true, want: "hart 1 does not start: left out"},
	{name: "each lacks something", tree: 2, runs: true, want: "can't do what the boot hart can: left out",
		change: both(text("cpus/cpu@0", "riscv,isa", "rv64imafdc_zba"), text("cpus/cpu@1", "riscv,isa", "rv64imafdc_zbb"))},
	{name: "no floating point", change: text("cpus/cpu@0", "riscv,isa", "rv64imac"), want: poorHart},
	{name: "no ISA", change: without("riscv,isa"), want: poorHart},
	{name: "another ISA", change: text("cpus/cpu@0", "riscv,isa", "x86"), want: poorHart},
	{name: "more than it can", change: text("cpus/cpu@0", "riscv,isa", "rv64imafdcv"), want: "illegal instruction"},
	{name: "no frequency", change: without("timebase-frequency"), want: noTicks},
	{name: "frequency 0", change: cells("cpus", "timebase-frequency", 0), want: noTicks},
	{name: "frequency of 4 GHz", change: cells("cpus", "timebase-frequency", 0xffffffff), want: "timebase-frequency is not between 1 Hz and 1 GHz"},
}

const (
	badPlace = "a devicetree with a device in memory, or without room for its registers"
	noPort   = "no port for the host channel"
	noWay    = "a device's interrupt has no way to a hart"
	noCLINT  = "no CLINT or ACLINT has a software interrupt for hart 0x0"
)

var deviceLies = []lie{
	{name: "no UART but SBI", bios: "default", change: both(without("serial"), runMode), want: noPort},
	{name: "no UART at all", bios: "none", change: both(without("serial"), runMode)},
	{name: "UART of another kind", bios: "default", change: both(text(uartAt, "compatible", "sifive,uart0"), runMode), want: noPort},
	{name: "UART out of reach", bios: "default", change: both(cells(uartAt, "reg", 0x100, 0, 0, 0x100), runMode), want: noPort},
	{name: "UART nowhere", change: cells(uartAt, "reg", 0, nowhere, 0, 0x100), want: noAnswer + "18000", stage: modeTrap},
	{name: "UART in memory", change: cells(uartAt, "reg", 0, ramAt+50<<20, 0, 0x100), want: badPlace},
	{name: "UART that isn't one", bios: "none", change: both(cells(uartAt, "reg", 0, 0x20000000, 0, 0x100), runMode)},
	{name: "UART with registers far apart", change: cells(uartAt, "reg-shift", 9), want: badPlace},
	{name: "no PLIC", port: true, change: without("plic"), want: noWay},
	{name: "PLIC of itself", port: true, change: itself, want: noWay},
	{name: "PLIC nowhere", change: cells(plicAt, "reg", 0, nowhere, 0, 0x600000), want: noAnswer + "18"},
	{name: "PLIC too small", change: cells(plicAt, "reg", 0, 0xc000000, 0, 0x1000), want: "interrupt controller has no registers for this hart"},
	{name: "PLIC in memory", change: cells(plicAt, "reg", 0, ramAt+50<<20, 0, 0x600000), want: badPlace},
	{name: "no finisher", change: without("test"), runs: true, halts: true, zero: true, stage: halted},
	{name: "no finisher for a panic", change: both(without("test"), without("rng-seed")), halts: true, zero: true, want: noSeed},
	{name: "finisher nowhere", change: cells("soc/test@100000", "reg", 0, nowhere, 0, 0x1000), zero: true, want: noAnswer + "18000000"},
	{name: "no CLINT", bios: "none", change: without("clint"), want: noCLINT},
	{name: "no CLINT but SBI", bios: "default", change: without("clint"), runs: true},
	{name: "CLINT of others", bios: "none", change: cells(clintAt, "interrupts-extended", 77, 3, 77, 7), want: noCLINT},
	{name: "CLINT of nobody", change: cells(clintAt, "interrupts-extended", 0, 3, 0, 7), want: "a devicetree with a reference to nothing"},
	{name: "CLINT nowhere", bios: "none", change: cells(clintAt, "reg", 0, nowhere, 0, 0x10000), want: modeTrap},
	{name: "no PCI", port: true, change: both(without("pci"), runMode), want: noPort},
	{name: "nothing on PCI", change: runMode, want: noPort},
	{name: "PCI nowhere", change: cells("soc/pci@30000000", "reg", 0, nowhere, 0, 0x1000000), want: noAnswer + "18000000"},
	{name: "PCI with other addresses", change: cells("soc/pci@30000000", "#address-cells", 1), want: "a devicetree with a bad property"},
	{name: "PCI without interrupts", port: true, change: both(without("interrupt-map"), runMode), want: noWay},
	{name: "clock nowhere", change: cells("soc/rtc@101000", "reg", 0, nowhere, 0, 0x1000), want: noAnswer + "18"},
}

const (
	noSeed    = "no source of random numbers: the devicetree has no rng-seed of 32 bytes, and the command line has no seed="
	askew     = "a boot archive (initrd) that is not at a page boundary, or ends before it begins"
	elsewhere = "a boot archive (initrd) that is not in memory"
	taken     = "a boot archive (initrd) that lies in the kernel or the devicetree"
	noProgram = "no program was started: "
)

var chosenLies = []lie{
	{name: "no chosen", change: without(chosen), want: noSeed},
	{name: "no seed", change: without("rng-seed"), want: noSeed},
	{name: "short seed", change: cells(chosen, "rng-seed", 1, 2, 3), want: noSeed},
	{name: "no bootargs", port: true, runs: true, change: without("bootargs"), want: noProgram},
	{name: "initrd missing", port: true, runs: true, change: runMode, want: noProgram},
	{name: "initrd empty", port: true, runs: true, change: both(initrd(archiveAt, archiveAt), runMode), want: noProgram},
	{name: "initrd of zeros", port: true, runs: true, change: both(initrd(archiveAt, archiveAt+0x1000), runMode), want: noProgram},
	{name: "initrd askew", change: initrd(archiveAt+8, archiveAt+0x1000), want: askew},
	{name: "initrd that ends before it begins", change: initrd(archiveAt, archiveAt-0x1000), want: askew},
	{name: "initrd without end", change: cells(chosen, "linux,initrd-start", archiveAt), want: askew},
	{name: "initrd outside", change: initrd(ramAt+ramSize, ramAt+ramSize+0x1000), want: elsewhere},
	{name: "initrd half outside", change: initrd(ramAt+ramSize-0x1000, ramAt+ramSize+0x1000), want: elsewhere},
	{name: "initrd in the kernel", change: initrd(loadAt+1<<20, loadAt+2<<20), want: taken},
	{name: "initrd in the tree", change: initrd(treeAt, treeAt+0x1000), want: taken},
	{name: "initrd around the kernel", change: initrd(loadAt, loadAt+8<<20), want: taken, stage: "the boot archive lies in the stage's memory"},
}
