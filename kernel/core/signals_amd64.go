//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"encoding/binary"

	"loam/abi"
	"loam/kernel/memory"
	"loam/kernel/signal"
	"loam/machine/metal"
)

// handlerFrame says where a handler's frame goes on the current thread's stack.
func (r *runner) handlerFrame(d *signal.Delivery) (place signal.PlaceAMD64, ok bool) {
	top, low := r.t.sig.HandlerStack(&d.Action, r.c.RSP, signal.RedZoneAMD64)
	place, ok = signal.PlaceFrameAMD64(top, low, len(r.c.FPU()))
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
	fpu := c.FPU()
	regs := registers(c)
	fault := t.fault
	t.fault = signal.FaultAMD64{}
	signal.BuildAMD64(k.frame[:], place, &regs, d, t.sig.AltStack(c.RSP), fault, fpu, metal.XCR0())
	if e := r.as.WriteUser(abi.UserAddr(place.SP), k.frame[:place.Bytes]); e != 0 {
		if e == abi.ENOMEM || e == memory.Absent {
			t.fault = fault // the signal is put back, and its trace with it
		}
		return e
	}
	if !signal.EnterAMD64(&regs, place, d) {
		return abi.EFAULT
	}
	setRegisters(c, &regs)
	if d.Action.Flags&abi.SA_SIGINFO == 0 {
		c.RSI, c.RDX = 0, 0
	}
	signal.InitXStateAMD64(fpu)
	return 0
}

// sysSigreturn puts back what a handler's frame holds.
func sysSigreturn(r *runner, c *metal.Context) uint64 {
	var f [signal.FrameSizeAMD64]byte
	e := r.as.ReadUser(signal.FrameAddressAMD64(c.RSP), f[:])
	regs := registers(c)
	var back signal.ReturnAMD64
	if e == 0 {
		back, e = signal.ParseAMD64(f[:], &regs)
	}
	if e == 0 {
		e = r.restoreFPU(c, back.FPState)
	}
	if r.mustWait(e) {
		return e.Result()
	}
	if e != 0 {
		r.force(abi.Siginfo{Signo: abi.SIGSEGV, Code: abi.SI_KERNEL})
		return 0
	}
	setRegisters(c, &back.Regs)
	signal.Return(&r.t.sig, back.Mask, back.Stack, back.Regs.RSP)
	if r.t.due(r.p) {
		r.work |= workSignal
	}
	return c.RAX
}

// restoreFPU puts back the extended state that a frame refers to.
func (r *runner) restoreFPU(c *metal.Context, from abi.UserAddr) abi.Errno {
	area := c.FPU()
	mask := binary.LittleEndian.Uint32(area[28:]) // MXCSR_MASK, as XSAVE stored it
	if mask == 0 {
		mask = 0xffbf
	}
	if from == 0 {
		signal.InitXStateAMD64(area)
		return 0
	}
	const fxsave = 512
	b := k.frame[:]
	if e := r.as.ReadUser(from, b[:fxsave]); e != 0 {
		return e
	}
	n := signal.XStateLengthAMD64(b[:fxsave], len(area))
	if n > len(b) {
		return abi.EFAULT
	}
	if e := r.as.ReadUser(from, b[:n]); e != 0 {
		return e
	}
	signal.RestoreXStateAMD64(area, b[:n], metal.XCR0(), mask)
	return 0
}

// registers gives a thread's registers as package signal wants them.
func registers(c *metal.Context) abi.RegistersAMD64 {
	return abi.RegistersAMD64{
		R15: c.R15, R14: c.R14, R13: c.R13, R12: c.R12, RBP: c.RBP, RBX: c.RBX,
		R11: c.R11, R10: c.R10, R9: c.R9, R8: c.R8,
		RAX: c.RAX, RCX: c.RCX, RDX: c.RDX, RSI: c.RSI, RDI: c.RDI,
		OrigRAX: c.OrigRAX, RIP: c.RIP, CS: c.CS, EFlags: c.RFLAGS, RSP: c.RSP, SS: c.SS,
		FSBase: c.FSBase, GSBase: c.GSBase,
	}
}

// setRegisters sets a thread's registers, all but the selectors and the bases,
// which are the kernel's.
func setRegisters(c *metal.Context, g *abi.RegistersAMD64) {
	c.R15, c.R14, c.R13, c.R12, c.RBP, c.RBX = g.R15, g.R14, g.R13, g.R12, g.RBP, g.RBX
	c.R11, c.R10, c.R9, c.R8 = g.R11, g.R10, g.R9, g.R8
	c.RAX, c.RCX, c.RDX, c.RSI, c.RDI = g.RAX, g.RCX, g.RDX, g.RSI, g.RDI
	c.OrigRAX, c.RIP, c.RFLAGS, c.RSP = g.OrigRAX, g.RIP, g.EFlags, g.RSP
	c.Full = 1
}
