//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"loam/abi"
	"loam/kernel/memory"
	"loam/kernel/pool"
	"loam/machine/claim"
	"loam/machine/metal"
)

// Memory objects for drivers: registers of devices, and memory that devices reach.

// loamDeviceMemory: machine, address, size.
func loamDeviceMemory(r *runner, c *metal.Context) uint64 {
	at, size := c.Arg1(), c.Arg2()
	if e := r.machine(c.Arg0()); e != 0 {
		return e.Result()
	}
	if top := metal.MaxPhysical(); at == 0 || (at|size)%abi.PageSize != 0 || size == 0 || size > memory.MaxPages*abi.PageSize || at >= top || size > top-at {
		return abi.EINVAL.Result()
	}
	console := metal.ConsoleAt(at, size)
	if !metal.DeviceAt(at, size) || console && k.consoleMemory != pool.Nil || k.registers.Overlaps(claim.Range{First: at, Count: size}) {
		return abi.EBUSY.Result()
	}
	header, e := r.newHeader(abi.KindMemory)
	if e != 0 {
		return e.Result()
	}
	i, e := k.memories.NewDevice(at, size/abi.PageSize)
	if e == 0 && console {
		k.consoleMemory = i
		metal.YieldConsoles(metal.ConsoleSerial)
	}
	return r.giveMemory(c, header, i, new([abi.MemoryNameSize]byte), e)
}

// loamMemoryCreateDMA: machine, size, flags. It goes in pieces: memory is zeroed
// before anybody has it.
func loamMemoryCreateDMA(r *runner, c *metal.Context) uint64 {
	if r.t.making == 0 {
		if e := r.makeDMA(c.Arg0(), c.Arg1(), c.Arg2()); e != 0 {
			return e.Result()
		}
	}
	header := r.t.making - 1
	if !k.memories.ZeroPiece(k.objects.At(header).Record) {
		r.unfinished()
		return 0
	}
	if r.handles().Room() == 0 { // not any more
		r.dropMaking(r.t)
		return abi.EMFILE.Result()
	}
	r.t.making = 0
	return r.give(header)
}

// makeDMA begins to make memory for devices.
func (r *runner) makeDMA(machine, size, flags uint64) abi.Errno {
	limit := uint64(0)
	if flags == abi.DMA32 {
		limit = 1<<32 - 1
	}
	e := r.machine(machine)
	switch {
	case e != 0:
		return e
	case size == 0 || size%abi.PageSize != 0 || size > abi.MaxDMA || flags&^abi.DMA32 != 0:
		return abi.EINVAL
	}
	header, e := r.newHeader(abi.KindMemory)
	if e != 0 {
		return e
	}
	i, e := k.memories.NewRun(size/abi.PageSize, limit, k.objects.Pages(r.p.objects.Account))
	if e != 0 {
		k.objects.Release(header)
		return e
	}
	k.memories.SetName(i, nil)
	k.objects.At(header).Record = i
	k.memoryHeaders[i] = header
	r.t.making = header + 1
	return 0
}

// dropMaking gives up what thread t has begun to make.
func (r *runner) dropMaking(t *Thread) {
	if t.making != 0 {
		header := t.making - 1
		t.making = 0
		r.unrefer(header)
	}
}

// loamMemoryAddress: memory, offset.
func loamMemoryAddress(r *runner, c *metal.Context) uint64 {
	i, e := r.memory(c.Arg0(), abi.RightManage)
	if e != 0 {
		return e.Result()
	}
	pa, ok := k.memories.Address(i, c.Arg1()/abi.PageSize)
	if !ok {
		return abi.EINVAL.Result()
	}
	return pa + c.Arg1()%abi.PageSize
}
