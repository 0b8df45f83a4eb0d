//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import (
	"loam/machine/amd64"
	"loam/machine/cputable"
	"loam/machine/frame"
	"loam/machine/spin"
)

// Starting the other CPUs: SDM vol. 3A, 8.4.4. Each begins in real mode in a page
// below 1 MiB (package amd64, Startup), one at a time, and comes through other and
// bootOther to its idle thread. Whatever lay in the page is put back afterwards.

var table cputable.List

const (
	startupAt   = 0x8000        // the page: conventional memory on every PC
	startupWait = 3_000_000_000 // ns that a CPU has to start: a host may be busy
	startupNext = 300_000       // ns until the start-up interrupt is sent again
)

// findOthers reads the firmware's tables, while all of memory below 4 GiB is
// mapped. It looks for none that it needs not: that takes longer than the rest of
// boot.
func findOthers() {
	if mostCPUs() > 1 {
		_, b, _, _ := cpuid(1, 0)
		cputable.Find(memory.Below(earlyMapped), info.RSDP, b>>24, &table)
	}
}

// startOthers starts the CPUs that the firmware lists, up to cpus= of the command
// line, and leaves out those that don't come.
func startOthers() {
	most := mostCPUs()
	if table.Count < 2 || most < 2 {
		return
	}
	var tables startTables
	if !tables.make() {
		Log("no memory to start other CPUs")
		return
	}
	memory.Copy(tables.saved, startupAt)
	for i := 1; i < table.Count && cpuCount < most; i++ {
		if !startOther(&cpus[cpuCount], table.CPUs[i], uint32(tables.root)) {
			lateCPUs++
			stamp()
			puts("CPU with APIC id ")
			putDec(uint64(table.CPUs[i]))
			puts(" does not start: left out\n")
			continue
		}
		cpuCount++
	}
	if lateCPUs == 0 { // else one may yet come here: its ticket is void, it halts
		memory.Copy(startupAt, tables.saved)
	}
	tables.free()
}

// startOther starts one CPU and waits for it.
func startOther(cpu *CPU, apic, root uint32) bool {
	if !cpu.giveNeeds() {
		return false
	}
	cpu.apic = apic
	s := amd64.Startup{Page: startupAt, Root: root, Entry: uint64(otherEntry()), CPU: uint64(cpu.self), APIC: apic}
	s.Put(memory.Page(startupAt))
	vector, _ := amd64.StartupVector(startupAt)
	sendIPI(amd64.IPIInit(apic, x2apic))
	begin := Now()
	for next := begin; Now()-begin < startupWait; spin.Pause() {
		if loadShared32(addr(&cpu.online)) != 0 {
			return true
		}
		if now := Now(); now >= next { // a CPU that has started takes no notice
			sendIPI(amd64.IPIStart(vector, apic, x2apic))
			next = now + startupNext
		}
	}
	// It gets no other turn: its ticket is void, and another INIT stops it. If it
	// has taken its turn just now, it is on its way, with locks perhaps.
	if swapShared32(uint64(memory.Virtual(startupAt+amd64.StartupTurn)), 0) == 0 {
		for loadShared32(addr(&cpu.online)) == 0 {
			spin.Pause()
		}
		return true
	}
	sendIPI(amd64.IPIInit(apic, x2apic))
	return false
}

// bootOther is boot for the other CPUs.
//
//loam:trap stack=12288
func bootOther(cpu *CPU) {
	writeCR4(readCR4() | amd64.CR4GlobalPages)
	writeCR3(kernelRoot) // without the page at its physical address
	cpu.root = kernelRoot
	if !enableFeatures(cpu) {
		halt()
	}
	loadDescriptors(cpu)
	enableSyscall()
	startAPIC(cpu)
	cpu.current, cpu.kctx = cpu.idle, kthreads[cpu.idle].ctx
	storeShared32(addr(&cpu.online), 1)
}

// startTables are the page tables with which a CPU turns paging on: the kernel's
// half, and the page of the start-up code at its physical address, executable and
// not writable. The root lies where 32-bit code reaches it. saved is what the page
// of the start-up code held.
type startTables struct{ root, pdpt, pd, pt, saved uint64 }

func (t *startTables) make() bool {
	const below4G = 4<<30 - 1
	pa, code := frames.AllocN(1, 0, below4G, frame.Boot)
	if code != frame.OK {
		return false
	}
	memory.Zero(pa)
	t.root = pa
	for _, at := range [...]*uint64{&t.pdpt, &t.pd, &t.pt, &t.saved} {
		if *at = newObject(tableKind); *at == 0 {
			t.free()
			return false
		}
	}
	const table = pteUsed | amd64.PTEWrite
	root, kernel := memory.Table(t.root), memory.Table(kernelRoot)
	for i := kernelHalf; i < len(root); i++ {
		root[i] = kernel[i]
	}
	root[0] = t.pdpt | table
	memory.Table(t.pdpt)[0] = t.pd | table
	memory.Table(t.pd)[0] = t.pt | table
	memory.Table(t.pt)[startupAt/pageSize] = startupAt | pteUsed
	return true
}

func (t *startTables) free() {
	frames.Free(t.root, frame.Boot)
	for _, pa := range [...]uint64{t.pdpt, t.pd, t.pt, t.saved} {
		if pa != 0 {
			freeObject(tableKind, pa)
		}
	}
}
