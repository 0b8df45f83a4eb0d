// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

// Command fuzz throws random calls and random instructions at the kernel.
//
//	fuzz -seed N [-seconds N] [-children N] [-first N] [-limit D]
//
// It starts children of itself by CallSpawn, a few at a time, and gives each a
// seed that says all that it does: how many threads, which calls with which
// arguments, which pieces of code, which forged signal frames. A child may die
// of it, hang, or end; what it may not do is to bring down the kernel, change
// what its parent has, or leave anything behind. The parent kills what hangs,
// checks its own memory and registers, and watches how much memory is free. What
// the kernel itself finds at the end is in its figures (loam run -v): everything
// in "left_" must be 0.
//
// A run is repeated by its seed, one child by -first and -children 1: the calls
// are the same, their order between threads is as the scheduler has it.
package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"syscall"
	"time"

	"loam/abi"
)

// Memory that parent and child have at the same address.
const (
	sharedAddr = 0x24_0000_0000
	sharedSize = 64 << 10
)

func main() {
	if len(os.Args) < 3 || os.Args[1] != "child" && os.Args[1] != "-seed" {
		os.Exit(3) // what a child has started, by any arguments, must not start children
	}
	if !onLoam() {
		fail("this is not Loam: its calls, kill(-1) among them, would hit everybody here")
	}
	if os.Args[1] == "child" {
		seed, err := strconv.ParseUint(os.Args[2], 10, 64)
		if err != nil {
			fail("%v", err)
		}
		child(seed)
	}
	seed := flag.Uint64("seed", 1, "says all that happens")
	seconds := flag.Int("seconds", 20, "how long")
	children := flag.Int("children", 1<<30, "how many at most")
	first := flag.Int("first", 0, "the first child's number")
	limit := flag.Duration("limit", time.Second, "time for one child")
	flag.Parse()
	fmt.Printf("fuzz: seed %d\n", *seed)
	p := &parent{seed: *seed, limit: *limit, random: rand.New(rand.NewPCG(*seed, 0))}
	p.run(*first, *children, time.Now().Add(time.Duration(*seconds)*time.Second))
	fmt.Printf("\nfuzz: done, seed %d, %d children, %d killed, %d died by a signal\n",
		*seed, p.started, p.killed, p.died)
}

// onLoam reports whether this is Loam.
func onLoam() bool {
	var u syscall.Utsname
	return syscall.Uname(&u) == nil && u.Version[0] == 'L' && u.Version[1] == 'o'
}

func fail(format string, args ...any) {
	fmt.Printf("\nfuzz: FAIL: "+format+"\n", args...)
	os.Exit(1)
}

// parent starts children and checks that all is well.
type parent struct {
	seed    uint64
	limit   time.Duration
	random  *rand.Rand
	pids    map[int]time.Time // when each is to be killed
	started int
	killed  int
	died    int
	canary  [4096]uint64
	free    uint64 // bytes, at the start
}

const (
	mostAtOnce   = 3
	canaryFactor = 0x9e3779b97f4a7c15
	leakAllowed  = 24 << 20 // bytes: what this program's own heap may vary
)

func (p *parent) run(first, children int, end time.Time) {
	mapAt(sharedAddr, sharedSize)
	p.pids = map[int]time.Time{}
	for i := range p.canary {
		p.canary[i] = uint64(i) * canaryFactor
	}
	p.free = freeMemory()
	for i := first; i < first+children && time.Now().Before(end); i++ {
		p.start(i)
		for len(p.pids) >= 1+p.random.IntN(mostAtOnce) {
			p.collect()
		}
		p.check()
	}
	for len(p.pids) > 0 {
		p.collect()
	}
	p.settle()
}

// start starts child number i.
func (p *parent) start(i int) {
	name := []byte("program")
	args := fmt.Appendf(nil, "fuzz\x00child\x00%d\x00", p.seed<<20+uint64(i))
	for try := 0; ; try++ {
		pid, e := call(abi.CallSpawn, addressOf(&name[0]), uint64(len(name)),
			addressOf(&args[0]), uint64(len(args)), sharedAddr, sharedSize)
		if e == 0 {
			p.started++
			limit := p.limit
			if p.random.IntN(4) == 0 { // in the middle of anything
				limit = time.Duration(p.random.Int64N(int64(limit)))
			}
			p.pids[int(pid)] = time.Now().Add(limit)
			return
		}
		// The space of one that has ended may not be free yet.
		if try > 5000 {
			fail("child %d can't be started: %v", i, e)
		}
		time.Sleep(time.Millisecond)
	}
}

// collect waits a little, for a child to end or for one's time to be up.
func (p *parent) collect() {
	time.Sleep(500 * time.Microsecond)
	for pid, due := range p.pids {
		var status syscall.WaitStatus
		got, err := syscall.Wait4(pid, &status, syscall.WNOHANG, nil)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			fail("wait for %d: %v", pid, err)
		case got == pid:
			delete(p.pids, pid)
			if status.Signaled() {
				p.died++
			}
		case time.Now().After(due):
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				fail("kill %d: %v", pid, err)
			}
			p.killed++
			p.pids[pid] = time.Now().Add(20 * time.Second)
			if time.Since(due) > 10*time.Second {
				fail("child %d does not end by SIGKILL", pid)
			}
		}
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
		time.Sleep(time.Millisecond)
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
