//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import (
	"loam/machine/riscv64"
	"loam/machine/sbi"
)

// logCPU names the harts and their guards.
func logCPU() {
	item("processor")
	puts("RISC-V rv64imafdc")
	for _, e := range [...]struct {
		isa  riscv64.ISA
		name string
	}{{riscv64.ExtV, "v"}, {riscv64.Zba, "_zba"}, {riscv64.Zbb, "_zbb"}, {riscv64.Zbs, "_zbs"},
		{riscv64.Zicboz, "_zicboz"}, {riscv64.Sstc, "_sstc"}} {
		if commonISA.Has(e.isa) {
			puts(e.name)
		}
	}
	puts(", hart ")
	putDec(cpus[0].hart)
	put('\n')
	if cpuCount > 1 || lateCPUs > 0 {
		item("")
		putDec(cpuCount)
		puts(" harts of ")
		putDec(uint64(tree.HartCount))
		puts(" by the devicetree\n")
	}
	item("firmware")
	logFirmware()
	put('\n')
	if hasTags {
		item("ASIDs")
		puts("Sv39, kept by ASID\n")
	}
	item("guards")
	puts("W^X, guard pages, no access to user pages (SUM off)")
	if ourStage() {
		puts(", PMP")
	}
	put('\n')
}

// logFirmware says who runs in machine mode.
func logFirmware() {
	const openSBI = 1
	_, id := sbiCall(sbi.Base, sbi.BaseImplID, 0, 0, 0)
	_, version := sbiCall(sbi.Base, sbi.BaseImplVersion, 0, 0, 0)
	switch id {
	case sbi.ImplID:
		puts("none, Loam's own machine mode")
	case openSBI:
		puts("OpenSBI ")
		putDec(version >> 16)
		put('.')
		putDec(version & 0xffff)
	default:
		puts("SBI implementation ")
		putDec(id)
	}
}

// ourStage reports whether the kernel's own stage runs in machine mode.
func ourStage() bool {
	code, id := sbiCall(sbi.Base, sbi.BaseImplID, 0, 0, 0)
	return code == int64(sbi.Success) && id == sbi.ImplID
}
