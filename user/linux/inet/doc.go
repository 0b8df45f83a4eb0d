// SPDX-License-Identifier: Apache-2.0

// Package inet is the sockets of the internet's families of a sandbox: TCP and UDP over IPv4 and IPv6. Between
// sockets of one server they are all here, on a loopback interface with 127.0.0.0/8 and ::1; what is beyond the
// sandbox, if anything, is the network's server's (package sockets).
//
// Like package poll it is a state machine under the server's lock: nothing waits. What can't go on answers
// lx.Wait, and who asked joins Queue and asks again.
//
// # TCP without segments
//
// Two ends of a connection know each other. What one sends is in the other's ring at once, as are the end of what
// it sends and a reset; there are no segments, no timers and nothing to send again. States are those of RFC 9293,
// section 3.3.2, as Linux has them: what a call answers depends on them (tcp.go), and on what Linux calls the
// socket's state, phase here: a connection that was made without waiting is told by the next connect(2).
//
//	Connect ─► port.go: a port ─► host.go: who listens ─► both ends Established ─► the listener's queue
//	Shutdown, Close ─► tcpend.go: fin, reset ─► the other end's state, its queue told
//
// Back-pressure: a ring takes as much as its owner's receive buffer and the sender's send buffer say together. Room
// is told of only if somebody has found that there was none, and when a third is free, as by Linux: an edge-triggered
// epoll isn't woken for each byte that is read.
//
// # Ports
//
// A port has a list of the sockets that are bound to it (port.go): bound by a program, given by chance to who
// connects, and those of accepted connections. Who may have it besides follows from SO_REUSEADDR, SO_REUSEPORT and
// from which addresses the sockets cover: of IPv6's wildcard also those of IPv4.
//
// # Beyond the sandbox
//
// network.go has the session with the network's server, outside.go and its neighbours what sockets do there. A
// socket whose other end is beyond has one of the server's (outside), which has its bytes; its state here follows the
// server's events, which are words in memory: to look whether something has come asks nobody. Calls to the server
// answer at once, and are made with the lock held. Who listens at all addresses, or is bound there with UDP, has one
// of the server's besides what comes from the sandbox, in each session anew.
//
// A session begins when it is wanted. What needs to know of the network before (which address is the sandbox's, from
// which something is sent) is Unknown, and the call is made again when it is known. When the server dies connections
// are reset (Down), and the next session has the listeners again (Up).
//
//	dial, SendDatagram ─► address.go: route ─► beyond? ─► outside.go: the server's socket ─► events ─► Heard
//
// # Differences from Linux
//
// There is no TIME_WAIT: a port and a pair of addresses can be had again when both ends are closed. Urgent data is
// refused (EOPNOTSUPP). TCP_DEFER_ACCEPT and the options that are about segments and time (keep-alive, congestion)
// are kept and told, and mean nothing. A connection that doesn't fit into a listener's backlog is made when it does,
// and not at the next second that somebody tries again. Among sockets of SO_REUSEPORT each gets a connection or datagram in
// turn, where Linux goes by a hash. Addresses of multicast can't be joined.
//
// # Rejected
//
// A whole stack (gVisor's netstack) for loopback: it makes and takes apart segments, has goroutines and timers, and
// would be called with the server's lock held. What is beyond loopback has to be asked of another server anyway.
//
// Sources: RFC 9293, RFC 1122 section 4.2.2.13 (what arrives behind a close is answered by a reset), RFC 3493
// (IPv6 sockets), tcp(7), udp(7), ip(7), ipv6(7), socket(7).
package inet
