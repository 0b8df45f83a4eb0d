// SPDX-License-Identifier: Apache-2.0

// Package vdso makes the page of code by which a program reads the clock
// without a call into the kernel: what Linux's vDSO is to a libc or to Go's
// runtime (vdso(7); runtime/vdso_linux.go), and found the same way, by
// AT_SYSINFO_EHDR in the auxiliary vector.
//
// # What a process sees
//
// Two pages side by side, the same frames in every process: data, readable,
// and behind it text, readable and executable, an ELF image of one page with
// the names and the version that Linux gives them. The kernel writes both once at
// start. The clock is the processor's counter (time stamp counter on amd64, time
// on riscv64), scaled by what Data holds, by the same formula as the kernel's own
// (metal.Now), so that the two ways never disagree. Clocks other than
// CLOCK_REALTIME and CLOCK_MONOTONIC go on to the call.
//
// On riscv64 the image is more than a faster way: a signal's handler returns to
// its rt_sigreturn, for no program there brings one of its own. The other names
// are calls.
//
// # Why by hand
//
// The code must run at any address and reach the data page by a distance, for
// which the Go assembler has no words; it is some 20 instructions.
//
// Rejected: gettimeofday and time besides on amd64 (Go and musl ask for
// clock_gettime only); a sequence count around the data (nothing changes it after
// start); a fence before RDTIME (Linux has none: time only has to be right to a
// tick, which is longer than any hart looks ahead).
package vdso

import "encoding/binary"

// PageSize is the size in bytes of each of the two pages.
const PageSize = 4096

// Data is what the data page holds, from its start.
type Data struct {
	Scale uint64 // ns = counter * Scale >> 32, since power-on
	Wall  int64  // Unix time in ns at power-on
}

// Offsets in the data page, in bytes.
const (
	scaleAt = 0
	wallAt  = 8
)

// Put writes d to the start of the data page.
func (d Data) Put(page *[PageSize]byte) {
	binary.LittleEndian.PutUint64(page[scaleAt:], d.Scale)
	binary.LittleEndian.PutUint64(page[wallAt:], uint64(d.Wall))
}
