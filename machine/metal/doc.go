// SPDX-License-Identifier: Apache-2.0

// Package metal is the bare machine under the kernel: boot, CPU tables, trap
// entry and exit, the kernel threads of Go's runtime and the calls which that
// runtime makes, time, the consoles, and the panic path.
//
// What both architectures do alike stands in files without a suffix; X_amd64.go and
// X_riscv64.go do the same job each on its own. docs/riscv64.md has what is different
// there.
//
// # One page on traps
//
// Everything enters the kernel in entry_*.s, by one of these ways:
//
//   - a system call, a trap or an interrupt from user mode: the registers go into
//     the user thread's [Context] and [Enter] *returns* to the runner, which handles
//     it in ordinary Go;
//   - a call of the kernel's own Go runtime (amd64: SYSCALL with a negative return
//     address; riscv64: the EBREAK that the image step makes of ECALL): the registers
//     go into the kernel thread's Context and runtimeCall answers on the machine stack;
//   - a trap or an interrupt in the kernel: the same, with the FPU state, and
//     kernelTrap answers (it backs the heap page by page, gives kernel threads
//     turns, and panics for everything else);
//   - an interrupt while the runner has the CPU halted (idle.go): it is the result of the
//     function that did; on riscv64 there is no trap at all;
//   - amd64's NMI, double fault and machine check: stacks of their own. An NMI stops
//     the CPU when another one panics; else all three are fatal for now. riscv64 has
//     none of them: the interrupt that stops a hart waits until it has interrupts on.
//
// # Stacks
//
// Each CPU has, apart from the stacks of Go's own threads, with an unmapped
// guard page below each: a machine stack (Go handlers) and a panic stack; on amd64 a
// trap stack besides (IST 1; only the entry code runs on it), and one each for NMI,
// double fault and machine check. Nothing is ever pushed on a goroutine's stack: those
// have less room left than a trap frame takes, and may have no memory yet.
//
// # Handlers in Go that run under Go's runtime
//
// runtimeCall and kernelTrap are compiled Go which runs where no goroutine is:
// the register of g (R14 and FS; X27) leads to a fake g of the CPU whose stack guard
// is 0, so prologues pass and nothing there can grow a stack. They may not allocate, store
// pointers into the heap's view, or use defer; tools/check proves it over the
// linked kernel, together with the depth of their stacks. A run-time panic in
// them (an index out of range) ends in the kernel's panic by way of a fault in
// the fake g. On riscv64 such code, and the runner's, runs with floating point off
// (state_riscv64.go).
//
// # Kernel ranges
//
// The heap of Go's runtime and the kernel floor's tables lie in ranges of the
// kernel's half that have no memory at first (kheap.go). kernelTrap gives a page of
// them a frame when it is touched. The runtime's mmap takes from the one; the kernel
// floor makes tables without pointers in the other, by TableRange: so the collector
// never looks at them, and Go's page allocator never searches for them, which took
// half of the time until the first user instruction. Frames of the heap come back
// when the runtime gives pages back (giveback.go).
//
// # Registers for programs
//
// Registers of devices that share a page are read and written for programs, by calls
// (registers.go). The pages lie in a window of the kernel's half. On riscv64 an access
// that nobody answers is a trap, which leaves it out and tells.
//
// # Interrupts, locks, several CPUs
//
// docs/concurrency.md has the rules. A runner has interrupts off all the time.
// They are taken in user mode, in Idle, Turn and Breathe, and while another kernel
// thread runs. So the kernel floor has no concurrency on its CPU. Three things
// make that true (runner.go): the runner's goroutine is locked to its thread; it
// is not preemptible (m.locks is raised), so that Go's scheduler stops it at those
// points only; and its stack is grown and touched once, so that it neither grows
// nor faults later.
//
// The threads of Go's runtime are multiplexed on all CPUs (kthread.go), each
// runner on its own; the machine lock guards them. How the runtime stops a runner
// is in stop.go, how the other CPUs start in others.go.
//
// Rejected: a goroutine for each user thread (Biscuit), which leaves scheduling
// to Go and costs a goroutine switch a trap; a patched runtime (TamaGo), tied
// to a release; entersyscall around Enter, +187 instructions on each trap; the
// runtime's preemption signal, delivered: a frame, a stack and a handler for what
// happens at known points anyway.
//
// Sources: Intel SDM vol. 3A chapters 4 (paging), 5 (protection), 6 (traps),
// 10 (APIC), 13 (XSAVE); AMD APM vol. 2 chapter 6 (SYSCALL). The RISC-V Instruction
// Set Manual, volume II, version 20211203, chapter 4 (supervisor level); RISC-V SBI
// Specification 2.0; RISC-V Platform-Level Interrupt Controller Specification 1.0.
package metal
