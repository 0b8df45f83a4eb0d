// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"syscall"

	"loam/abi"
	rv "loam/test/rv64"
)

// filler is a program: it maps as many pages as its first argument says at
// 0x10000000, small ones, touches them, signals the notification that is its second,
// and waits for ever.
var filler = rv.Join(
	[]uint32{rv.MV(rv.S0, rv.A0), rv.MV(rv.S1, rv.A1)},
	rv.LI(rv.S2, 0x1000_0000),
	[]uint32{rv.MV(rv.A0, rv.S2), rv.SLLI(rv.A1, rv.S0, 12)},
	rv.LI(rv.A2, syscall.PROT_READ|syscall.PROT_WRITE),
	rv.LI(rv.A3, syscall.MAP_PRIVATE|syscall.MAP_ANON|syscall.MAP_FIXED),
	rv.LI(rv.A4, 1<<64-1),
	rv.LI(rv.A5, 0),
	rv.Call(syscall.SYS_MMAP),
	rv.LI(rv.A2, 15), // MADV_NOHUGEPAGE, of what the call gave
	rv.Call(syscall.SYS_MADVISE),
	rv.LI(rv.T0, 4096),
	[]uint32{
		rv.SB(rv.T0, rv.S2, 0), // of each page
		rv.ADD(rv.S2, rv.S2, rv.T0),
		rv.ADDI(rv.S0, rv.S0, -1),
		rv.BNE(rv.S0, rv.Zero, -12),
		rv.MV(rv.A0, rv.S1),
	},
	rv.LI(rv.A1, 1),
	rv.Call(abi.CallNotificationSignal),
	rv.Loop(rv.Call(syscall.SYS_PPOLL, 0, 0, 0, 0)),
)
