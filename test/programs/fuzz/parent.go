// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"

	"loam/abi"
	"loam/user/object"
)

// parent starts children and checks that all is well.
type parent struct {
	seed    uint64
	limit   time.Duration
	random  *rand.Rand
	kids    []*kid
	pool    pool
	started int
	killed  int
	died    int
	canary  [4096]uint64
	free    uint64 // bytes, at the start
	results results
	slots   [mostAtOnce + 1]bool // that are taken
}

// kid is a child that lives.
type kid struct {
	pid     int
	made    object.Child  // of one that was made by CallProcessCreate
	records object.Memory // its records
	slot    int           // where the parent has them mapped
	limit   time.Duration // time for it, since it has begun
	begun   bool
	due     time.Time // when it is to be killed
	killed  bool
	stopped bool
}

const (
	mostAtOnce   = 8
	canaryFactor = 0x9e3779b97f4a7c15
	leakAllowed  = 24 << 20        // bytes: what this program's own heap may vary
	tidyEvery    = 24              // children
	startLimit   = 3 * time.Second // until a child has made what it does
)

// run starts children. It has the highest priority and never waits for another
// thread of its own: so it goes on whatever priority the children have.
func (p *parent) run(first, children int, end time.Time) {
	runtime.LockOSThread()
	debug.SetGCPercent(-1)
	if err := object.Thread(abi.HandleThread).Schedule(abi.MaxPriority, 0); err != nil {
		fail("the parent's priority: %v", err)
	}
	mapAt(sharedAddr, sharedSize)
	for i := range p.canary {
		p.canary[i] = uint64(i) * canaryFactor
	}
	p.free = freeMemory()
	p.pool.fill()
	for i := first; i < first+children && time.Now().Before(end); i++ {
		p.start(i)
		for len(p.kids) >= 1+p.random.IntN(mostAtOnce) {
			p.collect()
		}
		p.check()
		if p.started%tidyEvery == 0 {
			p.tidy()
		}
	}
	p.tidy()
	p.pool.drop()
	p.settle()
}

// tidy waits for all children, and makes what they are given anew.
func (p *parent) tidy() {
	for len(p.kids) > 0 {
		p.collect()
	}
	p.pool.drop()
	p.pool.fill()
	runtime.GC()
}

// start starts child number i.
func (p *parent) start(i int) {
	begin := p.spawn
	if p.random.IntN(4) > 0 || p.crowded() {
		begin = p.create
	}
	for try := 0; ; try++ {
		k, err := begin(p.seed<<20 + uint64(i))
		if err == nil {
			p.started++
			limit := p.limit
			if p.random.IntN(4) == 0 { // in the middle of anything
				limit = time.Duration(p.random.Int64N(int64(limit)))
			}
			k.limit = limit
			k.due = time.Now().Add(limit + startLimit)
			p.kids = append(p.kids, k)
			return
		}
		// The space of one that has ended may not be free yet.
		if try > 5000 {
			fail("child %d can't be started: %v", i, err)
		}
		sleep(time.Millisecond)
	}
}

// spawn starts a child that shares nothing but a piece of memory.
func (p *parent) spawn(seed uint64) (*kid, error) {
	name := []byte("program")
	args := fmt.Appendf(nil, "fuzz\x00child\x00%d\x00", seed)
	pid, e := call(abi.CallSpawn, addressOf(&name[0]), uint64(len(name)),
		addressOf(&args[0]), uint64(len(args)), sharedAddr, sharedSize)
	if e != 0 {
		return nil, e
	}
	return &kid{pid: int(pid)}, nil
}

// collect waits a little, does mischief, and sees which children have ended or whose time
// is up.
func (p *parent) collect() {
	sleep(500 * time.Microsecond)
	p.mischief()
	for i := len(p.kids) - 1; i >= 0; i-- {
		k := p.kids[i]
		status, ended, err := k.wait()
		switch {
		case err != nil:
			fail("wait for %d: %v", k.pid, err)
		case ended:
			p.kids = append(p.kids[:i], p.kids[i+1:]...)
			if status.Kind == abi.Signalled {
				p.died++
			}
			p.results.take(k)
			p.close(k)
		case !k.begun && k.made.Process != 0 && k.first().Nr != 0 && k.first().Result != unset:
			k.begun = true
			k.due = time.Now().Add(k.limit)
		case time.Now().After(k.due):
			if k.killed {
				fail("child %d does not end by SIGKILL", k.pid)
			}
			k.kill()
			p.killed++
			k.killed = true
			k.due = time.Now().Add(10 * time.Second)
		}
	}
}

// wait asks whether a child has ended.
func (k *kid) wait() (status abi.ExitStatus, ended bool, err error) {
	if k.made.Process != 0 {
		status, err = k.made.Process.Wait(0)
		if err == syscall.ETIMEDOUT || err == syscall.EINTR {
			return status, false, nil
		}
		return status, true, err
	}
	var s syscall.WaitStatus
	switch got, err := syscall.Wait4(k.pid, &s, syscall.WNOHANG, nil); {
	case err == syscall.EINTR:
		return status, false, nil
	case err != nil || got != k.pid:
		return status, false, err
	case s.Signaled():
		status.Kind = abi.Signalled
	}
	return status, true, nil
}

// kill ends a child, which may have ended already.
func (k *kid) kill() {
	err := error(nil)
	if k.made.Process != 0 {
		err = k.made.Process.Kill()
	} else {
		err = syscall.Kill(k.pid, syscall.SIGKILL)
	}
	if err != nil && err != syscall.ESRCH {
		fail("kill %d: %v", k.pid, err)
	}
}

// check looks whether what the children did can be seen here.
func (p *parent) check() {
	for i := range p.canary {
		if p.canary[i] != uint64(i)*canaryFactor {
			fail("word %d of the parent's memory changed to %#x", i, p.canary[i])
		}
	}
	if x := 1.0 / float64(3+len(p.canary)-4096); x != 0.3333333333333333 {
		fail("1/3 is %v", x)
	}
}

// settle waits until the memory of all children is free.
func (p *parent) settle() {
	for range 2000 {
		if free := freeMemory(); free+leakAllowed >= p.free {
			return
		}
		sleep(time.Millisecond)
	}
	fail("%d KiB were free before the first child, %d KiB after the last", p.free>>10, freeMemory()>>10)
}

func freeMemory() uint64 {
	var s syscall.Sysinfo_t
	if err := syscall.Sysinfo(&s); err != nil {
		fail("sysinfo: %v", err)
	}
	return s.Freeram
}

// sleep is time.Sleep of this thread alone.
func sleep(d time.Duration) {
	t := syscall.NsecToTimespec(int64(d))
	_, _ = call(syscall.SYS_NANOSLEEP, addressOf(&t), 0)
}
