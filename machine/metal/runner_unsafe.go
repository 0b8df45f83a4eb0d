//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import (
	"runtime"
	"unsafe"
)

//go:linkname acquirem runtime.acquirem
func acquirem() unsafe.Pointer

//go:linkname releasem runtime.releasem
func releasem(m unsafe.Pointer)

// RunOn turns the calling goroutine into the runner of a CPU and goes on there:
// locked to its thread, not preemptible, its stack grown and backed, interrupts
// off. It must be called once for each CPU, before any method of the CPU.
func RunOn(cpu *CPU) {
	entries() // the reference that keeps start, and so everything here, in the linked kernel
	runtime.LockOSThread()
	growStack()
	acquirem()
	cli()
	kernelCall(callPin, cpu.id, 0)
	// The guard that askRunners looks at must be where it thinks it is.
	guard, sp := load64(cpu.runnerG+guardOffset), addr(&cpu)
	if guard != stackPreempt && (guard > sp || sp-guard > 2*runnerStack) {
		machineFatal("the runtime's stack guard is not where it was")
	}
}

// growStack makes the goroutine's stack at least runnerStack bytes and
// touches all of it, so that the runner's stack faults or grows never again
// (gcshrinkstackoff=1 keeps it).
//
//go:noinline
func growStack() byte {
	var space [runnerStack]byte
	for i := 0; i < len(space); i += pageSize {
		space[i] = 1
	}
	return space[len(space)-1]
}

const runnerStack = 64 << 10

// pausePoint lets Go's scheduler take the runner off, if the collector
// asked for it: releasem arms the stack check of the next prologue. Interrupts
// are on meanwhile, for the runtime waits in loops that only end when another
// of its threads gets the CPU (casGToPreemptScan while a stack is scanned).
func pausePoint() {
	m := acquirem() // the m itself; balanced below
	releasem(m)
	sti()
	releasem(m)
	stackCheck()
	acquirem()
	cli()
}

//go:noinline
func stackCheck() byte {
	var b [256]byte
	return clear256(&b)
}

//go:noinline
func clear256(b *[256]byte) byte {
	*b = [256]byte{}
	return b[7]
}
