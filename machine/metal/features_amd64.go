//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import (
	"loam/machine/amd64"
	"loam/machine/phys"
)

// Descriptor tables and control registers of one CPU; package amd64 encodes.

// Selectors that the assembly pushes.
const (
	kernelCS = amd64.KernelCode
	kernelSS = amd64.KernelData
	tssSel   = amd64.TaskState
)

// Vectors from 96 on are not used: no stub, no gate.
const vectors = vectorMessage + messages

var idt [vectors]amd64.Gate

// loadDescriptors fills and loads GDT, TSS and IDT.
func loadDescriptors(cpu *CPU) {
	cpu.tss.NoIOMap() // no ports for users
	amd64.FillGDT(&cpu.gdt, addr(&cpu.tss))
	if cpu.id == 0 {
		fillIDT()
	}
	gdtr := tablePointer(addr(&cpu.gdt), amd64.GDTEntries*8-1)
	idtr := tablePointer(addr(&idt), vectors*16-1)
	loadTables(&gdtr, &idtr)
}

// fillIDT fills the table of gates that all CPUs share.
func fillIDT() {
	_, stubs, _, _ := entries()
	for i := range idt {
		user := i == amd64.VecBreakpoint || i == amd64.VecOverflow // theirs to execute
		idt[i] = amd64.NewGate(uint64(stubs)+16*uint64(i), istOf(i), user)
	}
}

func tablePointer(at uint64, limit uint16) (p [10]byte) {
	p[0], p[1] = byte(limit), byte(limit>>8)
	for i := range 8 {
		p[2+i] = byte(at >> (8 * i))
	}
	return p
}

// istOf: everything on the trap stack, but for what may come at any
// instruction and must not find it in use.
func istOf(vector int) uint8 {
	switch vector {
	case amd64.VecNMI:
		return 2
	case amd64.VecDoubleFault:
		return 3
	case amd64.VecMachineCheck:
		return 4
	}
	return 1
}

// enableSyscall points SYSCALL at syscallEntry.
func enableSyscall() {
	_, _, entry, _ := entries()
	wrmsr(amd64.MSRSTAR, amd64.STAR)
	wrmsr(amd64.MSRLSTAR, uint64(entry))
	wrmsr(amd64.MSRFMASK, amd64.FMASK)
	wrmsr(amd64.MSREFER, rdmsr(amd64.MSREFER)|amd64.EFERSyscall)
}

var hasSMAP, hasSMEP, hasUMIP, hasRDRAND bool

// detectCPU looks for what the boot CPU has and the kernel uses.
func detectCPU(cpu *CPU) {
	_, _, c1, _ := cpuid(1, 0)
	hasRDRAND = c1>>30&1 != 0
	hasSMEP, hasSMAP, hasUMIP = guards()
	detectTags()
	chooseState(cpu)
	enableFeatures(cpu)
}

// guards looks for what keeps the kernel from user memory, and users from tables.
func guards() (smep, smap, umip bool) {
	_, b7, c7, _ := cpuid(7, 0)
	return b7>>7&1 != 0, b7>>20&1 != 0, c7>>2&1 != 0
}

// enableFeatures turns on what the boot CPU has; false if this one lacks some of
// it.
func enableFeatures(cpu *CPU) bool {
	smep, smap, umip := guards()
	cr4 := readCR4()
	if hasSMEP {
		cr4 |= amd64.CR4SMEP
	}
	if hasSMAP {
		cr4 |= amd64.CR4SMAP
	}
	if hasUMIP {
		cr4 |= amd64.CR4UMIP
	}
	_, _, c1, _ := cpuid(amd64.LeafFeatures, 0)
	if hasTags {
		cr4 |= amd64.CR4PCID // CR3 has identifier 0, as it must have
	}
	have, _, _, _ := cpuid(13, 0)
	cpu.xcr0 = cpus[0].xcr0
	if hasSMEP && !smep || hasSMAP && !smap || hasUMIP && !umip ||
		hasTags && c1>>17&1 == 0 || cpu.xcr0&^uint64(have) != 0 {
		return false
	}
	writeCR4(cr4)
	xsetbv(cpu.xcr0)
	return true
}

// chooseState enables x87, SSE and AVX, and AVX-512 when all its parts are
// there and fit a Context.
func chooseState(cpu *CPU) {
	const basic = amd64.XCR0X87 | amd64.XCR0SSE | amd64.XCR0AVX
	const room = pageSize - 512
	have, _, _, _ := cpuid(13, 0)
	cpu.xcr0 = uint64(have) & basic
	if have&amd64.XCR0AVX512 == amd64.XCR0AVX512 {
		cpu.xcr0 |= amd64.XCR0AVX512
	}
	xsetbv(cpu.xcr0)
	_, fpuSize, _, _ = cpuid(13, 0)
	if fpuSize > room {
		cpu.xcr0 &= basic
		xsetbv(cpu.xcr0)
		_, fpuSize, _, _ = cpuid(13, 0)
	}
	if cpu.xcr0&amd64.XCR0AVX != 0 {
		phys.EnableAVX()
	}
	if emulated() {
		phys.EnablePlain()
	}
}

// idleEntry is where idle threads begin.
func idleEntry() uint64 {
	_, _, _, loop := entries()
	return uint64(loop)
}
