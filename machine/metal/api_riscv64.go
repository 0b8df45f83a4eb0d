//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import (
	"loam/machine/paging"
	"loam/machine/riscv64"
)

// Format is the format of this architecture's page tables.
func Format() *paging.Format { return &riscv64.Sv39 }

// Leave completes the Context that was entered last on this CPU. Before that no
// other CPU may enter it, nor may it be freed.
func (cpu *CPU) Leave() {
	cpu.saveState()
	cpu.ctx = 0
}

// Park is Leave for a Context that this CPU goes on to have, until another is entered.
func (cpu *CPU) Park() {
	if cpu.stateOf != 0 {
		cpu.saveState()
	}
}

// PagesApart says whether FlushPage leaves what the processor keeps of entries that
// lead to tables on the way to the page: SFENCE.VMA with an address may (privileged
// specification, 4.2.1).
const PagesApart = true

// FlushPage forgets the translation of one page of the loaded address space.
func FlushPage(va uint64) { forgetPage(va) }

// FlushAll forgets every translation of the loaded user half.
func FlushAll() { forgetSpace(uint64(riscv64.SatpASID(readSatp()))) }

// Mapped is for a page of the loaded address space that was absent and has a frame
// now: a hart may keep that it was absent (privileged specification, 4.2.1).
func Mapped(va uint64) { forgetPage(va) }

// loadRoot loads a root, and forgets the user half of the one before.
func loadRoot(root uint64) {
	writeSatp(riscv64.Satp(root, 0))
	forgetSpace(0)
}

// FenceCode makes this CPU fetch what was stored before: FENCE.I.
func FenceCode() { fenceCode() }

// ISA is what every hart can do that programs are told of.
func ISA() riscv64.ISA { return commonISA }

// VectorLength is the size of a vector register in bytes; 0: programs have none.
func VectorLength() uint64 { return vectorLength }
