// SPDX-License-Identifier: Apache-2.0

// Package sockets is how programs reach the network: what the network's server (package netd) serves, and its
// client. It has no part of a network stack in it: who asks for sockets isn't made larger by one.
//
//	client ── Sockets: a call for each thing ──► netd ── gVisor's netstack ── virtio/net ── device
//	       ◄── events: a word of memory a socket, and a notification ──
//
// # Nothing waits
//
// Each call answers at once, EAGAIN or EINPROGRESS where a program would wait. So a client that answers others, as
// the Linux personality does under its lock, makes calls as it likes, and what waits is a record of its
// own. When an event begins the client is signalled, once for all its sockets, and finds in memory which of them have
// something: it asks nothing that has no answer.
//
// A word of the events is set by netd alone. A bit that is set may be too many, never too few: it is
// cleared by a call that looks at the socket (Send, Receive, Accept, Connect), after which the word
// is what is true then. So EAGAIN comes with the bit cleared, and the next event signals again. The word also
// counts events, so that a client finds the sockets that have something new, as an edge-triggered epoll wants it.
//
// # Sizes
//
// A message carries 60 KiB of data. A session has 4,096 sockets at most, so that its events are 16 KiB, and a socket
// 2 MiB each way at most. Netd pays for them, from what its manifest's limit leaves: where that ends there are fewer sockets
// (ENOBUFS) with smaller buffers.
//
// # Ends
//
// When a client dies its sockets are reset. When netd dies, a call that it had received ends with ECONNRESET, Watch
// above all, and each one with a number of its session with EBADF: connections have ended, as by a reset. The client attaches
// again, and makes listeners again: socket, options, bind, listen. A peer of an old connection gets a
// reset from the next instance with the next thing that it sends; the client has it send something (Disown), for
// it may be the peer that waits.
//
// # Rejected
//
//   - A goroutine, or a kept request, for each call that waits: the personality has records for that already,
//     which signals can end.
//   - Rings of data in shared memory, one each way for a socket: no call for a byte, but 4,096 mappings,
//     or memory that is parted beforehand. A call of words and 60 KiB of bytes is what the personality's own
//     programs pay for a read.
//   - An endpoint for each socket: handles for each, which the kernel would count and revoke.
package sockets
