// SPDX-License-Identifier: Apache-2.0

// Package netd is the network's server: a network device under a TCP/IP stack, gVisor's netstack
// (gvisor.dev/gvisor/pkg/tcpip), whose sockets it serves to clients (package sockets).
//
//	client ── sockets.Sockets ──► server.go ── session.go ── socket.go ── netstack
//	                                                                        │ stack.go
//	network ◄── device ◄── vnet.Card ◄──────────── link.go ─────────────────┘
//	                                                 └── dhcp.go
//
// It is the program `net` (user/net), which run.go is the begin of: a service that is started by the first call.
//
// # The link
//
// link.go is netstack's link endpoint over a card (user/virtio/net). Packets that find no room in the transmit queue
// wait, 512 and 2 MiB at most, and go when the device has taken some; beyond that they are dropped, as by a network. A checksum
// that the sender has left to be computed is computed when the frame comes, and then
// checked by netstack like all others: no frame is believed because somebody says so.
//
// Netstack's way of a packet is long, some 20,000 instructions, and the same for one of 60 KiB. So segments of a stream
// that come one behind the other are put together below it, and of acknowledgments the last is enough (together.go); and
// it sends packets of up to 32 KiB, which the device cuts if it offers that for IPv4 and IPv6, else cut.go.
//
// Of a device that offers several pairs of queues four are used, for its sake: here one thread serves them all. Packets of one stream
// go by one pair.
//
// # One thread
//
// The receiver of calls hears of interrupts, too, and handles both itself: frames, 64 at a time, into the stack. What the stack
// does with goroutines of its own (TCP's segments above all) runs on the same thread before that waits again
// (ipc.Server.Yields), since Go has one place here. With a place for each that waits, a packet's way went over five threads that
// woke each other, and cost three times as much on one CPU and more on several.
//
// Sending is from whatever goroutine the stack has: link.mu is the card's. It is taken below the stack's own locks, and
// nothing is taken below it; so the stack is never called with it held.
//
// # Addresses
//
// An IPv4 address comes by DHCP (RFC 2131): asked four times within 7.5 s, extended at half its time,
// given up at its end or when a server refuses. Its messages are frames beside the stack, which can't send
// without an address. Where no server answers there is what the start of the server was given, if
// anything. IPv6 addresses come by router advertisements (RFC 4862, 8106); four routers and four servers of names are
// remembered at most. Netstack answers echo requests.
//
// # Sockets
//
// Each socket has a word in memory that its client reads. Netstack tells of an event with locks held, so its state
// can't be asked for then: the event is added to the word, and a call that looks at the socket computes it
// anew (socket.look). A count of events tells it whether one has begun meanwhile, so that none is lost.
//
// # Memory
//
// What sockets may hold is reserved before it is used (memory.go, charge.go): an account has half of what the manifest's limit of
// pages leaves, the other half is for garbage and buffers that are filled in part. A socket begins with 32 KiB each way, or
// less where little is left, 8 KiB at least, and doubles a buffer that it fills, as long as half of the account is left for
// others. A closed one stays charged until the stack has nothing of it any more; it is ended for a new one, and when its peer
// has said nothing for 4 minutes.
// Netstack's own growth of buffers is off, for it knows no sum. It counts the bytes of datagrams alone, so that empty ones would
// have no bound: 128 wait at a port (datagrams.go). Pieces of datagrams have bounds of its own, 4 MiB for each family.
//
// Locks, in order: server.mu; session.mu, network.mu; socket.charges; netstack's; socket.mu, account.mu and datagrams.mu, under which
// nothing is taken.
//
// # Costs
//
// Bulk TCP through the device, in instructions of all programs and the kernel together, of a machine of one CPU: 6,300 for a KiB
// that comes and 5,300 for one that goes, in frames of 1,500 bytes; 23,800 and 33,100 without what together.go and
// cut.go do and with four places. 1,000 bytes there and back cost 106,000, in 17 changes of process and 32 calls of the
// kernel; more than half of that is netstack's.
//
// Netstack alone, a byte there and one back over TCP on its own loopback, with goroutines that block (adapters/gonet), one
// CPU of a busy host: 24 to 30 us of CPU time, against 32.8 us of Linux's loopback, system calls among them, in instructions
// counted as ns. With the messages that a personality's call takes besides it would be slower than Linux: loopback of a sandbox
// is the personality's own affair (user/linux/inet), and doesn't come here.
//
// A static program with netstack, TCP, UDP, IPv4, IPv6 and ICMP has 5.0 MB (amd64) and 4.7 MB (riscv64), one with fmt
// alone 1.6 MB. The system image has 3.7 MB: so this is a program of its own, as the runner of
// modules is, which only machines with a network carry. A stack is made in 0.3 to 4 ms of a busy host.
//
// # Rejected
//
//   - nclient4 of the DHCP library: it doesn't build where netd's tests do (macOS) and wants packet sockets of Linux. Its
//     messages (dhcpv4) are used.
//   - Believing checksums that the device says it has checked: netstack has one switch for the whole interface.
//   - Capturing packets here: QEMU does it (filter-dump), also what this program loses and while it is down.
//
// # Next
//
//   - Addresses of packets that came (IP_PKTINFO), multicast groups.
package netd
