//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"loam/abi"
	"loam/abi/channel"
	"loam/kernel/signal"
	"loam/kernel/space"
	"loam/machine/metal"
)

// pageFault backs the page that the current thread touched, or has the thread
// take a signal.
//
//loam:noalloc
func (r *runner) pageFault() {
	at, access := faultOf(r.c)
	out := r.as.Fault(at, access)
	if out == space.Resolved {
		metal.Mapped(at)
		if access == space.Exec {
			r.codeMapped(at)
		}
		return
	}
	switch out {
	case space.Absent:
		r.pageMissed(at, access)
		return
	case space.NoMemory:
		r.noMemory(at &^ (abi.PageSize - 1))
		return
	case space.OverQuota:
		r.overLimit()
		r.raise(abi.FaultInfo(abi.SIGBUS, abi.BUS_ADRERR, abi.UserAddr(at)))
		return
	}
	code := int32(abi.SEGV_MAPERR)
	if out == space.AccErr {
		code = abi.SEGV_ACCERR
	}
	r.raise(abi.FaultInfo(abi.SIGSEGV, code, abi.UserAddr(at)))
}

// exception has the current thread take the signal for its exception.
func (r *runner) exception() {
	if !r.giveState() {
		r.raise(exceptionOf(r.c))
	}
}

// raise makes the current thread take a signal for the exception whose trace is
// in its context.
func (r *runner) raise(info abi.Siginfo) {
	r.t.fault = traceOf(r.c)
	r.force(info)
}

// none is an access that no page allows.
const none = space.Prot(0)

// endBySignal ends a process by a signal that it had no handler for, and says
// what happened when the signal came from a fault of its own.
func (r *runner) endBySignal(p *Process, d *signal.Delivery) {
	s := d.Info.Signo
	if d.Info.Code > 0 {
		var l line
		l.text(faultName(s))
		if s == abi.SIGSEGV || s == abi.SIGBUS {
			l.text(" at ")
			l.hex(uint64(d.Info.Addr()))
		}
		l.text(" (pc ")
		l.hex(r.c.PC())
		l.text(")")
		metal.HostWrite(channel.Notice, l.done())
	}
	r.endProcess(p, abi.ExitStatus{Kind: abi.Signalled, Value: uint32(s)})
}

// faultName is what shells say of a program that died so.
func faultName(s abi.Signal) string {
	switch s {
	case abi.SIGSEGV:
		return "segmentation fault"
	case abi.SIGILL:
		return "illegal instruction"
	case abi.SIGFPE:
		return "arithmetic exception"
	case abi.SIGBUS:
		return "bus error"
	case abi.SIGTRAP:
		return "trace or breakpoint trap"
	}
	return s.String()
}

func (p *Process) programName() []byte {
	n := 0
	for n < len(p.name) && p.name[n] != 0 {
		n++
	}
	return p.name[:n]
}
