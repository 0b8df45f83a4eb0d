// SPDX-License-Identifier: Apache-2.0

// Package initd is init, the first process of a machine with services: it has the
// rights that the kernel gives at boot, starts the others with the few that each
// needs, and starts them again when they die. docs/init.md tells how it is used;
// the programs of the system image call Run.
//
// # Parts
//
//   - The manifest (package internal/manifest) says what to run, and the program list
//     (package internal/proglist) what runs; the host knows both.
//   - The life of a service (life.go) is a state machine without clock, kernel or
//     goroutine. Events go in with the time, out comes what to do; so all of it is
//     tested with a time of the test's own.
//   - The loop (run.go) is one goroutine that waits for one notification, whose bits
//     are what can happen: a call waits for a service, a process has ended, the
//     host asks. The next thing to be done at a time is its deadline.
//
// # Endpoints outlive who serves them
//
// init makes each endpoint and keeps a handle to it with all rights, as long as
// the service may come back. So a call to a service that is dead, or that was never
// started, waits in the endpoint and is received by the next instance; what the dead
// one had received is answered ECONNRESET by the kernel. When a service does not
// come back, init gives up the right to receive, and callers get ECONNREFUSED.
//
// Rejected: an endpoint made by each instance, with a name service to find the
// newest (every client would have to look again, and a call between two instances
// would fail); init as a relay of first calls (a message would be copied by a process
// that has no business to see it).
//
// What is made of the machine's devices (interrupts, ports, memory for DMA) init
// makes once and keeps, too: a device that still writes to the memory of a driver
// that is dead writes to nobody else's. When a service has ended for good, all of it but
// that memory goes, and so the kernel has its console back.
//
// init itself serves the program list (programs.go) to services that use the endpoint
// "init": the same that the host gets.
package initd
