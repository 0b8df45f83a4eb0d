//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"math"
	"math/bits"

	"loam/abi"
	"loam/kernel/object"
	"loam/kernel/pool"
	"loam/machine/claim"
	"loam/machine/metal"
)

// Interrupts and ports as objects, for drivers in user mode. The record of an
// interrupt is the line's number in metal, that of ports their place in k.ports.

// interrupt is an interrupt object: what its line signals.
type interrupt struct {
	notification int32 // header, with a reference; pool.Nil: none
	bits         uint64

	// Of a message (calls_message.go).
	message  bool
	unserved bool // it has been signalled, and not acknowledged
	again    bool // and has come again since
}

const mostPorts = claim.Size

// setUpDevices makes the tables of timers, interrupts and ports.
func (k *kernel) setUpDevices(threads int) {
	k.clocks = pool.In[timer](tableSource, threads/timerShare)
	k.consoleMemory = pool.Nil
	for i := range k.lines {
		k.lines[i].notification = pool.Nil
	}
}

// machine checks a handle to the machine.
func (r *runner) machine(h uint64) abi.Errno {
	_, e := r.object(h, abi.KindMachine, abi.RightManage)
	return e
}

// loamInterruptCreate: machine, line, flags.
func loamInterruptCreate(r *runner, c *metal.Context) uint64 {
	const flags = abi.InterruptLevel | abi.InterruptLow
	if e := r.machine(c.Arg0()); e != 0 {
		return e.Result()
	}
	if c.Arg1() > math.MaxUint32 || c.Arg2()&^flags != 0 {
		return abi.EINVAL.Result()
	}
	switch metal.CheckLine(uint32(c.Arg1())) {
	case metal.NoLine:
		return abi.EINVAL.Result()
	case metal.LineBusy:
		return abi.EBUSY.Result()
	}
	header, e := r.newHeader(abi.KindInterrupt)
	if e != 0 {
		return e.Result()
	}
	line, ok := metal.OpenLine(uint32(c.Arg1()), c.Arg2()&abi.InterruptLevel != 0, c.Arg2()&abi.InterruptLow != 0)
	if !ok { // mostInterrupts are open
		k.objects.Release(header)
		return abi.ENOSPC.Result()
	}
	k.objects.At(header).Record = int32(line)
	return r.give(header)
}

// line gives the line of the interrupt that a handle names.
func (r *runner) line(h uint64) (int, abi.Errno) {
	i, e := r.object(h, abi.KindInterrupt, abi.RightManage)
	if e != 0 {
		return 0, e
	}
	return int(k.objects.At(i).Record), 0
}

// loamInterruptBind: interrupt, notification, bits.
func loamInterruptBind(r *runner, c *metal.Context) uint64 {
	line, e := r.line(c.Arg0())
	if e != 0 {
		return e.Result()
	}
	n, e := r.target(c.Arg1(), c.Arg2())
	if e != 0 {
		return e.Result()
	}
	k.objects.Refer(n) // before the old one goes: it may be the same
	x := &k.lines[line]
	r.forgetTarget(&x.notification)
	x.notification, x.bits = n, c.Arg2()
	x.again = x.again || x.unserved // who was bound before may not have served it
	r.served(line)
	return 0
}

func loamInterruptAck(r *runner, c *metal.Context) uint64 {
	line, e := r.line(c.Arg0())
	if e == 0 && k.lines[line].notification != pool.Nil {
		r.served(line)
	}
	return e.Result()
}

// served lets a line fire again, whose device has been served.
func (r *runner) served(line int) {
	if k.lines[line].message {
		r.servedMessage(line)
		return
	}
	metal.UnmaskLine(line)
}

// interrupts signals what lines have fired.
//
//loam:noalloc
func (r *runner) interrupts(fired uint64) {
	for ; fired != 0; fired &= fired - 1 {
		slot := bits.TrailingZeros64(fired) % metal.MaxLines
		x := &k.lines[slot]
		// One that was closed meanwhile has nobody.
		if (!x.message || x.comes(slot)) && x.notification != pool.Nil {
			r.signal(x.notification, x.bits)
		}
	}
}

// dropInterrupt gives a line back that nobody can name any more.
func (r *runner) dropInterrupt(o *object.Header) {
	line := int(o.Record)
	o.Record = pool.Nil
	metal.CloseLine(line)
	x := &k.lines[line]
	r.forgetTarget(&x.notification)
	x.message, x.unserved, x.again = false, false, false
}

// loamPortsCreate: machine, first port, how many.
func loamPortsCreate(r *runner, c *metal.Context) uint64 {
	if e := r.machine(c.Arg0()); e != 0 {
		return e.Result()
	}
	first, count := c.Arg1(), c.Arg2()
	switch {
	case metal.Ports == 0:
		return abi.ENODEV.Result()
	case count == 0 || first >= metal.Ports || count > metal.Ports-first:
		return abi.EINVAL.Result()
	}
	want := claim.Range{First: first, Count: count}
	if claim.Any(metal.OwnPorts(), want) {
		return abi.EBUSY.Result()
	}
	place, e := claimIn(&k.ports, want)
	if e != 0 {
		return e.Result()
	}
	header, e := r.newHeader(abi.KindPorts)
	if e != 0 {
		k.ports.Release(place)
		return e.Result()
	}
	k.objects.At(header).Record = place
	k.yieldConsole()
	return r.give(header)
}

// claimIn claims a range of a set.
func claimIn(s *claim.Set, want claim.Range) (place int32, e abi.Errno) {
	place, code := s.Claim(want)
	switch code {
	case claim.Busy:
		e = abi.EBUSY
	case claim.Full:
		e = abi.ENOSPC
	}
	return place, e
}

// yieldConsole has the kernel leave its consoles to whoever has their ports.
func (k *kernel) yieldConsole() {
	taken := metal.Consoles(0)
	for i := range int32(claim.Size) {
		taken |= metal.ConsolesAt(k.ports.At(i))
	}
	metal.YieldConsoles(taken)
}

// port gives a port's number and width, if the ports that a handle names have it.
func (r *runner) port(c *metal.Context, need abi.Rights) (port uint16, width uint8, e abi.Errno) {
	i, e := r.object(c.Arg0(), abi.KindPorts, need)
	if e != 0 {
		return 0, 0, e
	}
	at, n := c.Arg1(), c.Arg2()
	if n != 1 && n != 2 && n != 4 || at > math.MaxUint16 ||
		!k.ports.At(k.objects.At(i).Record).Has(claim.Range{First: at, Count: n}) {
		return 0, 0, abi.EINVAL
	}
	return uint16(at), uint8(n), 0
}

// loamPortRead: ports, port, width.
func loamPortRead(r *runner, c *metal.Context) uint64 {
	port, width, e := r.port(c, abi.RightRead)
	if e != 0 {
		return e.Result()
	}
	return uint64(metal.PortRead(port, width))
}

// loamPortWrite: ports, port, width, value.
func loamPortWrite(r *runner, c *metal.Context) uint64 {
	port, width, e := r.port(c, abi.RightWrite)
	if e == 0 {
		metal.PortWrite(port, width, uint32(c.Arg3()))
	}
	return e.Result()
}

// dropPorts gives ports back that nobody can name any more.
func (k *kernel) dropPorts(o *object.Header) {
	k.ports.Release(o.Record)
	o.Record = pool.Nil
	k.yieldConsole()
}
