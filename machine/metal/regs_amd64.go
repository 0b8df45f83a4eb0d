//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

// One declaration for each routine of regs_amd64.s: single instructions that
// Go has no words for.

// thisCPU returns the CPU structure that GS points to.
func thisCPU() *CPU

func outb(port uint16, v uint8)
func outl(port uint16, v uint32)
func inb(port uint16) uint8
func outw(port uint16, v uint16)
func inw(port uint16) uint16
func inl(port uint16) uint32

// outs writes n bytes at p to one port.
//
//go:noescape
func outs(port uint16, p *byte, n uint64)

func rdmsr(msr uint32) uint64
func wrmsr(msr uint32, v uint64)
func cpuid(leaf, sub uint32) (a, b, c, d uint32)

// ticks reads the TSC.
func ticks() uint64
func rdrand() (v uint64, ok bool)
func readFS() uint64
func readCR3() uint64
func writeCR3(v uint64)
func readCR4() uint64
func writeCR4(v uint64)
func xsetbv(v uint64)
func invlpg(va uint64)

//go:noescape
func loadTables(gdt, idt *[10]byte)

// Device registers only through these: the compiler removes or merges plain
// loads and stores.
func mmioRead8(addr uintptr) uint8
func mmioWrite8(addr uintptr, v uint8)
func mmioRead16(addr uintptr) uint16
func mmioWrite16(addr uintptr, v uint16)
func mmioRead32(addr uintptr) uint32
func mmioWrite32(addr uintptr, v uint32)

// fence orders everything before it before everything after it (SDM vol. 3A,
// 10.12.3: MFENCE, then LFENCE).
func fence()

// userGSBase returns the GS base that the user half has while the kernel runs.
func userGSBase() uint64
func setUserGSBase(v uint64)

func framePointer() uint64
func cli()

// disable turns interrupts off and returns the flags before, for restore.
func disable() (flags uint64)
func restore(flags uint64)
func sti()
func halt()
func kernelCall(nr, a, b uint64) uint64

// awaitInterrupt halts the CPU until an interrupt, whose vector is in CPU.woken then.
func awaitInterrupt()

// entries returns the addresses of the code that no Go function calls. It is
// what keeps start in the linked kernel.
func entries() (start, stubs, syscallEntry, idleLoop uintptr)

// otherEntry is where other CPUs begin in 64-bit mode; never called.
func otherEntry() uintptr

// enter is Enter; its result is in the Context.
//
//go:noescape
func enter(c *Context)
