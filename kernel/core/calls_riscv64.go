//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"loam/abi"
	"loam/kernel/hwprobe"
	"loam/kernel/signal"
	"loam/loader"
	"loam/machine/metal"
	"loam/machine/riscv64"
)

// What differs between architectures in calls. The order of clone's last two
// arguments is that of CONFIG_CLONE_BACKWARDS here, and not on amd64.

func cloneTLS(c *metal.Context) uint64      { return c.Arg3() }
func badTLS(uint64) bool                    { return false }
func cloneChildTID(c *metal.Context) uint64 { return c.Arg4() }

// inherit copies the registers of the caller of clone to the new thread, which
// returns 0 from the same call. Vector registers are not kept over a call.
func inherit(child, c *metal.Context) {
	c.FPU()
	child.EPC, child.X = c.EPC, c.X
	child.F, child.FCSR = c.F, c.FCSR
	child.SetResult(0)
}

// inheritOf is inherit for a thread that isn't the current one.
func inheritOf(child, c *metal.Context) { inherit(child, c) }

// archCall reports whether a call that this architecture alone has is never forwarded.
func archCall(nr uint64) bool {
	return nr == abi.SYS_RISCV_HWPROBE || nr == abi.SYS_RISCV_FLUSH_ICACHE
}

// ownCalls are the calls that this architecture alone has.
var ownCalls = [...]call{
	abi.SYS_RISCV_HWPROBE:      sysHwprobe,
	abi.SYS_RISCV_FLUSH_ICACHE: sysFlushICache,
}

// sysHwprobe: pairs, how many, the size of a set of CPUs, the set, flags.
func sysHwprobe(r *runner, c *metal.Context) uint64 {
	q, e := hwprobe.Decode(c.Arg1(), c.Arg2(), c.Arg3(), c.Arg4())
	if e != 0 {
		return e.Result()
	}
	var set [hwprobe.MaxSet]byte
	if e := r.as.ReadUser(abi.UserAddr(c.Arg3()), set[:q.Set]); e != 0 {
		return e.Result()
	}
	cpus, e := k.arch.machine.CPUs(q, set[:q.Set])
	if e != 0 {
		return e.Result()
	}
	pairs := r.buf[:q.Pairs*abi.HwprobeSize]
	if e := r.as.ReadUser(abi.UserAddr(c.Arg0()), pairs); e != 0 {
		return e.Result()
	}
	if q.Which {
		cpus = k.arch.machine.Which(pairs, cpus)
		hwprobe.PutSet(set[:q.Set], cpus)
		if e := r.as.WriteUser(abi.UserAddr(c.Arg3()), set[:q.Set]); e != 0 {
			return e.Result()
		}
	} else {
		k.arch.machine.Values(pairs, cpus)
	}
	return r.put(c.Arg0(), pairs)
}

var _ [bufSize - hwprobe.MaxPairs*abi.HwprobeSize]struct{}

// sysFlushICache: start, end, flags. What the addresses are doesn't matter: FENCE.I
// is for all of them.
func sysFlushICache(r *runner, c *metal.Context) uint64 {
	local, e := hwprobe.FlushICache(c.Arg2())
	if e != 0 {
		return e.Result()
	}
	r.codeChanged(!local)
	return 0
}

// codeChanged makes this CPU fetch what was stored as code, and the others before
// they run this program again, if all; at once those that are out.
func (r *runner) codeChanged(all bool) {
	k.arch.codeChanges++
	r.seeCode()
	if !all || !k.several {
		return
	}
	for i := range k.runners {
		if o := &k.runners[i]; o != r && o.has(r.as) {
			o.orders |= orderLook // one that is in would go out again as it is
		}
	}
	r.barrier(r.as)
}

// codeMapped is for a page that a program wants to execute and that was mapped just
// now. In a frame that somebody has stored to, harts may have fetched other code; what
// is the boot archive's is as it was before there were programs.
func (r *runner) codeMapped(at uint64) {
	if r.as.Stored(at) {
		r.codeChanged(true)
	}
}

// seeCode makes this CPU fetch what was stored as code since it last did.
func (r *runner) seeCode() {
	if r.arch.codeSeen != k.arch.codeChanges {
		r.arch.codeSeen = k.arch.codeChanges
		metal.FenceCode()
	}
}

// archKernel and archRunner are what this architecture has in kernel and runner.
type archKernel struct {
	machine     hwprobe.Machine
	harts       [metal.MaxCPUs]hwprobe.Hart
	codeChanges uint64 // how often code was stored, and once for what was before there were programs
}

type archRunner struct {
	codeSeen uint64 // of codeChanges
}

const (
	relocatedBase = 0x10_5555_5000 // of position-independent programs; and a random number

	// Bits of random numbers of pages, of 26 that an address has: Linux's
	// CONFIG_ARCH_MMAP_RND_BITS is 18 to 24 on riscv64.
	topBits   = 22 // of the gap above the stack, and of relocatedBase
	guardBits = 18 // of the guard below it
)

// ownArch is which programs are loaded.
const ownArch = loader.RISCV64

// maxFrame is the size of the largest frame of a signal.
func maxFrame() int { return signal.MaxFrameRISCV64(int(32 * metal.VectorLength())) }

func hwcap() uint64    { return userISA().HWCAP() }
func minStack() uint64 { return uint64(maxFrame()) }

// userISA is what programs may use.
func userISA() riscv64.ISA {
	isa := metal.ISA()
	if metal.VectorLength() == 0 {
		isa &^= riscv64.ExtV
	}
	return isa
}

// setUpArch is the part of setUp for this architecture.
func (k *kernel) setUpArch() {
	n := metal.CPUs()
	for i := range k.arch.harts[:n] {
		k.arch.harts[i].ISA = metal.ISA()
	}
	k.arch.codeChanges = 1
	k.arch.machine = hwprobe.Machine{
		Harts: k.arch.harts[:n], Online: 1<<(n-1)<<1 - 1, Vector: metal.VectorLength() != 0,
		Ticks: metal.ClockHz(), Misaligned: abi.RISCV_HWPROBE_MISALIGNED_UNKNOWN,
	}
}
