// SPDX-License-Identifier: Apache-2.0

// Package poll is the descriptor world of a process that has no personality
// server: the three standard streams, eventfd, pipe and epoll, which is what a
// Go runtime's poller needs before anything else exists. A process with a
// personality has all its descriptors there and never comes here.
//
// It is a state machine. Operations never wait and never call back: one that
// can't go on answers blocked; the caller then parks the thread with Wait and
// repeats the operation when the thread is woken. What an operation wakes is
// collected in the System; the caller takes the threads out with NextWoken
// before it returns to user mode. All of it is in tables made once, linked by
// index: files, pipes with their buffers, epoll entries, one wait node for each
// thread. Nothing is allocated after New, and what a process can take of the
// tables is limited per process.
//
// # Objects
//
// A Table maps descriptors to files. A file is what Linux calls an open file
// description: dup shares it, and it ends with its last descriptor. It has a
// list of waiting threads and a list of watches: the epoll entries on it. An
// epoll file has besides a list of its watches and a list of those that may be
// ready.
//
// # Readiness
//
// Whatever may make a file ready calls notify, which puts the file's watches on
// their epolls' ready lists, and wakes waiters. An entry on a ready list is a
// hint: epoll_wait asks the file again, drops the entry if nothing is there,
// and puts a level-triggered one back at the end of the list, so that everybody
// gets a turn. Edge triggering is that it isn't put back.
//
// # Differences from Linux
//
// An epoll can't watch an epoll (ELOOP). Threads that wait on a file are all
// woken, not one. When a file is closed while threads wait on it, they are woken
// and find EBADF. A pipe's capacity is fixed, O_DIRECT pipes don't exist. There
// are no ioctls.
//
// Nothing here locks; the owner of the System guards it. Sources: epoll(7),
// epoll_ctl(2), eventfd(2), pipe(7), fcntl(2).
package poll
