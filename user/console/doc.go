// SPDX-License-Identifier: Apache-2.0

// Package console is a driver in user mode for a serial port of the 16550 kind: behind
// I/O ports on a PC, behind registers in memory on RISC-V's virt. It serves an
// endpoint, the interface Console. The kernel leaves the port to who has its
// ports, or its registers; its panics appear there in any case.
//
// Source: National Semiconductor, PC16550D datasheet, June 1995, section 8.
package console
