// SPDX-License-Identifier: Apache-2.0

// Package tty is pseudo terminals (pty(7)): two ends, and between them what Linux calls the line discipline
// N_TTY (termios(3)): lines that are edited, echoes, keys that send signals, flow control.
//
//	master.Write ─► slave.arriving ─► receive (input.go) ─► slave.text ─► slave.Read
//	                                     │ echo.go
//	master.Read ◄─ master.text ◄─ master.arriving ◄─ output.go ◄─ slave.Write
//
// Both ends are a Line. The master's has attributes by which nothing is done to bytes, and nobody can change them: those
// that a program sets by either end are the slave's. What arrives is looked at as soon as there is room for it,
// in the call that wrote it, so there is no time in which it is on its way.
//
// # Sources
//
// termios(3), ioctl_tty(2), pty(7); POSIX.1-2017, chapter 11. Where they leave something open, what Linux is seen to do:
// TestDifferTerminals of package linux makes the same calls of both.
//
// # What isn't here
//
// Job control, of which a Line knows nothing but whom to tell of its keys (Signal), waiting, which is the server's, and EXTPROC.
package tty
