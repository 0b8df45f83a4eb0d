// SPDX-License-Identifier: Apache-2.0

// Package mmode is the kernel's own machine mode on RISC-V: what it runs on when there
// is no firmware. It sets each hart up, enters supervisor mode, and answers there what
// SBI firmware answers, so the kernel sees one machine either way.
//
// # The way
//
// Every hart comes to [Start], at once, at physical addresses. One is the first to set
// a bit of state; it clears the block behind the image, reads the devicetree, and fills
// the block (boot.go, stage.go). The others sleep until it interrupts them: each that
// the devicetree has, enabled and with address translation. The rest sleeps for ever.
// Then all do the same: they set their control registers, park, and leave when the
// server has them started, which the boot hart is at once. That one is the first hart,
// or another if the first may not be used.
//
// A hart in a lower mode has the address of its structure in mscratch. In machine mode
// mscratch is 0, TP is the hart, and Go's g leads to zeros, so that no stack is ever too
// small. A call saves all integer registers there and runs serve on the hart's stack.
// Interrupts are off in machine mode: a hart has one thing to do at a time.
//
// # What is taken in machine mode
//
// All else goes to supervisor mode directly, which medeleg and mideleg say: page faults,
// access faults, illegal instructions, breakpoints, user mode's calls, misaligned
// accesses (so on a hart that traps for them the kernel has to do them), and the
// software, timer and external interrupts of supervisor mode. Left are:
//
//   - ECALL of supervisor mode: an SBI call.
//   - The machine timer interrupt, of harts without Sstc: it becomes supervisor mode's,
//     and is masked until the timer is set anew. With Sstc the kernel needs no call to
//     set its timer and nothing is taken.
//   - The machine software interrupt, by which other harts ask for something: a software
//     interrupt of supervisor mode, or a fence. Harts that are parked look whether they
//     are to start.
//   - A trap of machine mode itself, which is the end.
//
// # Waiting
//
// A remote fence is the one thing that waits for other harts. Who waits sleeps until he
// is interrupted, and does meanwhile what others ask of him, so no two wait for each
// other in vain. Whoever has fenced wakes those who wait. A hart with nothing to do but
// wait for others must not spin: emulated harts may share one processor.
//
// # Protection
//
// The first entry of the PMP closes the block (structures, stacks) to lower modes; the
// second opens everything. They are not locked: machine mode's own code must get at the
// block, and whoever is in machine mode could write to its code anyway. Code and the few
// words outside of the block (state, where console and finisher are) are the kernel's
// image, which supervisor mode protects by its page tables as its own. So this is a
// guard against mistakes of the kernel, not against a kernel that wants to get in. A
// hart without PMP has no such guard. What calls name as memory may not be the block.
//
// # Failures
//
// A devicetree that can't be read, harts without timer or software interrupt, a block
// that is no memory, none of the devicetree's harts, a trap in machine mode: a line that
// begins "loam: machine mode:", on the devicetree's console (a 16550 or SiFive's UART),
// and status 35 by the test finisher. Before these are known, and if they trap, they are
// where virt has them. What is no UART costs some seconds and the line, no more.
// fail_riscv64.s does so for traps, without stack or block. A run-time panic is such a
// trap: g has no m, so the panic reads close to address 0, where nothing is.
//
// # Code at physical addresses
//
// Go code for RISC-V reaches everything relative to the program counter, and so runs
// wherever it lies. What must not be used is an address that was stored by the linker:
// tables of strings or pointers, function values, interfaces; .bss is the kernel's to
// clear; and the runtime's functions want a runtime. The image step (build/image,
// stage.go) proves it for all that Start reaches, and that the stacks are deep enough.
//
// Sources: RISC-V Privileged Architecture 20211203, chapters 3 and 4; SBI 2.0; SiFive
// FU540-C000 manual, "Core-Local Interruptor"; RISC-V ACLINT specification 1.0-rc4;
// QEMU 7.2, hw/misc/sifive_test.c.
//
// Rejected: machine mode as a program of its own (a second link, a second image to place
// and keep in step); assembly alone (what is decided is sbi.Server and fdt, which are
// tested on any host); loading at the linked address by translation in machine mode
// (there is none; MPRV is for data only); a lock around the server.
package mmode
