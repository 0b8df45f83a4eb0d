// SPDX-License-Identifier: Apache-2.0

// Package streams is standard input, output and error of a machine's program for who serves it: three
// streams that lead to loam's own on the host, each by itself, binary and with back-pressure,
// and the terminal that some of them may be.
//
//	s, err := streams.Open(ipc.Endpoint(object.Given(0)))    // `uses` of a service `system streams`
//	n, eof := s.In.TryRead(p)       // 0: nothing now
//	n := s.Out.TryWrite(p)          // less: no room now
//	s.In.OnReady(func() { ... })    // called when that has changed
//	n, err = s.In.Read(p)           // these wait
//	n, err = s.Err.Write(p)
//
// TryRead and TryWrite copy from and to memory that is shared with the driver (package ring), and make
// a call only where it waits: a notification signalled. They don't wait, and neither do Ready and
// Terminal. All may be called from any goroutine.
//
// What OnReady is given is called from a goroutine of the package's own (or by who calls Wake: OpenWith), after a TryRead that gave 0,
// a TryWrite that gave less than it was given, or a Ready that was false; once for each at most. It may
// call everything here that doesn't wait. A stream that is broken for good is ready: Err says why.
//
// # The driver's death
//
// The rings and this side's positions in them outlive the driver. A new instance takes the device over
// from where the last one stopped (package streamd), so nothing is lost or doubled; until
// it is there, streams are full and empty. Who waits waits on. When the driver has ended for
// good, reads and writes fail with ErrEnded.
//
// # The end of stdin
//
// The host says after how many bytes stdin ends, by the way of messages, which may be faster than
// the bytes: it has ended when so many have been read.
//
// # Terminals
//
// The terminal is the host's own, with its line discipline: attributes are asked from and set at
// the host (Attributes, SetAttributes), and what its keys for signals do comes as an Event. Terminal
// says which streams are one; it is known when Open returns.
package streams
