// SPDX-License-Identifier: Apache-2.0

// Package core is the kernel proper: processes and threads, the calls that
// programs make, and the loop that runs them.
//
// # The runner
//
// Each CPU has one runner, a goroutine that never returns (runner.go): choose a
// thread, enter it, handle the trap that comes back, again. Interrupts are off
// in the kernel, so what runs here has its CPU for itself, from the trap until
// the next entry; and one lock, taken after the trap and given back before the
// entry, has nothing half-done seen by another CPU (cpus.go, docs/concurrency.md).
// Calls that touch nothing but their thread take no lock. A thread
// that waits is a record in a table, not a stack (seL4's event kernel; Rejected:
// Biscuit's goroutine for each user thread, which leaves scheduling to Go).
//
// # Calls
//
// A call is a number, an index into a table of functions (calls.go). A function
// decodes its arguments from the thread's registers, checks all of them, and
// only then changes anything. It returns the value of the result register. What
// keeps the thread from simply going on is said in runner.work: the thread
// waits, another should run, a signal is due. If nothing was said, the runner
// goes straight back; so a call that does nothing costs about thirty
// instructions here.
//
// A call that must wait parks its thread in one of two ways. Where the waker
// knows the result (futex, sleep), it stores it (finish). Where a waker only
// knows that something has changed (descriptors, children), the call is made
// again from its start when the thread runs next (retry); its deadline is kept
// from the first time.
//
// # Objects
//
// Process and Space are two objects: a process has descriptors, signal actions
// and an exit status, and refers to the address space that its threads run in.
// Threads, processes and spaces live in pools of fixed size linked by index
// (package pool), which the kernel makes at the start from the size of memory.
// They hold no pointers, but for what package space keeps. A thread's registers
// are a frame of their own in the direct map (metal.Context). Frames that a
// program causes to be used count against the machine's memory; the allocator
// keeps a reserve that only the kernel may use.
//
// Programs name processes, spaces, threads, notifications and memory objects by
// handles (objects.go, package object). Each of these has a header that is
// charged to an account and outlives the record while somebody has a handle.
//
// # Memory of programs
//
// Addresses from programs are abi.UserAddr and are followed only by package
// space, which checks rights and backs absent pages. A bad address is EFAULT to
// the caller, or a signal when the program itself touched it.
//
// # Want of memory
//
// A page that a program touches and that its account may not have is SIGBUS to it.
// When the machine has no frame, some process is ended (package victim says which),
// and who touched the page does so again until it gets one: it waits in no queue,
// so nobody has to wake it. Calls answer ENOMEM and end nobody. What a process may
// need of the kernel's tables later is taken when it is admitted, or refused while
// half of the reserve is still there (docs/memory-limits.md).
//
// # Pagers
//
// Who touches an absent page of a memory object with a pager makes a call to the
// pager's endpoint, in which it waits and lends as in any other; then it does again
// what it did. A call in which package space has missed a page fails with
// memory.Absent, which the runner sees after it (attend), and starts again when the
// page is there. So a call makes present what it is going to write before it takes
// what it can't put back (present). Nobody waits for a page of another process
// (pager.go).
//
// # End
//
// When a process ends, none of its threads runs any more, on any CPU; they, its
// handles and its memory go in bounded pieces between other threads' turns
// (end.go). When the first process has ended, and its memory is back, the machine
// stops.
//
// # Long calls
//
// A call whose length the program decides (munmap of a large range, a futex that
// thousands wait on) does a bounded piece and says that it isn't finished
// (runner.unfinished). It is made again before its thread does anything else;
// interrupts come, and other threads run, in between. What it has done so far is
// kept in the thread.
//
// In a build without the tag loam this package is empty but for this text: it
// stands on machine/metal. What can be tested without a machine is in the
// packages beside it (sched, futex, timeq, signal, poll, space, decode,
// exception, procimage, pool, victim).
package core
