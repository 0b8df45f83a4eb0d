//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"loam/abi"
	"loam/kernel/space"
	"loam/machine/metal"
)

// The mmap family: package space does all of it. When only the kernel's reserve
// is left, what may need tables of mapped pages is refused: they are the kernel's
// memory. A new mapping needs none before it is touched; whoever touches it then
// ends for lack of memory, and doesn't see an error in one case out of ten.

// piece is the result of a call that may have to go on with another piece. The
// thread then makes it again before it does anything else; others may run in
// between, and interrupts come.
func (r *runner) piece(v uint64, e abi.Errno) uint64 {
	if e == space.More {
		r.unfinished()
	}
	return valueOr(v, e)
}

// low reports that the current thread may not begin to map anything. A call that
// has begun goes on: part of it is done.
func (r *runner) low() bool { return k.frames.Low() && !r.t.memory.Pending() }

// sysMmap: address, length, protection, flags, descriptor, offset.
func sysMmap(r *runner, c *metal.Context) uint64 {
	if (c.Arg3()&abi.MAP_ANONYMOUS == 0 || c.Arg3()&abi.MAP_TYPE == abi.MAP_SHARED) && r.p.forward.endpoint != 0 {
		return r.forward(c)
	}
	addr, e := r.as.MMap(&r.t.memory, abi.UserAddr(c.Arg0()), c.Arg1(), c.Arg2(), c.Arg3(), c.Arg5())
	return r.piece(uint64(addr), e)
}

func sysMunmap(r *runner, c *metal.Context) uint64 {
	return r.piece(0, r.as.MUnmap(&r.t.memory, abi.UserAddr(c.Arg0()), c.Arg1()))
}

func sysMprotect(r *runner, c *metal.Context) uint64 {
	if r.low() {
		return abi.ENOMEM.Result()
	}
	e := r.as.MProtect(&r.t.memory, abi.UserAddr(c.Arg0()), c.Arg1(), c.Arg2())
	if e == 0 && c.Arg2()&abi.PROT_EXEC != 0 {
		r.codeChanged(true)
	}
	return r.piece(0, e)
}

func sysMadvise(r *runner, c *metal.Context) uint64 {
	return r.piece(0, r.as.MAdvise(&r.t.memory, abi.UserAddr(c.Arg0()), c.Arg1(), c.Arg2()))
}

// sysMremap: address, old length, new length, flags, new address.
func sysMremap(r *runner, c *metal.Context) uint64 {
	if r.low() {
		return abi.ENOMEM.Result()
	}
	addr, e := r.as.MRemap(&r.t.memory, abi.UserAddr(c.Arg0()), c.Arg1(), c.Arg2(), c.Arg3(), abi.UserAddr(c.Arg4()))
	return r.piece(uint64(addr), e)
}

func sysBrk(r *runner, c *metal.Context) uint64 {
	addr, e := r.as.Brk(&r.t.memory, abi.UserAddr(c.Arg0()))
	if e != space.More {
		e = 0 // brk has no errors: it answers where the heap ends
	}
	return r.piece(uint64(addr), e)
}

func sysMincore(r *runner, c *metal.Context) uint64 {
	return r.piece(0, r.as.MinCore(&r.t.memory, abi.UserAddr(c.Arg0()), c.Arg1(), abi.UserAddr(c.Arg2())))
}
