//go:build loam && amd64

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"loam/abi"
	"loam/kernel/space"
	"loam/machine/metal"
)

// The mmap family: package space does all of it. When only the kernel's reserve
// is left, nothing is mapped any more: the tables that describe mappings are
// the kernel's memory.

// memoryCall is the call of the mmap family that is being made: all of its
// pieces, one after the other.
var memoryCall space.Call

// sysMmap: address, length, protection, flags, descriptor, offset.
func sysMmap(r *runner, c *metal.Context) uint64 {
	if k.frames.Low() {
		return abi.ENOMEM.Result()
	}
	for {
		addr, e := r.as.MMap(&memoryCall, abi.UserAddr(c.RDI), c.RSI, c.RDX, c.R10, c.R9)
		if e != space.More {
			return valueOr(uint64(addr), e)
		}
	}
}

func sysMunmap(r *runner, c *metal.Context) uint64 {
	for {
		if e := r.as.MUnmap(&memoryCall, abi.UserAddr(c.RDI), c.RSI); e != space.More {
			return e.Result()
		}
	}
}

func sysMprotect(r *runner, c *metal.Context) uint64 {
	if k.frames.Low() {
		return abi.ENOMEM.Result()
	}
	for {
		if e := r.as.MProtect(&memoryCall, abi.UserAddr(c.RDI), c.RSI, c.RDX); e != space.More {
			return e.Result()
		}
	}
}

func sysMadvise(r *runner, c *metal.Context) uint64 {
	for {
		if e := r.as.MAdvise(&memoryCall, abi.UserAddr(c.RDI), c.RSI, c.RDX); e != space.More {
			return e.Result()
		}
	}
}

// sysMremap: address, old length, new length, flags, new address.
func sysMremap(r *runner, c *metal.Context) uint64 {
	if k.frames.Low() {
		return abi.ENOMEM.Result()
	}
	for {
		addr, e := r.as.MRemap(&memoryCall, abi.UserAddr(c.RDI), c.RSI, c.RDX, c.R10, abi.UserAddr(c.R8))
		if e != space.More {
			return valueOr(uint64(addr), e)
		}
	}
}

func sysBrk(r *runner, c *metal.Context) uint64 {
	for {
		if addr, e := r.as.Brk(&memoryCall, abi.UserAddr(c.RDI)); e != space.More {
			return uint64(addr)
		}
	}
}

// sysMincore looks at each page, with interrupts off: not at too many in one
// call. EAGAIN is what the manual has for a kernel that can't just now.
func sysMincore(r *runner, c *metal.Context) uint64 {
	const most = 4 << 30
	if c.RSI > most && c.RSI < abi.UserLimitAMD64 {
		return abi.EAGAIN.Result()
	}
	for {
		e := r.as.MinCore(&memoryCall, abi.UserAddr(c.RDI), c.RSI, abi.UserAddr(c.RDX))
		if e != space.More {
			return e.Result()
		}
	}
}
