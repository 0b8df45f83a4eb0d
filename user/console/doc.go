// SPDX-License-Identifier: Apache-2.0

// Package console is the console's driver in user mode: for a serial port of the 16550
// kind, behind I/O ports on a PC and behind registers in memory on RISC-V's virt; for
// a PC's VGA text screen; and for its PS/2 keyboard. It serves an endpoint, the
// interface Console. The kernel leaves a device to who has its ports or its registers;
// its panics appear there in any case.
//
//	console.go   the service: what is shown, what is typed
//	devices.go   what the driver was given, and which of it is there
//	uart.go      the serial port
//	screen.go    text on a screen and what has scrolled off it, without a device
//	vga.go       the screen's memory and its controller
//	keys.go      from scan codes to characters, without a device
//	ps2.go       the keyboard's controller
//	input.go     what has been typed and not been read
//
// What is shown goes to all devices; so does the kernel's log from where the kernel
// stopped showing it itself (abi.CallMachineLog). What is typed at any of them is one
// stream.
//
// Nothing is kept that a driver which is killed would take along: the next instance
// reads from the screen what is on it, and the kernel knows how far the log has been
// taken. What had been typed and not been read is lost, and what had scrolled off.
//
// Sources: National Semiconductor, PC16550D datasheet, June 1995, section 8. IBM,
// Personal System/2 and Personal Computer BIOS Interface Technical Reference, 1987, and
// Hardware Interface Technical Reference, 1988 (video subsystem; keyboard and auxiliary
// device controller).
package console
