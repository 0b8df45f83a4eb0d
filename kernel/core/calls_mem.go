//go:build loam && amd64

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"loam/abi"
	"loam/machine/metal"
)

// The mmap family: package space does all of it. When only the kernel's reserve
// is left, nothing is mapped any more: the tables that describe mappings are
// the kernel's memory.

// sysMmap: address, length, protection, flags, descriptor, offset.
func sysMmap(r *runner, c *metal.Context) uint64 {
	if k.frames.Low() {
		return abi.ENOMEM.Result()
	}
	addr, e := r.as.MMap(abi.UserAddr(c.RDI), c.RSI, c.RDX, c.R10, c.R9)
	return valueOr(uint64(addr), e)
}

func sysMunmap(r *runner, c *metal.Context) uint64 {
	return r.as.MUnmap(abi.UserAddr(c.RDI), c.RSI).Result()
}

func sysMprotect(r *runner, c *metal.Context) uint64 {
	if k.frames.Low() {
		return abi.ENOMEM.Result()
	}
	return r.as.MProtect(abi.UserAddr(c.RDI), c.RSI, c.RDX).Result()
}

func sysMadvise(r *runner, c *metal.Context) uint64 {
	return r.as.MAdvise(abi.UserAddr(c.RDI), c.RSI, c.RDX).Result()
}

// sysMremap: address, old length, new length, flags, new address.
func sysMremap(r *runner, c *metal.Context) uint64 {
	if k.frames.Low() {
		return abi.ENOMEM.Result()
	}
	addr, e := r.as.MRemap(abi.UserAddr(c.RDI), c.RSI, c.RDX, c.R10, abi.UserAddr(c.R8))
	return valueOr(uint64(addr), e)
}

func sysBrk(r *runner, c *metal.Context) uint64 {
	return uint64(r.as.Brk(abi.UserAddr(c.RDI)))
}

// sysMincore looks at each page, with interrupts off: not at too many in one
// call. EAGAIN is what the manual has for a kernel that can't just now.
func sysMincore(r *runner, c *metal.Context) uint64 {
	const most = 4 << 30
	if c.RSI > most && c.RSI < abi.UserLimitAMD64 {
		return abi.EAGAIN.Result()
	}
	return r.as.MinCore(abi.UserAddr(c.RDI), c.RSI, abi.UserAddr(c.RDX)).Result()
}
