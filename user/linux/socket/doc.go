// SPDX-License-Identifier: Apache-2.0

// Package socket is the unix sockets of a sandbox: streams, datagrams and packets in sequence,
// between sockets of one server.
//
// Like package poll it is a state machine under the server's lock: nothing waits. What can't go on
// answers lx.Wait, and who asked joins Queue (and Room of the socket that a datagram goes to) and asks
// again.
//
// # Data
//
// A socket has a list of messages that came. One of a stream is joined to the last if nothing but
// bytes goes with it. What a sender has under way counts against its own limit, in bytes
// that were not yet received; of datagrams there are as many as Linux lets there be.
//
// # Differences from Linux
//
// A stream takes as many bytes as its limit says, since there is no other cost to a message here. There
// is no out-of-band data (EOPNOTSUPP). Sockets that are sent over each other in a circle, and that
// nobody else has, are kept.
//
// Sources: unix(7), socket(7), recv(2), send(2), and net/unix/af_unix.c of Linux 6.12 for which error
// comes first.
package socket
