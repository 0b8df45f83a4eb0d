//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import "loam/machine/riscv64"

// Instructions that Go's assembler has no name for, for the assembly.
const (
	sret         = riscv64.SRET
	wfi          = riscv64.WFI
	fenceI       = riscv64.FenceI
	fenceVMA     = riscv64.FenceVMAAll
	fencePageX5  = riscv64.FenceVMAPageX5
	fenceSpaceX5 = riscv64.FenceVMASpaceX5
	ebreak       = riscv64.EBreak // the long form
)

// One declaration for each routine of regs_riscv64.s: single instructions that
// Go has no words for.

// thisCPU returns the CPU structure that tp points to.
func thisCPU() *CPU

// ticks reads the time register.
func ticks() uint64

func readStatus() uint64
func setStatus(bits uint64)
func clearStatus(bits uint64)
func readSatp() uint64
func writeSatp(v uint64)
func readEnabled() uint64
func writeEnabled(v uint64)
func clearPending(bits uint64)
func writeTrapVector(v uint64)
func writeCounters(v uint64)
func writeUserEnv(v uint64)

// writeTimer sets stimecmp, which only harts with Sstc have.
func writeTimer(v uint64)

// vectorBytes is the size of a vector register; the registers are on.
func vectorBytes() uint64

// forgetAll makes this hart forget every translation, those of the kernel included.
func forgetAll()

// forgetPage makes it forget those of one page, in all spaces.
func forgetPage(va uint64)

// forgetSpace makes it forget those of one space, but for the kernel's.
func forgetSpace(asid uint64)

// fenceCode makes it fetch what was stored before.
func fenceCode()

// fence orders everything before it before everything after it.
func fence()

// sbiCall asks who runs in machine mode.
func sbiCall(extension, function, a, b, c uint64) (code int64, value uint64)

// Device registers only through these: the compiler removes or merges plain
// loads and stores.
func mmioRead8(addr uintptr) uint8
func mmioWrite8(addr uintptr, v uint8)
func mmioRead16(addr uintptr) uint16
func mmioWrite16(addr uintptr, v uint16)
func mmioRead32(addr uintptr) uint32
func mmioWrite32(addr uintptr, v uint32)

//go:noescape
func portOut(addr, status uintptr, p *byte, n uint64)

func stackPointer() (sp, ra uint64)

// goroutine is the address of the caller's g.
func goroutine() uint64

func cli()

// disable turns interrupts off and returns the flags before, for restore.
func disable() (flags uint64)
func restore(flags uint64)
func sti()
func halt()
func kernelCall(nr, a, b uint64) uint64

// awaitInterrupt waits until interrupts are pending that are enabled, whether or not
// sstatus lets them come, and returns which.
func awaitInterrupt() (pending uint64)

// entries returns the addresses of the code that no Go function calls. It is
// what keeps start in the linked kernel.
func entries() (start, trapVector, other, idleLoop uintptr)

// enter is Enter; its result is in the Context.
//
//go:noescape
func enter(c *Context)

// The registers of floating point and vectors, which must be on (sstatus).

//go:noescape
func saveFloat(c *Context)

//go:noescape
func loadFloat(c *Context)

//go:noescape
func saveVector(c *Context, half uint64)

//go:noescape
func loadVector(c *Context, half uint64)
