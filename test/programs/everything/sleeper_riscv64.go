// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"syscall"

	rv "loam/test/rv64"
)

// sleeperCode sleeps again and again for the time at its first argument.
var sleeperCode = rv.Join(
	[]uint32{rv.MV(rv.S0, rv.A0)},
	rv.Loop([]uint32{rv.MV(rv.A0, rv.S0)}, rv.LI(rv.A1, 0), rv.Call(syscall.SYS_NANOSLEEP)),
)
