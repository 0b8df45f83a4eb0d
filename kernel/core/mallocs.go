//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"loam/machine/bootinfo"
	"loam/machine/metal"
)

// mallocs counts what the kernel's Go heap is asked for while programs run (mallocs=1
// on the command line): what the kernel does for programs allocates nothing there.
//
// runtime.ReadMemStats is exact, since it stops the world and asks every P's cache;
// runtime/metrics leaves out what was taken from spans that are still in use. A
// goroutine of the spare P calls it, for who stops the world may have to wait, and
// a runner can't.
type mallocs struct {
	before, after runtime.MemStats
	wanted        uint32 // how often somebody wanted a reading; atomic
	done          uint32 // how many there were; atomic
}

// startCounting has the counting goroutine run if the command line wants it.
func startCounting() {
	if on, _ := bootinfo.Flag(metal.CommandLine(), "mallocs"); on {
		m := new(mallocs)
		k.stats.mallocs = m
		go m.count()
	}
}

// count reads the figures when they are wanted. What the runtime needs of the heap for
// that it takes before: it is done when many readings find nothing new.
func (m *mallocs) count() {
	const quiet = 16
	makeThreads()
	for n := 0; n < quiet; n++ {
		runtime.ReadMemStats(&m.before)
		if m.before.Mallocs != m.after.Mallocs {
			n = 0
		}
		m.after = m.before
		nap()
	}
	for into := &m.before; ; into = &m.after {
		for atomic.LoadUint32(&m.wanted) == m.done {
			nap()
		}
		runtime.ReadMemStats(into)
		atomic.AddUint32(&m.done, 1)
	}
}

// nap waits for a millisecond, in a call and not by time.Sleep, which would put a timer
// into the heap of whichever P it is on: for each P's first one that grows.
func nap() {
	ts := syscall.NsecToTimespec(int64(time.Millisecond))
	_ = syscall.Nanosleep(&ts, nil) // waiting is all it is for
}

// makeThreads has the runtime make as many threads as it can ever want: it makes them
// when something wakes up and none is idle, for instance when the world goes on.
func makeThreads() {
	const enough = 6
	var there sync.WaitGroup
	there.Add(enough)
	for range enough {
		go func() {
			runtime.LockOSThread() // so nobody else can have this thread
			there.Done()
			there.Wait()
			runtime.UnlockOSThread()
		}()
	}
	there.Wait()
}

// read has the figures read, once before any program runs and once when all have
// ended. Nobody has the kernel lock.
func (m *mallocs) read(cpu *metal.CPU) {
	want := atomic.AddUint32(&m.wanted, 1)
	for atomic.LoadUint32(&m.done) != want {
		cpu.SetDeadline(metal.Now() + int64(time.Millisecond))
		cpu.Idle()
	}
}

// readMallocs is read with the kernel lock held, at the end of the machine.
func (k *kernel) readMallocs() {
	if m := k.stats.mallocs; m != nil {
		r := &k.runners[k.holder]
		unlock()
		m.read(r.cpu)
		r.comeIn()
	}
}

// report tells the host.
func (m *mallocs) report() {
	stat("mallocs", m.after.Mallocs-m.before.Mallocs, "objects")
	stat("mallocs_bytes", m.after.TotalAlloc-m.before.TotalAlloc, "bytes")
	stat("go_heap", m.after.HeapAlloc>>10, "KiB")
}
