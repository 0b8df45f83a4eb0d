//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import (
	"loam/machine/amd64"
	"loam/machine/paging"
)

// Format is the format of this architecture's page tables.
func Format() *paging.Format { return &amd64.Format }

// Leave completes the Context that was entered last on this CPU. Before that no
// other CPU may enter it, nor may it be freed.
func (cpu *CPU) Leave() {
	if cpu.ctx != 0 {
		contextAt(cpu.ctx).GSBase = userGSBase()
		cpu.ctx = 0
	}
}

// Park is Leave for a Context that this CPU goes on to have, until another is entered:
// entering the other does the rest. So does Leave.
func (cpu *CPU) Park() {}

// PagesApart says whether FlushPage leaves what the processor keeps of entries that
// lead to tables on the way to the page: INVLPG doesn't (SDM vol. 3A, 4.10.4.1).
const PagesApart = false

// FlushPage forgets the translation of one page of the loaded address space.
func FlushPage(va uint64) { invlpg(va) }

// FlushAll forgets every translation of the loaded user half.
func FlushAll() { writeCR3(readCR3()) }

// Mapped is for a page of the loaded address space that was absent and has a frame
// now: this processor keeps nothing of pages that are not there (SDM vol. 3A,
// 4.10.2.3).
func Mapped(uint64) {}

// loadRoot loads a root, and forgets the user half of the one before.
func loadRoot(root uint64) { writeCR3(root) }

// forgetAll makes this CPU forget every translation, those of the kernel's half
// included: they are global, so that only a change of CR4.PGE does it (SDM vol. 3A,
// 4.10.4.1).
func forgetAll() {
	cr4 := readCR4()
	writeCR4(cr4 &^ amd64.CR4GlobalPages)
	writeCR4(cr4)
}

// XCR0 is the set of state components that XSAVE and XRSTOR move.
func XCR0() uint64 { return thisCPU().xcr0 }

// UserGSBase is the GS base of the user thread that Enter returned from.
func UserGSBase() uint64 { return userGSBase() }

// SetUserGSBase sets it. The address must be canonical.
func SetUserGSBase(v uint64) { setUserGSBase(v) }

// perSecond is 2^75 / 5^9, rounded up: ns>>9 times it is the seconds times
// 2^75, exact for every ns below 2^63. For NowInto.
var perSecond uint64 = 0x44b82fa09b5a53
