//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"encoding/binary"

	"loam/abi"
	"loam/abi/channel"
	"loam/kernel/object"
	"loam/kernel/pool"
	"loam/kernel/space"
	"loam/machine/metal"
)

// The machine object, and the calls by which who has it talks with the host and
// learns what machine it is.

// watch is who wants to know of something.
type watch struct {
	notification int32 // header, with a reference; pool.Nil: nobody
	bits         uint64
}

// What can be watched by who has the machine.
const (
	watchHost  = iota // requests of the host's
	watchLog          // more of the kernel's log
	numWatches = iota
)

// giveMachine gives the first process its handle to the machine, abi.HandleMachine.
func (k *kernel) giveMachine(p *Process) abi.Errno {
	for i := range k.watches {
		k.watches[i].notification = pool.Nil
	}
	// The record is nothing but a sign that something is to be done when it goes.
	i, e := k.objects.New(abi.KindMachine, 0, p.objects.Account)
	if e != 0 {
		return e
	}
	h, e := k.objects.Insert(&k.handles[p.space], i, abi.RightsOf(abi.KindMachine))
	if e != 0 || h != abi.HandleMachine {
		panic("core: the machine has another handle than it should")
	}
	return 0
}

// setWatch has notification i, or nobody (pool.Nil), signalled from now on.
func (r *runner) setWatch(which int, i int32, bits uint64) {
	if i != pool.Nil {
		k.objects.Refer(i)
	}
	old := k.watches[which].notification
	k.watches[which] = watch{i, bits}
	if old != pool.Nil {
		r.unrefer(old)
	}
}

// endWatches has nobody signalled any more.
func (r *runner) endWatches() {
	for which := range k.watches {
		r.setWatch(which, pool.Nil, 0)
	}
}

// watchAlone gives up notification i if it is watched by and nobody else has it any more.
func (r *runner) watchAlone(i int32) {
	n := uint32(0)
	for which := range k.watches {
		if k.watches[which].notification == i {
			n++
		}
	}
	if n == 0 || k.objects.At(i).References() != n {
		return
	}
	for which := range k.watches { // giving one up brings us here again, for the others
		if k.watches[which].notification == i {
			r.setWatch(which, pool.Nil, 0)
		}
	}
}

// tell signals who watches.
func (r *runner) tell(which int) {
	if w := &k.watches[which]; w.notification != pool.Nil {
		r.signal(w.notification, w.bits)
	}
}

// target gives the notification that a handle names, if bits of it may be signalled
// by it. EBADF, ENOTSUP, EACCES, EINVAL.
func (r *runner) target(h, bits uint64) (int32, abi.Errno) {
	i, e := r.object(h, abi.KindNotification, abi.RightWrite)
	if e != 0 {
		return pool.Nil, e
	}
	if bits == 0 || bits&^abi.NotificationBits != 0 {
		return pool.Nil, abi.EINVAL
	}
	if _, _, mask, _ := object.Look(r.handles(), abi.Handle(h)); mask != 0 && bits&^mask != 0 {
		return pool.Nil, abi.EACCES
	}
	return i, 0
}

// loamHostReceive: machine, address, length, notification or 0, bits.
func loamHostReceive(r *runner, c *metal.Context) uint64 {
	_, e := r.object(c.Arg0(), abi.KindMachine, abi.RightManage)
	watch := pool.Nil
	if e == 0 && c.Arg3() != 0 {
		watch, e = r.target(c.Arg3(), c.Arg4())
	}
	if e != 0 {
		return e.Result()
	}
	b := r.buf[:channel.MaxRequest]
	n := metal.HostRequest(b)
	if e := r.put(c.Arg1(), b[:min(uint64(n), c.Arg2())]); e != 0 {
		return e
	}
	if n > 0 {
		metal.TakeRequest()
	}
	r.setWatch(watchHost, watch, c.Arg4())
	return uint64(n)
}

// loamMachineLog: machine, address, length, notification or 0, bits.
func loamMachineLog(r *runner, c *metal.Context) uint64 {
	_, e := r.object(c.Arg0(), abi.KindMachine, abi.RightRead)
	watch := pool.Nil
	if e == 0 && c.Arg3() != 0 {
		watch, e = r.target(c.Arg3(), c.Arg4())
	}
	addr, size := c.Arg1(), min(c.Arg2(), uint64(len(r.buf)))
	if e == 0 { // before anything is taken
		e = r.writable(addr, size)
	}
	if e != 0 {
		return e.Result()
	}
	n := metal.TakeLog(r.buf[:size], watch != pool.Nil)
	r.setWatch(watchLog, watch, c.Arg4())
	r.as.WriteUser(abi.UserAddr(addr), r.buf[:n])
	return uint64(n)
}

// loamHostSend: machine, address, length.
func loamHostSend(r *runner, c *metal.Context) uint64 {
	addr, left := c.Arg1(), c.Arg2()
	_, e := r.object(c.Arg0(), abi.KindMachine, abi.RightManage)
	switch {
	case e != 0:
		return e.Result()
	case left > abi.MaxHostAnswer:
		return abi.EMSGSIZE.Result()
	}
	if e := r.accessible(addr, left, space.Read); e != 0 {
		return e.Result()
	}
	// Nothing fails from here on: what can be read now can be read to the end of
	// the call.
	for {
		n := min(left, uint64(len(r.buf)-channel.RequestHead))
		e := r.as.ReadUser(abi.UserAddr(addr), r.buf[channel.RequestHead:channel.RequestHead+n])
		left -= n
		metal.HostAnswer(r.buf[:channel.RequestHead+n], left > 0 && e == 0)
		if left == 0 || e != 0 {
			return e.Result()
		}
		addr += n
	}
}

// loamMachineInfo: machine, which description, offset, address, length.
func loamMachineInfo(r *runner, c *metal.Context) uint64 {
	if _, e := r.object(c.Arg0(), abi.KindMachine, abi.RightRead); e != 0 {
		return e.Result()
	}
	var word [8]byte
	var b []byte
	switch c.Arg1() {
	case abi.MachineCommandLine:
		b = metal.CommandLine()
	case abi.MachineDeviceTree:
		if b = metal.DeviceTree(); b == nil {
			return abi.ENODEV.Result()
		}
	case abi.MachineFlags:
		if metal.BootMode() {
			word[0] |= abi.MachineBootMode
		}
		b = word[:]
	case abi.MachineMemory:
		m := metal.Machine()
		b = r.buf[: 0 : 5*8]
		for _, v := range [5]uint64{m.MemoryBytes, m.FreeBytes, m.HeapBytes, m.TableBytes, m.ObjectBytes} {
			b = b[:len(b)+8]
			binary.LittleEndian.PutUint64(b[len(b)-8:], v)
		}
	default:
		return abi.EINVAL.Result()
	}
	size := uint64(len(b))
	b = b[min(c.Arg2(), size):]
	if e := r.put(c.Arg3(), b[:min(c.Arg4(), uint64(len(b)))]); e != 0 {
		return e
	}
	return size
}
