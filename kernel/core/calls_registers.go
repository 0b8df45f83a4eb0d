//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"loam/abi"
	"loam/kernel/object"
	"loam/kernel/pool"
	"loam/machine/claim"
	"loam/machine/metal"
)

// Registers of devices as objects that are reached by calls, for devices that share a
// page. The record of such an object is its place in k.registers, which has its physical
// addresses, and in metal's window.

// loamRegistersCreate: machine, address, size.
func loamRegistersCreate(r *runner, c *metal.Context) uint64 {
	if e := r.machine(c.Arg0()); e != 0 {
		return e.Result()
	}
	at, size := c.Arg1(), c.Arg2()
	if (at|size)%registersUnit != 0 || size == 0 || size > abi.PageSize-at%abi.PageSize || at >= metal.MaxPhysical() {
		return abi.EINVAL.Result()
	}
	if !metal.RegistersAt(at, size) || metal.ConsoleAt(at, size) || k.memories.DeviceAt(at, size) {
		return abi.EBUSY.Result()
	}
	place, e := claimIn(&k.registers, claim.Range{First: at, Count: size})
	if e != 0 {
		return e.Result()
	}
	header, e := r.newHeader(abi.KindRegisters)
	if e == 0 && !metal.MapRegisters(place, at) {
		k.objects.Release(header)
		e = abi.ENOMEM
	}
	if e != 0 {
		k.registers.Release(place)
		return e.Result()
	}
	k.objects.At(header).Record = place
	return r.give(header)
}

// registersUnit divides addresses and sizes of ranges: the usual width of a register.
const registersUnit = 4

// register gives the place of the registers that a handle names, and that of one of them
// in its page, if they have it.
func (r *runner) register(c *metal.Context, need abi.Rights) (place int32, at, width uint64, e abi.Errno) {
	i, e := r.object(c.Arg0(), abi.KindRegisters, need)
	if e != 0 {
		return 0, 0, 0, e
	}
	place = k.objects.At(i).Record
	has := k.registers.At(place)
	at, width = c.Arg1(), c.Arg2()
	if width != 1 && width != 2 && width != 4 || at%width != 0 || at >= has.Count || width > has.Count-at {
		return 0, 0, 0, abi.EINVAL
	}
	return place, has.First%abi.PageSize + at, width, 0
}

// loamRegistersRead: registers, offset, width.
func loamRegistersRead(r *runner, c *metal.Context) uint64 {
	place, at, width, e := r.register(c, abi.RightRead)
	if e != 0 {
		return e.Result()
	}
	v, ok := metal.RegisterRead(place, at, width)
	if !ok {
		return abi.EIO.Result()
	}
	return uint64(v)
}

// loamRegistersWrite: registers, offset, width, value.
func loamRegistersWrite(r *runner, c *metal.Context) uint64 {
	place, at, width, e := r.register(c, abi.RightWrite)
	if e == 0 && !metal.RegisterWrite(place, at, width, uint32(c.Arg3())) {
		e = abi.EIO
	}
	return e.Result()
}

// dropRegisters gives registers back that nobody can name any more.
func (k *kernel) dropRegisters(o *object.Header) {
	k.registers.Release(o.Record)
	o.Record = pool.Nil
}
