// SPDX-License-Identifier: Apache-2.0

package mmode

// Start is where a hart enters in machine mode: at its physical address, with a0 =
// its number, a1 = physical address of the devicetree, a2 = that of the kernel's
// entry in supervisor mode. It does not return, and is no function for Go to call.
func Start()

// Device registers, at physical addresses. Stores come in order with all others.
func load8(addr uint64) byte
func load32(addr uint64) uint32
func load64(addr uint64) uint64
func store8(addr uint64, v byte)
func store32(addr uint64, v uint32)
func store64(addr uint64, v uint64)

// raise and drop change the hart's pending interrupts, bits of mip.
func raise(bits uint64)
func drop(bits uint64)

// enable and disable change which interrupts the hart takes, bits of mie.
func enable(bits uint64)
func disable(bits uint64)

// pending returns which interrupts are pending and enabled.
func pending() uint64

// setSupervisorTimer sets stimecmp.
func setSupervisorTimer(at uint64)

// waitForInterrupt waits until an interrupt that is enabled is pending, perhaps.
func waitForInterrupt()

// fenceInstructions and fenceTranslations have the hart fetch, and translate, by what
// has been stored before.
func fenceInstructions()
func fenceTranslations()

// readID returns mvendorid, marchid and mimpid.
func readID() (id [3]uint64)

// finish writes a word to the test finisher, which ends the machine. It does not
// return: without a finisher the hart halts.
func finish(word uint32)
