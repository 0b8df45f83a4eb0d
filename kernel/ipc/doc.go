// SPDX-License-Identifier: Apache-2.0

// Package ipc is who talks to whom: endpoints, the threads that call and receive
// there, and whose time a thread runs on meanwhile. It knows threads, processes and
// endpoints by their numbers and moves no message: package core does that, and the
// scheduling, as this package says. So all of it runs under go test.
//
// # A call
//
// A thread is a [Party] in one of four states. It is Idle; it is Sending, while its
// call waits at an endpoint for a receiver; it is Calling, from when somebody has
// received the call until the answer; it is Receiving. A call ends in exactly one
// way: by the answer, by an error of its own (a deadline, a signal before it was
// received), or because nobody can answer any more (the process that received it, or
// the last handle to receive by, is gone).
//
// A receiver is told a token of each call: the caller's number and how many calls it
// has made. It is good for one answer, by any thread of the process that received
// the call; nobody else's token names anything. Rejected: reply capabilities in the
// table of handles (seL4's reply objects, Mach's send-once rights): a token needs no
// memory that could run out and nothing to be closed.
//
// Receivers of an endpoint are served last come, first served, since the last one's
// memory is the warmest; callers first come, first served, those with a fixed priority before others
// and by it.
//
// # Lending
//
// What the scheduler schedules is an entity: priority, share, quota and account of a
// thread. Each thread has one, with the thread's number, and runs on it, but for
// this: who receives a call runs on the caller's entity until it answers or receives
// again. So a server's work has the priority of whom it works for and is on its bill,
// nobody has to compute priorities, and the scheduler isn't even told: the entity
// that it picked goes on. (Time-slice donation: B. Ford and J. Lepreau, "Evolving Mach
// 3.0 to a Migrating Thread Model", USENIX Winter 1994; scheduling contexts: A. Lyons
// et al., "Scheduling-Context Capabilities", EuroSys 2018.) A server that calls
// another lends on what was lent to it, up to MaxDepth times.
//
// Invariant: the threads with the same entity form a chain, each the client of the
// next; all but the last are Calling, and runs names the last. An entity is runnable exactly while that
// one is: core compares the two after each operation that changes a chain.
//
// When a client goes before it has its answer (a deadline, its death), Recall cuts
// the chain below it: what is below runs on the entity of its own first thread.
//
// A caller that must wait because all receivers are busy lends nothing yet; if it has
// a fixed priority, core raises the busy receiver's entity to it until that answers
// (Busy says whose).
//
// # Who may touch it
//
// The kernel lock guards all of it, with one exception, for calls that need no lock.
// A Party and an Endpoint have a home, a CPU that may change them without the lock,
// while it is out (docs/concurrency.md); who holds the lock and wants to look at one
// whose home is another CPU brings that one in first. A party's home is the CPU whose
// current thread it is, and stays so while it is parked by a call without lock; an endpoint's is
// where it was last called from, as long as nobody waits to be received there.
// [System.Call], [System.AnswerReceive] and [System.ParkNow] are those calls' part here.
package ipc
