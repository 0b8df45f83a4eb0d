//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import "loam/machine/frame"

// How frames of the heap come back. Go's runtime says which pages it needs no more
// (madvise, munmap: mostly its scavenger); they read zero when they are touched
// again, for they get another frame then. The frame that a page had can serve
// somebody else as soon as no CPU knows the old translation:
//
//   - With one CPU: unmap, forget, free.
//   - With several: the calling kernel thread unmaps a piece, puts the frames aside,
//     has every other CPU interrupted, and blocks, as in a futex, until all have
//     forgotten. Then its call is made again, from its instruction on: it frees
//     what it has aside and goes on with the next piece. No lock is held meanwhile.
//     The pages belong to the caller until its call returns, so nobody may use them.
//   - A runner doesn't block: with several CPUs, what it gives back is zeroed where
//     it is, and keeps its frames until somebody else gives back the same pages. That
//     is rare, for the collector and the scavenger run elsewhere.
//
// Orders to forget are numbered; each CPU notes the last one that it has obeyed, with
// the machine lock held (CPU.forgot). It obeys when it takes the interrupt, or at the
// next call of Go's runtime that is made on it, whichever is first. A CPU with
// interrupts off is waited for, by a thread that sleeps.
//
// Rejected: waiting in a loop with the machine lock, which the other CPUs may need to
// come to where interrupts are on; forgetting lazily, at the next interrupt that
// comes anyway, with the frames in a list until then: an idle CPU gets none.

// The machine lock guards these.
var (
	forgets   uint64 // orders to forget that were given
	forgetful int32  // threads in kForget
)

const (
	// A piece of a call ends after as many frames, or entries of page tables that
	// were looked at: some 20,000 instructions, and 30,000 to free the frames.
	pieceFrames  = 512
	pieceEntries = 4096
	// From this many pages on, forgetting everything costs less.
	manyPages = 32
)

// heapGive answers munmap and madvise.
func heapGive(cpu *CPU, c *Context) int64 {
	t := &kthreads[cpu.current]
	start, end, code := heapPart(c.Arg0(), c.Arg1())
	if code != 0 {
		return code
	}
	freeAside(t) // by now every CPU has forgotten the piece before
	if t.runner && cpuCount > 1 {
		heapZero(start, end)
		return 0
	}
	next, n := t.unmap(start, end)
	switch {
	case n == 0 && next >= end:
		return 0
	case n == 0:
	case cpuCount == 1:
		freeAside(t)
	default:
		cpu.othersForget()
	}
	return c.again(next, end-next)
}

// heapPart checks a range as Linux does and returns it in whole pages; the part that
// is not the heap's is left out.
func heapPart(at, length uint64) (start, end uint64, code int64) {
	if at%pageSize != 0 || length > -at {
		return 0, 0, -einval
	}
	end = min((at+length+pageSize-1)&^(pageSize-1), heap.next)
	start = max(at, heap.start)
	return start, max(start, end), 0
}

// unmap takes pages from start on out of the heap and puts their frames aside, until
// the piece is full. It returns where to go on, and how many there were. This CPU has
// forgotten them then.
func (t *kthread) unmap(start, end uint64) (next uint64, n int) {
	va := start
	for seen := 0; va < end && seen < pieceEntries && n < pieceFrames; {
		table, span := kernelLeafs(va)
		upTo := min((va+span)&^(span-1), end)
		if table == nil {
			va = upTo
			seen++
			continue
		}
		for ; va < upTo && seen < pieceEntries && n < pieceFrames; va += pageSize {
			seen++
			pte := &table[va>>12&511]
			if *pte&ptePresent == 0 {
				continue
			}
			pa := pteFrame(*pte)
			*pte = 0
			*memory.Word(pa) = t.aside
			t.aside = pa
			if n++; n < manyPages {
				FlushPage(va)
			}
		}
	}
	if n >= manyPages {
		forgetAll()
	}
	return va, n
}

// freeAside gives back the frames that thread t has put aside.
func freeAside(t *kthread) {
	for t.aside != 0 {
		pa := t.aside
		t.aside = *memory.Word(pa)
		heap.frames--
		if code := frames.FreeOn(here(), pa, heap.owner); code != frame.OK {
			machineFatal("a frame of the kernel's heap can't be given back: ", code.String())
		}
	}
}

// othersForget orders every other CPU to forget, and blocks the current thread until
// they have.
func (cpu *CPU) othersForget() {
	forgets++
	cpu.forgot = forgets
	for i := range cpuCount {
		if c := &cpus[i%MaxCPUs]; c != cpu {
			nudge(c)
		}
	}
	forgetful++
	block(cpu, kForget, forgets, never)
}

// obey forgets what was ordered since this CPU has last, and lets the threads go on
// that no CPU keeps waiting any more.
func (cpu *CPU) obey() {
	if cpu.forgot == forgets {
		return
	}
	forgetAll()
	cpu.forgot = forgets
	if forgetful == 0 {
		return
	}
	obeyed := forgets // by every CPU, with all before
	for i := range cpuCount {
		obeyed = min(obeyed, cpus[i%MaxCPUs].forgot)
	}
	for i := range kthreadTop {
		if t := &kthreads[i%maxKThreads]; t.state == kForget && t.futex <= obeyed {
			forgetful--
			ready(cpu, i) // its result is there: it makes its call again
		}
	}
}

// heapZero makes a range of whole pages read zero, where it is.
func heapZero(start, end uint64) {
	for va := start; va < end; {
		table, span := kernelLeafs(va)
		next := min((va+span)&^(span-1), end)
		if table != nil {
			for i := va; i < next; i += pageSize {
				if pte := table[i>>12&511]; pte&ptePresent != 0 {
					memory.Zero(pteFrame(pte))
				}
			}
		}
		va = next
	}
}
