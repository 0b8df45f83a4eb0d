// SPDX-License-Identifier: Apache-2.0

// Package metal is a kernel that makes every SBI call and prints what it gets, one
// call on a line: a name, the error, the value, what is wrong with the other
// registers (0), and the instructions from ECALL on. It runs with translation off, as
// machine mode does, so it has no tables of strings either.
package metal

import (
	"sync/atomic"

	"loam/machine/bootinfo"
	_ "loam/machine/mmode"
	"loam/machine/sbi"
)

func start()

// Keep gives start a reference, or the linker drops it.
var Keep = start

//go:noescape
func ecall(r *[8]uint64)
func bare(a0, a1, a2, a3, a6, a7 uint64) (err, value uint64)
func touch(addr uint64, write bool) (cause uint64)
func sip() uint64
func setSIE(v uint64)
func clearSoft()
func now() uint64
func wfi()
func address(which uint64) uint64
func load(addr uint64) uint64
func putc(b byte)
func stop(v uint32)

const (
	maxHarts    = 16
	softBit     = 1 << 1
	timerBit    = 1 << 5
	second1     = 10000000 // ticks of virt
	fenceRounds = 5
	stageAt     = bootinfo.FlatHeader + bootinfo.ImageHeaderSize - 16
)

var (
	stacks  [maxHarts + 1][8192]byte
	fakeG   [64]uint64
	saved   uint64
	counted uint64
	again   bool
	entered uint64 // instructions until supervisor mode, of all harts
	ours    bool   // no firmware

	begun   [maxHarts]uint64 // what a hart was started with, + 1
	state   [maxHarts]uint64 // satp, sie and the bits of sstatus that must be 0, together
	gotSoft [maxHarts]uint32
	command [maxHarts]uint32 // what a hart is to do
	rounds  [maxHarts]uint32 // how often it has
)

// Commands.
const (
	cmdWait = iota
	cmdStop
	cmdFence
)

func text(s string) {
	for i := range len(s) {
		putc(s[i])
	}
}

func number(v uint64) {
	putc(' ')
	if int64(v) < 0 {
		putc('-')
		v = -v
	}
	digits := 1
	for digits < 16 && v>>(4*digits) != 0 {
		digits++
	}
	for ; digits > 0; digits-- {
		n := byte(v >> (4*digits - 4) & 15)
		if n >= 10 {
			n += 'a' - '0' - 10
		}
		putc('0' + n)
	}
}

func line(name string, v uint64) {
	text(name)
	number(v)
	putc('\n')
}

func call(name string, eid, fid, a0, a1, a2, a3 uint64) uint64 {
	r := [8]uint64{a0, a1, a2, a3, 0, 0, fid, eid}
	ecall(&r)
	text(name)
	number(r[0])
	number(r[1])
	number(r[3])
	number(r[2])
	putc('\n')
	return r[1]
}

func died(cause, epc, tval uint64) {
	text("died")
	number(cause)
	number(epc)
	number(tval)
	putc('\n')
	stop(9<<16 | 0x3333)
}

// first is the hart that boots.
func first(hart, tree, satp, sie, status uint64) {
	line("hart", hart)
	line("tree", load(tree)&0xffffffff)
	line("state", satp|sie|status&2)
	line("entered", entered)
	base(hart)
	timer()
	n := harts(hart)
	stageClosed()
	if n > 1 {
		others(hart, n)
	}
	console()
	reset()
}

func base(hart uint64) {
	call("version", sbi.Base, sbi.BaseSpecVersion, 0, 0, 0, 0)
	ours = call("implementation", sbi.Base, sbi.BaseImplID, 0, 0, 0, 0) == sbi.ImplID
	call("vendor", sbi.Base, sbi.BaseVendor, 0, 0, 0, 0)
	call("architecture", sbi.Base, sbi.BaseArch, 0, 0, 0, 0)
	call("machine", sbi.Base, sbi.BaseMachine, 0, 0, 0, 0)
	call("probe base", sbi.Base, sbi.BaseProbe, sbi.Base, 0, 0, 0)
	call("probe time", sbi.Base, sbi.BaseProbe, sbi.Time, 0, 0, 0)
	call("probe ipi", sbi.Base, sbi.BaseProbe, sbi.IPI, 0, 0, 0)
	call("probe fence", sbi.Base, sbi.BaseProbe, sbi.Fence, 0, 0, 0)
	call("probe hsm", sbi.Base, sbi.BaseProbe, sbi.HSM, 0, 0, 0)
	call("probe reset", sbi.Base, sbi.BaseProbe, sbi.Reset, 0, 0, 0)
	call("probe console", sbi.Base, sbi.BaseProbe, sbi.Console, 0, 0, 0)
	call("probe none", sbi.Base, sbi.BaseProbe, 0x12345678, 0, 0, 0)
	call("no function", sbi.Base, 99, 0, 0, 0, 0)
	call("no extension", 0x12345678, 0, 0, 0, 0, 0)
	call("time no function", sbi.Time, 9, 0, 0, 0, 0)
	call("ipi no function", sbi.IPI, 9, 0, 0, 0, 0)
	call("fence no function", sbi.Fence, 99, 1, hart, 0, 0)
	call("hsm no function", sbi.HSM, 99, 0, 0, 0, 0)
	call("reset no function", sbi.Reset, 9, 0, 0, 0, 0)
}

// pause lets other harts run when one processor emulates all of them.
func pause() {
	bare(now()+second1/10000, 0, 0, 0, sbi.TimeSet, sbi.Time)
	setSIE(timerBit)
	wfi()
	setSIE(0)
}

// await waits for a bit of sip, some seconds.
func await(bit uint64) uint64 {
	for end := now() + 20*second1; now() < end; {
		if sip()&bit != 0 {
			return 1
		}
	}
	return 0
}

func timer() {
	line("timer pends", sip()&timerBit)
	at := now() + second1/100
	call("set timer", sbi.Time, sbi.TimeSet, at, 0, 0, 0)
	line("timer comes", await(timerBit))
	line("timer was early", uint64(int64(now()-at)>>63)&1)
	setSIE(timerBit)
	wfi()
	setSIE(0)
	call("set no timer", sbi.Time, sbi.TimeSet, ^uint64(0), 0, 0, 0)
	line("timer is gone", sip()&timerBit)
	call("set past timer", sbi.Time, sbi.TimeSet, 1, 0, 0, 0)
	line("timer comes", await(timerBit))
	at = now() + second1/50
	call("set timer", sbi.Time, sbi.TimeSet, at, 0, 0, 0)
	setSIE(timerBit)
	call("suspend", sbi.HSM, sbi.HSMSuspend, 0, 0, 0, 0)
	setSIE(0)
	line("timer comes", await(timerBit))
	call("set no timer", sbi.Time, sbi.TimeSet, ^uint64(0), 0, 0, 0)
	line("timer is gone", sip()&timerBit)
}

// harts counts the harts, which are numbered from 0 on, and tries what can't be done
// with them.
func harts(self uint64) (n uint64) {
	for n < maxHarts {
		if err, _ := bare(n, 0, 0, 0, sbi.HSMStatus, sbi.HSM); err != 0 {
			break
		}
		n++
	}
	line("harts", n)
	call("status of itself", sbi.HSM, sbi.HSMStatus, self, 0, 0, 0)
	call("status of none", sbi.HSM, sbi.HSMStatus, n, 0, 0, 0)
	call("status of far", sbi.HSM, sbi.HSMStatus, 1<<40|self, 0, 0, 0) // OpenSBI 1.1 looks at 32 bits: itself
	call("start itself", sbi.HSM, sbi.HSMStart, self, address(0), 0, 0)
	call("start none", sbi.HSM, sbi.HSMStart, n, address(0), 0, 0)
	call("suspend reserved", sbi.HSM, sbi.HSMSuspend, 1, 0, 0, 0)
	if ours {
		call("suspend deep", sbi.HSM, sbi.HSMSuspend, sbi.SuspendDeep, 0, 0, 0)
	}
	call("suspend platform", sbi.HSM, sbi.HSMSuspend, 0x10000000, 0, 0, 0)

	call("interrupt itself", sbi.IPI, sbi.IPISend, 1, self, 0, 0)
	line("interrupt comes", await(softBit))
	clearSoft()
	line("interrupt is gone", sip()&softBit)
	call("interrupt nobody", sbi.IPI, sbi.IPISend, 0, self, 0, 0)
	call("interrupt all", sbi.IPI, sbi.IPISend, 0, sbi.AllHarts, 0, 0)
	line("interrupt comes", await(softBit))
	clearSoft()
	call("interrupt none", sbi.IPI, sbi.IPISend, 1, n, 0, 0)
	call("fence code itself", sbi.Fence, sbi.FenceI, 1, self, 0, 0)
	call("fence tables itself", sbi.Fence, sbi.FenceVMA, 1, self, 0, 0)
	call("fence tables some", sbi.Fence, sbi.FenceVMA, 1, self, 0x1000, 0x2000)
	call("fence tables asid", sbi.Fence, sbi.FenceVMAASID, 1, self, 0, ^uint64(0))
	call("fence none", sbi.Fence, sbi.FenceI, 1, n, 0, 0)
	call("fence all", sbi.Fence, sbi.FenceI, 0, sbi.AllHarts, 0, 0)
	return n
}

// stageClosed tries the stage's memory, which is free memory under firmware.
func stageClosed() {
	stage := address(1) + load(address(1)+stageAt)
	end := address(1) + load(address(1)+stageAt+8)
	line("below stage", touch(stage-1, false)|touch(stage-1, true))
	line("read stage", touch(stage, false))
	line("write stage", touch(stage, true))
	line("read stage end", touch(end-1, false))
	line("write stage end", touch(end-1, true))
	line("above stage", touch(end, false)|touch(end, true))
	call("write from stage", sbi.Console, sbi.ConsoleWrite, 8, stage, 0, 0)
	call("write into stage", sbi.Console, sbi.ConsoleWrite, 8, stage-4, 0, 0)
	call("write from behind", sbi.Console, sbi.ConsoleWrite, 0, end, 0, 0)
	call("read into stage", sbi.Console, sbi.ConsoleRead, 8, end-4, 0, 0)
}

// second is each other hart.
func second(hart, opaque, satp, sie, status uint64) {
	h := hart % maxHarts
	atomic.StoreUint64(&state[h], satp|sie|status&2)
	atomic.StoreUint64(&begun[h], opaque+1)
	setSIE(softBit)
	for {
		switch atomic.LoadUint32(&command[h]) {
		case cmdStop:
			bare(0, 0, 0, 0, sbi.HSMStop, sbi.HSM)
			line("stop returned", hart)
		case cmdFence:
			if atomic.LoadUint32(&rounds[h]) < fenceRounds {
				bare(0, sbi.AllHarts, 0, 0, uint64(atomic.LoadUint32(&rounds[h])&1), sbi.Fence)
				bare(0, sbi.AllHarts, 0, 0, sbi.IPISend, sbi.IPI)
				atomic.AddUint32(&rounds[h], 1)
				continue
			}
		}
		if sip()&softBit != 0 {
			clearSoft()
			atomic.AddUint32(&gotSoft[h], 1)
			continue
		}
		if atomic.LoadUint32(&command[h]) == cmdWait {
			wfi()
		}
	}
}

func status(hart uint64) uint64 {
	_, v := bare(hart, 0, 0, 0, sbi.HSMStatus, sbi.HSM)
	return v
}

func others(self, n uint64) {
	for round := range uint64(2) {
		for h := range n {
			if h == self {
				continue
			}
			line("stopped", status(h))
			begun[h], gotSoft[h], command[h], rounds[h] = 0, 0, cmdWait, 0
			if ours { // this firmware would try
				call("start odd", sbi.HSM, sbi.HSMStart, h, address(0)+1, 0, 0)
				call("start nowhere", sbi.HSM, sbi.HSMStart, h, 0, 0, 0)
			}
			call("start", sbi.HSM, sbi.HSMStart, h, address(0), 1000*round+h, 0)
			for end := now() + 20*second1; atomic.LoadUint64(&begun[h]) == 0 && now() < end; {
				pause()
			}
			line("begun", atomic.LoadUint64(&begun[h])-1000*round-h)
			line("state", atomic.LoadUint64(&state[h]))
			line("started", status(h))
			call("start again", sbi.HSM, sbi.HSMStart, h, address(0), 0, 0)
			call("interrupt", sbi.IPI, sbi.IPISend, 1, h, 0, 0)
			for end := now() + 20*second1; atomic.LoadUint32(&gotSoft[h]) == 0 && now() < end; {
				pause()
			}
			line("interrupted", uint64(atomic.LoadUint32(&gotSoft[h])))
			call("fence code", sbi.Fence, sbi.FenceI, 1, h, 0, 0)
			call("fence tables", sbi.Fence, sbi.FenceVMA, 1, h, 0, 0)
			line("not interrupted", uint64(atomic.LoadUint32(&gotSoft[h])))
		}
		all := uint64(1)<<n - 1
		for h := range n {
			atomic.StoreUint32(&command[h], cmdFence)
		}
		bare(all, 0, 0, 0, sbi.IPISend, sbi.IPI)
		for k := range uint64(fenceRounds) {
			bare(all, 0, 0, 0, k&1, sbi.Fence)
		}
		for h := range n {
			for end := now() + 60*second1; h != self && atomic.LoadUint32(&rounds[h]) < fenceRounds && now() < end; {
				pause()
			}
			if h != self {
				line("rounds", uint64(atomic.LoadUint32(&rounds[h])))
			}
		}
		for h := range n {
			atomic.StoreUint32(&command[h], cmdStop)
		}
		bare(all, 0, 0, 0, sbi.IPISend, sbi.IPI)
		clearSoft()
		for h := range n {
			for end := now() + 20*second1; h != self && status(h) != uint64(sbi.Stopped) && now() < end; {
				pause()
			}
		}
	}
}

func console() {
	call("putchar", sbi.LegacyPutchar, 0, 0x7e, 0, 0, 0)
	call("getchar", sbi.LegacyGetchar, 0, 0, 0, 0, 0)
	call("console write", sbi.Console, sbi.ConsoleWrite, 7, address(3), 0, 0)
	call("console high", sbi.Console, sbi.ConsoleWrite, 7, address(3), 1, 0)
	call("console nowhere", sbi.Console, sbi.ConsoleWrite, 7, 0, 0, 0)
	call("console byte", sbi.Console, sbi.ConsoleWriteByte, 0x7e, 0, 0, 0)
	call("console read", sbi.Console, sbi.ConsoleRead, 8, address(1), 0, 0)
	call("console no function", sbi.Console, 9, 0, 0, 0, 0)
}

// reboot resets the machine, once: .bss is as it was before.
func reboot() {
	if again {
		return
	}
	again = true
	text("reboot\n")
	bare(sbi.ResetCold, 0, 0, 0, sbi.ResetSystem, sbi.Reset)
}

func reset() {
	call("reset reserved", sbi.Reset, sbi.ResetSystem, 3, 0, 0, 0)
	call("reset reason", sbi.Reset, sbi.ResetSystem, 0, 7, 0, 0)
	call("reset warm", sbi.Reset, 9, 0, 0, 0, 0)
	call("shutdown", sbi.Reset, sbi.ResetSystem, sbi.ResetShutdown, sbi.ReasonFailure, 0, 0)
	stop(8<<16 | 0x3333)
}
