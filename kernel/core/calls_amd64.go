//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"loam/abi"
	"loam/kernel/signal"
	"loam/loader"
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
	copy(child.FPU(), c.FPU())
	child.R15, child.R14, child.R13, child.R12 = c.R15, c.R14, c.R13, c.R12
	child.RBP, child.RBX, child.R10, child.R9, child.R8 = c.RBP, c.RBX, c.R10, c.R9, c.R8
	child.RDX, child.RSI, child.RDI = c.RDX, c.RSI, c.RDI
	child.RIP, child.RCX = c.RIP, c.RIP
	child.RFLAGS, child.R11 = c.RFLAGS, c.RFLAGS
	child.RSP, child.FSBase, child.GSBase = c.RSP, c.FSBase, metal.UserGSBase()
	child.RAX, child.OrigRAX = 0, ^uint64(0)
	child.Full = 1
}

// inheritOf is inherit for a thread that isn't the current one.
func inheritOf(child, c *metal.Context) {
	inherit(child, c)
	child.GSBase = c.GSBase
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

// archCall reports whether a call that this architecture alone has is never forwarded.
func archCall(nr uint64) bool {
	return nr == abi.SYS_ARCH_PRCTL || nr == abi.SYS_PAUSE || nr == abi.SYS_TIME
}

// ownCalls are the calls that this architecture alone has, old ones mostly.
var ownCalls = [...]call{
	abi.SYS_TIME:         sysTime,
	abi.SYS_PAUSE:        sysPause,
	abi.SYS_ARCH_PRCTL:   sysArchPrctl,
	abi.SYS_DUP2:         sysDup2,
	abi.SYS_PIPE:         sysPipe,
	abi.SYS_EVENTFD:      sysEventfd,
	abi.SYS_EPOLL_CREATE: sysEpollCreate,
	abi.SYS_EPOLL_WAIT:   sysEpollWait,
	abi.SYS_POLL:         sysPoll,
	abi.SYS_OPEN:         sysNoEntry,
	abi.SYS_STAT:         sysNoEntry,
	abi.SYS_ACCESS:       sysNoEntry,
	abi.SYS_READLINK:     sysNoEntry,
}

// archKernel and archRunner are what this architecture has in kernel and runner.
type (
	archKernel struct{}
	archRunner struct{}
)

const (
	relocatedBase = 0x5555_5000_0000 // of position-independent programs; and a random number

	// Bits of random numbers of pages.
	topBits   = 28 // of the gap above the stack, and of relocatedBase
	guardBits = 22 // of the guard below it (Linux: the stack's distance to mappings)
)

// ownArch is which programs are loaded.
const ownArch = loader.AMD64

// maxFrame is the size of the largest frame of a signal.
func maxFrame() int { return signal.MaxFrameAMD64(metal.FPUSize()) }

func hwcap() uint64    { return 0 }
func minStack() uint64 { return abi.MINSIGSTKSZ }

// setUpArch is the part of setUp for this architecture.
func (k *kernel) setUpArch() {}

// What is stored as code the processor fetches by itself (SDM vol. 3A, 11.6).

func (r *runner) seeCode()          {}
func (r *runner) codeChanged(bool)  {}
func (r *runner) codeMapped(uint64) {}
