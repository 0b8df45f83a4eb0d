//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"loam/abi"
	"loam/kernel/memory"
	"loam/kernel/object"
	"loam/kernel/space"
	"loam/machine/metal"
)

// loamMemoryCreatePaged: size, endpoint, key, name, its length.
func loamMemoryCreatePaged(r *runner, c *metal.Context) uint64 {
	if c.Arg0()%abi.PageSize != 0 || c.Arg0() == 0 || c.Arg0() > memory.MaxPages*abi.PageSize {
		return abi.EINVAL.Result()
	}
	endpoint, e := r.object(c.Arg1(), abi.KindEndpoint, abi.RightWrite)
	if e != 0 {
		return e.Result()
	}
	header, name, e := r.newMemory(c.Arg3(), c.Arg4())
	if e != 0 {
		return r.noRoom(c, e)
	}
	i, e := k.memories.NewPaged(c.Arg0()/abi.PageSize, k.objects.Pages(r.p.objects.Account))
	if e == 0 {
		_, _, badge, _ := object.Look(r.handles(), abi.Handle(c.Arg1()))
		k.setPager(i, endpoint, c.Arg2(), badge)
	}
	return r.giveMemory(c, header, i, &name, e)
}

// loamMemorySupply: memory, offset, address, length.
func loamMemorySupply(r *runner, c *metal.Context) uint64 {
	i, e := r.memory(c.Arg0(), abi.RightManage)
	offset, addr, n := c.Arg1(), c.Arg2(), c.Arg3()
	switch {
	case e != 0:
		return e.Result()
	case (offset|n)%abi.PageSize != 0 || n > abi.MaxMessageBytes:
		return abi.EINVAL.Result()
	case offset > k.memories.Pages(i)*abi.PageSize || n > k.memories.Pages(i)*abi.PageSize-offset:
		return abi.EINVAL.Result()
	}
	for at := uint64(0); at < n; at += abi.PageSize {
		page := (offset + at) / abi.PageSize
		if !k.memories.Wanted(k.memories.HandleOf(i), page) {
			continue
		}
		b, e := r.as.View(abi.UserAddr(addr+at), abi.PageSize, space.Read)
		if e == 0 && len(b) < abi.PageSize { // it lies in two pages
			b = r.buf[:abi.PageSize]
			e = r.as.ReadUser(abi.UserAddr(addr+at), b)
		}
		if e != 0 {
			return e.Result()
		}
		if e := k.memories.Supply(i, page, b); e != 0 {
			return e.Result()
		}
	}
	return 0
}

var _ [bufSize - abi.PageSize]struct{}
