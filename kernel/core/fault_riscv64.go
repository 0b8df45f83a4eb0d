//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"loam/abi"
	"loam/kernel/exception"
	"loam/kernel/signal"
	"loam/kernel/space"
	"loam/machine/metal"
	"loam/machine/riscv64"
)

// faultOf says at which address a page fault was, and what the program wanted there.
func faultOf(c *metal.Context) (at uint64, access space.Prot) {
	switch c.Vector {
	case riscv64.CauseFetchPage:
		access = space.Exec
	case riscv64.CauseStorePage:
		access = space.Write
	default:
		access = space.Read
	}
	return c.Addr, access
}

// exceptionOf gives the signal for an exception that is no page fault.
func exceptionOf(c *metal.Context) abi.Siginfo {
	return exception.SignalRISCV64(c.Vector, c.PC())
}

// trace is what the last exception left behind, for the frame of its signal.
type trace = signal.FaultRISCV64

func traceOf(*metal.Context) trace { return trace{} }

// giveState gives the current thread the registers of floating point and vectors, if it may only be that
// it was entered without them what made its instruction illegal.
func (r *runner) giveState() bool {
	return r.c.Vector == riscv64.CauseIllegal && r.cpu.GiveState(r.c)
}
