//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"loam/abi"
	"loam/kernel/exception"
	"loam/kernel/signal"
	"loam/kernel/space"
	"loam/machine/metal"
)

// faultOf says at which address a page fault was, and what the program wanted there.
func faultOf(c *metal.Context) (at uint64, access space.Prot) {
	access = space.Read
	switch {
	case c.Err&exception.FaultUser == 0:
		// The processor, not the program, made this access. QEMU's far return
		// and IRET read the stack so, and SMAP forbids it: no page would do.
		access = none
	case c.Err&exception.FaultFetch != 0:
		access = space.Exec
	case c.Err&exception.FaultWrite != 0:
		access = space.Write
	}
	return c.CR2, access
}

// exceptionOf gives the signal for an exception that is no page fault.
func exceptionOf(c *metal.Context) abi.Siginfo {
	return exception.SignalAMD64(c.Vector, c.RIP, c.FPU())
}

// trace is what the last exception left behind, for the frame of its signal.
type trace = signal.FaultAMD64

func traceOf(c *metal.Context) trace {
	t := trace{Trapno: c.Vector, Err: c.Err}
	if c.Vector == exception.PageFault {
		t.CR2 = c.CR2
		if c.CR2 >= abi.UserLimitAMD64 { // what the kernel has mapped is nobody's business
			t.Err |= exception.FaultPresent
		}
	}
	return t
}

// giveState has nothing to do: programs are entered with all their registers.
func (r *runner) giveState() bool { return false }
