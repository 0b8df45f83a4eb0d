// SPDX-License-Identifier: Apache-2.0

// Package poll is what can be waited for in a sandbox: queues of those who wait, pipes,
// eventfds and epolls.
//
// It is a state machine, as the kernel's package of that name is for processes without a
// personality. Nothing in it waits, starts a goroutine, or locks: one lock of the
// server's guards all of it. An operation that can't go on answers lx.Wait, and whoever
// asked joins the file's Queue and asks again when it is told of a change.
//
// # Readiness
//
// A file says by Events which of the EPOLL bits hold now, and tells its queue whenever some may
// have begun to hold (Queue.Tell). Listeners are blocked calls and the items of epolls.
//
// An item that is told goes to its epoll's ready list. That is a hint: Epoll.Take asks the file
// again, drops the item if nothing holds any more, puts a level-triggered one back at the
// list's end so that everybody gets a turn, and leaves an edge-triggered one out. Each
// write to a pipe or an eventfd is an edge, also where there was something before, as on
// Linux.
//
// # Differences from Linux
//
// How deep epolls are that watch this one isn't looked at, when it watches another: only how deep those are that it
// comes to watch. All who wait for a file are told, not one
// (EPOLLEXCLUSIVE is accepted, and means nothing). No packets in pipes (O_DIRECT).
//
// Sources: epoll(7), epoll_ctl(2), eventfd(2), pipe(7), poll(2).
package poll
