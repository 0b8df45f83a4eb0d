// SPDX-License-Identifier: Apache-2.0

// Package linux is the personality of Linux: descriptors and files for the processes of one
// sandbox, whose Linux calls the kernel forwards (abi.CallProcessForward). It is the program
// `system linux`.
//
//	kernel ── call ──► receiver (run.go) ──► Server.Handle ──► a handler of table.go
//	                                             │   ├─ fd       numbers for open files
//	                                             │   ├─ poll     pipes, eventfds, epolls, who waits for them
//	                                             │   ├─ socket   unix sockets
//	                                             │   ├─ inet     TCP and UDP, what interfaces there are ── user/netd
//	                                             │   ├─ lock     locks of parts of files
//	                                             │   ├─ tty      pseudo terminals
//	                                             │   └─ vfs      paths, mounts ── tmpfs, hostfs, /dev, /proc
//	                                             └─ lx           Linux's numbers and layouts
//
// Its handles are those of these lines: the endpoint where init has programs adopted, and those of the
// folders that are mounted, in the order of the numbers of the arguments.
//
//	service linux
//	  system linux
//	  args mount=0:/work mount=1:/data:ro   # memory=64: MiB that files in memory take at most
//	  provides linux
//	  uses folder0
//	  uses folder1
//	program
//	  under linux
//
// With the argument streams, standard streams are those of the console streams' driver, whose
// endpoint (`uses streams`) is behind those of the folders; without, this process's own.
// The driver signals the thread that receives: who waits for a stream is looked after by it, and not by
// a goroutine that would have to wait for its place on the CPU.
//
// # Calls
//
// Threads receive, of which there is one most of the time. Server.Handle does a call, most often to its end, under the one lock of the
// server, and the thread answers it and receives the next in one system call, on the
// caller's time (package kernel/ipc). No goroutine is started and nothing is allocated for a call
// like fstat or read; the caller's memory is copied from and to directly.
//
// A call that must wait for something in the sandbox (a pipe's bytes, an epoll's events, a time)
// becomes a record, waiting, in the queues of what it waits for, and its token is kept. When something
// changes there it is done again from its start, with what it has written so far. A
// thousand readers are a thousand records, which are used again: to wait allocates nothing (waits.go).
//
// A call that must ask another server (a host's folder) is found out on the way: a node that can't
// answer at once says so before it changes anything (lx.Wait), and the call is done again, from its
// start, where it may wait: by the same thread, if another can receive meanwhile, of four; else by
// one of 16 goroutines. While one waits, it gives the lock away (vfs.Waiter); so
// others' calls go on, and what it held before may have changed when it comes back, but for the file
// that it is about.
//
// # Processes
//
// The kernel makes processes of others, gives them another space, and tells of their ends and stops
// (abi.CallProcessClone and the calls behind it). Who is whose child, groups, sessions, what is waited for,
// and what a program's memory consists of (package program) is decided here: tree.go, exec.go and calls_wait.go. Ids are
// the kernel's; what is about a process's own threads the kernel answers without asking here.
//
// # Ends
//
// A signal to who waits ends the call: EINTR, or made again where the handler wants that and Linux
// would. A process that ends has its descriptors closed and its calls forgotten. If this
// program ends, the kernel ends the processes, which nobody could answer any more, and says so.
//
// # What is here and what isn't
//
// docs/linux-personality.md has the calls, and where they differ from Linux's. What
// isn't known is ENOSYS, and counted (Server.Unknown).
//
// # Proof
//
// TestDiffer (and others for sockets, locks and so on) makes the same calls of chance of a server and of a Linux kernel, on a tree each, and
// compares all results, errors and memory. The table of descriptors has a model of its own; the other
// parts are tried through the server.
//
// # Rejected
//
//   - A goroutine for each call, or for each that waits: a switch of Go's scheduler costs as
//     much as a forwarded call does, twice; and what is lent would stay with the receiver.
//   - A lock for each table: calls of one sandbox that meet are rarer than the many locks
//     that each call would take. Several receivers are for when that is measured otherwise.
//   - State machines for what waits for other servers (package vfs).
//
// # Next
//
//   - Pings, IP_PKTINFO of what comes from beyond the sandbox, TCP_INFO of connections there.
//   - Sockets and routes in /proc/net, multicast on loopback, errors that IP_RECVERR has queued, raw sockets.
//   - Folders: a name costs a message or two to the host, each of which is a few changes of process.
//   - Limits of memory (RLIMIT_AS and its like) are only kept.
//   - /dev/vda for disks.
package linux
