//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"loam/abi"
	"loam/machine/metal"
)

// Interrupts that are messages of a device's. A line by level is masked from when it has
// fired until it is acknowledged, so its device costs the kernel at most one
// interrupt for each acknowledgement. A message comes however often the device sends it. So the
// second one in that time has the device mask it, if the kernel was told by which register:
// that is two for each, and a driver that keeps up has none of the two accesses.

// loamInterruptCreateMessage: machine, address of the register that masks it, or 0.
func loamInterruptCreateMessage(r *runner, c *metal.Context) uint64 {
	if e := r.machine(c.Arg0()); e != 0 {
		return e.Result()
	}
	mask := c.Arg1()
	if mask%registersUnit != 0 || mask >= metal.MaxPhysical() {
		return abi.EINVAL.Result()
	}
	if mask != 0 && !metal.RegistersAt(mask, registersUnit) {
		return abi.EBUSY.Result()
	}
	header, e := r.newHeader(abi.KindInterrupt)
	if e != 0 {
		return e.Result()
	}
	slot, state, ok := metal.OpenMessage(mask)
	if !ok {
		k.objects.Release(header)
		switch state {
		case metal.NoLine:
			return abi.ENODEV.Result()
		case metal.LineBusy:
			return abi.ENOSPC.Result()
		}
		return abi.ENOMEM.Result()
	}
	k.lines[slot].message = true
	k.objects.At(header).Record = int32(slot)
	return r.give(header)
}

// loamInterruptMessage: interrupt, which part.
func loamInterruptMessage(r *runner, c *metal.Context) uint64 {
	slot, e := r.line(c.Arg0())
	if e != 0 {
		return e.Result()
	}
	address, data := metal.Message(slot)
	switch {
	case address == 0:
		return abi.EINVAL.Result()
	case c.Arg1() == abi.MessageAddress:
		return address
	case c.Arg1() == abi.MessageData:
		return uint64(data)
	}
	return abi.EINVAL.Result()
}

// servedMessage is for a message at a place of a line that has been served: the next one may come, or
// has.
func (r *runner) servedMessage(slot int) {
	metal.MaskMessage(slot, false)
	x := &k.lines[slot]
	if x.unserved = x.again; x.again {
		x.again = false
		r.signal(x.notification, x.bits)
	}
}

// comes is for a message that has come, at a place of a line. It reports whether that is to
// be signalled now. One that nobody is bound to yet, who is bound then learns of.
func (x *interrupt) comes(slot int) bool {
	if x.unserved {
		x.again = true
		metal.MaskMessage(slot, true)
		return false
	}
	x.unserved = true
	return true
}
