//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"loam/abi"
	"loam/kernel/signal"
	"loam/kernel/vdso"
	"loam/machine/metal"
)

// handlerFrame says where a handler's frame goes on the current thread's stack.
func (r *runner) handlerFrame(d *signal.Delivery) (place signal.PlaceRISCV64, ok bool) {
	top, low := r.t.sig.HandlerStack(&d.Action, r.c.SP(), signal.RedZoneRISCV64)
	place, ok = signal.PlaceFrameRISCV64(top, low, int(32*metal.VectorLength()))
	return place, ok && place.Bytes <= len(k.frame)
}

// enterHandler writes the frame of a handler to the current thread's stack and
// sets its registers. EFAULT: the frame can't be written; ENOMEM: for want of memory.
func (r *runner) enterHandler(d *signal.Delivery) abi.Errno {
	c, t := r.c, r.t
	place, ok := r.handlerFrame(d)
	if !ok {
		return abi.EFAULT
	}
	control, length, vectors := c.Vectors()
	regs := registers(c)
	v := signal.VectorRISCV64{VStart: control[0], VL: control[1], VType: control[2], VCSR: control[3], VLenB: length}
	signal.BuildRISCV64(k.frame[:], place, &regs, d, t.sig.AltStack(c.SP()), c.FPU(), &v, vectors)
	if e := r.as.WriteUser(abi.UserAddr(place.SP), k.frame[:place.Bytes]); e != 0 {
		return e
	}
	if d.Action.Restorer = 0; r.p.vdso != 0 {
		d.Action.Restorer = abi.UserAddr(r.p.vdso + vdso.SigreturnRISCV64)
	}
	if !signal.EnterRISCV64(&regs, place, d) {
		return abi.EFAULT
	}
	setRegisters(c, &regs)
	return 0
}

// sysSigreturn puts back what a handler's frame holds.
func sysSigreturn(r *runner, c *metal.Context) uint64 {
	at := signal.FrameAddressRISCV64(c.SP())
	control, length, vectors := c.Vectors()
	f := k.frame[:signal.FrameSizeRISCV64]
	e := r.as.ReadUser(at, f)
	var back signal.ReturnRISCV64
	if e == 0 {
		back, e = signal.ParseRISCV64(f, len(vectors))
	}
	if e == 0 && back.Vector {
		e = r.restoreVectors(at, control, length, vectors)
	}
	if r.mustWait(e) {
		return e.Result()
	}
	if e != 0 {
		r.force(abi.Siginfo{Signo: abi.SIGSEGV, Code: abi.SI_KERNEL})
		return c.Result()
	}
	signal.RestoreFloatRISCV64(c.FPU(), f)
	setRegisters(c, &back.Regs)
	signal.Return(&r.t.sig, back.Mask, back.Stack, c.SP())
	if r.t.due(r.p) {
		r.work |= workSignal
	}
	return c.Result()
}

// restoreVectors takes the vector state of the frame at an address. The rest of the
// frame has been read already.
func (r *runner) restoreVectors(at abi.UserAddr, control *[4]uint64, length uint64, vectors []byte) abi.Errno {
	var b [signal.VectorSizeRISCV64]byte
	var end [signal.HeaderSizeRISCV64]byte
	if e := r.as.ReadUser(signal.VectorAddressRISCV64(at), b[:]); e != 0 {
		return e
	}
	if e := r.as.ReadUser(signal.VectorEndRISCV64(at, len(vectors)), end[:]); e != 0 {
		return e
	}
	if e := signal.ParseEndRISCV64(end[:]); e != 0 {
		return e
	}
	v, from := signal.ParseVectorRISCV64(b[:], length)
	if e := r.as.ReadUser(from, vectors); e != 0 {
		return e
	}
	*control = [4]uint64{v.VStart, v.VL, v.VType, v.VCSR}
	return 0
}

// registers gives a thread's registers as package signal wants them.
func registers(c *metal.Context) abi.RegistersRISCV64 {
	return abi.RegistersRISCV64{PC: c.EPC, X: [31]uint64(c.X[1:])}
}

// setRegisters sets a thread's registers; it is in no call then.
func setRegisters(c *metal.Context, g *abi.RegistersRISCV64) {
	c.SetStart(g.PC, 0)
	copy(c.X[1:], g.X[:])
}
