//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import (
	"loam/machine/frame"
	classes "loam/machine/heap"
)

// The kernel's heap of size classes (package heap): what this floor takes contexts,
// tables and buffers from, in the direct map. The stacks of CPUs are not objects of
// it: they are mapped page by page, above guards.

var objects classes.Heap

// The kinds of what is taken from it.
var (
	contextKind classes.Kind // of programs' threads
	threadKind  classes.Kind // contexts of the kernel's threads
	tableKind   classes.Kind // a page for the processor's eyes
	inputKind   classes.Kind // input from the host
)

// contextsReady is how many contexts are there before somebody asks, and stay: what a Go
// program of a few threads takes, besides the kernel.
const contextsReady = 8

// startObjects makes the heap, once the direct map is where it stays.
func startObjects(cpu *CPU) {
	end := uint64(0)
	for i := range usable.Len() {
		end = max(end, usable.At(i).End())
	}
	if code := objects.Init(memory, &frames, min(end, frame.MaxAddress+1)); code != classes.OK {
		machineFatal("no heap: ", code.String())
	}
	for _, k := range [...]struct {
		kind  *classes.Kind
		size  uint64
		owner classes.Owner
	}{
		{&contextKind, pageSize, classes.Context},
		{&threadKind, pageSize, classes.Thread},
		{&tableKind, pageSize, classes.Table},
		{&inputKind, inputSize, classes.Ring},
	} {
		kind, code := classes.KindOf(k.size, pageSize, k.owner)
		if code != classes.OK {
			machineFatal("a kind of objects: ", code.String())
		}
		*k.kind = kind
	}
	if code := objects.Prepare(contextKind, contextsReady); code != classes.OK {
		machineFatal("no contexts: ", code.String())
	}
	cpu.objects = objects.Front(uint32(cpu.id))
}

// newObject returns the physical address of an object of whole pages, zeroed; 0 if
// there is no memory.
func newObject(k classes.Kind) uint64 {
	pa, code := thisCPU().objects.Alloc(k)
	if code != classes.OK {
		return noObject(code)
	}
	for at := pa; at < pa+k.Size(); at += pageSize {
		memory.Zero(at)
	}
	return pa
}

// noObject is what a request that was refused returns, if the machine goes on.
//
//go:noinline
func noObject(code classes.Code) uint64 {
	if code != classes.NoMemory {
		endAtObject(code)
	}
	return 0
}

// freeObject gives it back.
func freeObject(k classes.Kind, pa uint64) {
	if code := thisCPU().objects.Free(k, pa); code != classes.OK {
		endAtObject(code)
	}
}

// endAtObject says what is wrong with an object, and ends the machine.
//
//loam:fatal
func endAtObject(code classes.Code) {
	r := objects.Last()
	beginPanic()
	showLog()
	puts("objects: ")
	puts(code.String())
	puts(" at 0x")
	putHex(r.Addr, 1)
	puts(": ")
	if r.Taken {
		puts(r.Owner.String())
		puts("'s ")
	}
	putDec(r.Size)
	puts(" bytes from 0x")
	putHex(r.Object, 1)
	puts(", by ")
	puts(r.Asked.String())
	puts(" for ")
	putDec(r.Want)
	puts(" bytes\n")
	machineFatal("a mistake in the use of objects")
}

// newContext returns a Context as it is at a thread's start, or nil.
func newContext(k classes.Kind) *Context {
	pa, code := thisCPU().objects.Alloc(k)
	if code != classes.OK {
		noObject(code)
		return nil
	}
	c := contextAt(memory.Virtual(pa))
	clear(bytesAt(addr(c), c.size())) // nobody looks at the rest of the frame
	c.setInitial()
	return c
}

// Objects is the heap of size classes: for figures and tests. Who takes objects from
// it has interrupts off.
func Objects() *classes.Heap { return &objects }

// Objects is the CPU's front of it.
func (cpu *CPU) Objects() classes.Front { return cpu.objects }

// ProgramContexts is the number of contexts that programs' threads have.
func ProgramContexts() uint64 {
	var u classes.Usage
	objects.Owned(classes.Context, &u)
	return u.Objects
}

// objectBytes is how many bytes of frames the heap of size classes has.
func objectBytes() uint64 {
	var s classes.Stats
	objects.Stats(&s)
	return s.Frames * pageSize
}
