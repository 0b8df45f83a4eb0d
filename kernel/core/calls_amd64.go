//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"loam/abi"
	"loam/machine/metal"
)

// What differs between architectures in calls. The order of clone's last two
// arguments is that of CONFIG_CLONE_BACKWARDS on riscv64, and not here.

func cloneTLS(c *metal.Context) uint64      { return c.Arg4() }
func badTLS(v uint64) bool                  { return v >= abi.UserLimitAMD64 }
func cloneChildTID(c *metal.Context) uint64 { return c.Arg3() }

// inherit copies the registers of the caller of clone to the new thread, which
// returns 0 from the same call.
func inherit(child, c *metal.Context) {
	root := child.Root
	copy(child.FPU(), c.FPU())
	child.R15, child.R14, child.R13, child.R12 = c.R15, c.R14, c.R13, c.R12
	child.RBP, child.RBX, child.R10, child.R9, child.R8 = c.RBP, c.RBX, c.R10, c.R9, c.R8
	child.RDX, child.RSI, child.RDI = c.RDX, c.RSI, c.RDI
	child.RIP, child.RCX = c.RIP, c.RIP
	child.RFLAGS, child.R11 = c.RFLAGS, c.RFLAGS
	child.RSP, child.FSBase, child.GSBase = c.RSP, c.FSBase, metal.UserGSBase()
	child.RAX, child.OrigRAX = 0, ^uint64(0)
	child.Root = root
	child.Full = 1
}

func sysArchPrctl(r *runner, c *metal.Context) uint64 {
	switch c.RDI {
	case abi.ARCH_SET_FS, abi.ARCH_SET_GS:
		if c.RSI >= abi.UserLimitAMD64 {
			return abi.EPERM.Result()
		}
		if c.RDI == abi.ARCH_SET_FS {
			c.FSBase = c.RSI
		} else {
			metal.SetUserGSBase(c.RSI)
		}
		return 0
	case abi.ARCH_GET_FS, abi.ARCH_GET_GS:
		v := c.FSBase
		if c.RDI == abi.ARCH_GET_GS {
			v = metal.UserGSBase()
		}
		var b [8]byte
		putWord(b[:], v)
		return r.put(c.RSI, b[:])
	}
	return abi.EINVAL.Result()
}
