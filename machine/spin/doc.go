// SPDX-License-Identifier: Apache-2.0

// Package spin is the lock of the machine floor and of the kernel: a word that
// one CPU has and the others wait for, busily and with interrupts off. The rules
// for its use, and the rank of each lock, are in docs/concurrency.md.
//
// It is test-and-test-and-set with back-off. Rejected: tickets and queues (MCS,
// CLH), which are fair: on a virtual machine the host takes CPUs away at any
// moment, and a fair lock is then handed to a waiter that isn't running while
// others that are go on waiting. What fairness is for, no starvation, comes here
// from what the holders do: they leave for user mode, which takes far longer
// than a waiter needs to see the lock free.
//
// A kernel built with the tag loamcheck checks, at each Lock, that the CPU holds
// only locks of lower rank, and at each Unlock that the CPU has the lock. A
// breach ends the machine.
package spin
