// SPDX-License-Identifier: Apache-2.0

// Package signal keeps the signal state of processes and threads and decides
// what a thread that returns to user mode has to do about it. It follows Linux
// (signal(7)), whose signals the Go runtime is written for: nil dereferences
// become panics by SIGSEGV, and a goroutine in a tight loop is preempted by
// SIGURG.
//
// # State
//
// A Process has the action of each signal and the signals sent to the process
// as a whole; a Thread has its mask, its alternate stack and the signals sent
// to it alone. Of each signal at most one is pending in either place, with the
// information of the first: what Linux does for the standard signals. Loam
// does it for the real-time signals too, instead of queueing them: a queue's
// length would be the sender's to choose, and nothing that runs here uses it
// (rt_sigqueueinfo(2) then answers EAGAIN, as if the limit were 1).
//
// # Delivery
//
// Send and Force make signals pending. On the way back to user mode the caller
// asks Next until it has nothing more to say. Next answers what to do: end the
// process, stop it, or run a handler; signals that are ignored it drops itself.
// For a handler the caller chooses the stack (HandlerStack), writes the frame
// (BuildAMD64, BuildRISCV64) and, once the frame is in user memory, calls Entered,
// which changes the mask: the point of no return. If the memory isn't there it
// calls FrameFailed instead.
//
// # Frames
//
// The codec of rt_sigframe is pure: bytes in, bytes out. What comes back with
// rt_sigreturn(2) is a user program's word, and is checked or masked field by
// field: nothing of it can make an instruction of the kernel fault (IRET, XRSTOR)
// or give the program a privilege. A frame of riscv64 holds only registers that a
// program may set by itself, so that only its form is checked. As in Linux, a
// handler inherits the floating-point registers there; on amd64 it gets fresh ones.
//
// Sources: Linux 6.12's arch/{x86,riscv}/include/uapi/asm/{sigcontext,ucontext}.h
// and arch/riscv/kernel/signal.c for layouts; signal(7), sigaction(2),
// sigaltstack(2), sigreturn(2); Intel SDM volume 1, 13.4 to 13.8 for the XSAVE area.
//
// Nothing here locks or allocates; the owner of the process guards it and its
// threads.
package signal
