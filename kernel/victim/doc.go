// SPDX-License-Identifier: Apache-2.0

// Package victim decides which process is ended when the machine has no frame
// left for a page that a program touches.
//
// # The order
//
// Every process is a candidate that the memory of others may come from, but for
// essential ones (abi.ProcessEssential), those that are ending anyway, and those
// that have nothing. The one with the most memory goes first: the frames charged
// to it alone, its page tables and what it made memory objects of among them,
// those of its children not; what it shares with others (clones of memory objects)
// counts in full for each. Of two with the same the younger goes, which has
// less work to lose; each process has a number of its own in the order of their
// making, so that no two are equal: the same machine in the same state always
// chooses the same process.
//
// The largest and not the one that faults: who happens to touch the next page is
// as a rule not who has taken the others, and a small process gives back too
// little for anybody. One number and nothing else: a person who reads in the log
// that a process was killed can see in the same line why it was that one. Linux
// began with more (children's memory, run time, niceness, root's privilege: its
// badness up to 2.6.35), gave nearly all of that up for the memory that a process has (resident
// pages and page tables), and keeps an offset for each, of which the least means
// never: here it is a bit. Android's daemon has classes that an activity manager
// keeps up to date by what the user sees, and Fuchsia's kernel ends jobs that were
// marked for it; both presuppose a system above the kernel that knows what the
// user wants. When there is one, it can end processes itself before the kernel has
// to (abi.ProcessInfo tells what each has).
//
// Rejected: Linux's proportion of the limit of a group instead of frames (there
// are no groups; an account's limit is met by its own processes, as SIGBUS, not
// by others' deaths); killing a whole tree (a child may be all that a supervisor
// exists for, and a supervisor is to see how its child ended); asking the program
// first (it would have to act without memory).
//
// # Waiting
//
// What a process has comes back in pieces, between other threads' turns. The
// thread that wanted a page makes its access again and again meanwhile, each time
// after another piece; so it holds nothing that others wait for, and takes its
// turns like everybody. [Wait] bounds that: while something is coming back
// nobody else is chosen, but for no more pieces than all of memory would take, since
// others may take frames as quickly as they come. Time is no measure: a processor of
// a virtual machine that has to leave a dying space first may be waiting for the
// host, for seconds, and a second process would be ended for nothing.
//
// Sources: Linux mm/oom_kill.c (oom_badness, since 2.6.36) and
// Documentation/filesystems/proc.rst, 3.1 (oom_score_adj); Android, "Low memory
// killer daemon" (source.android.com); Fuchsia, ZX_PROP_JOB_KILL_ON_OOM of
// zx_object_set_property (fuchsia.dev).
package victim
