// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

// Command fuzz throws random calls and random instructions at the kernel.
//
//	fuzz -seed N [-seconds N] [-children N] [-first N] [-limit D]
//
// It starts children of itself, a few at a time, and gives each a
// seed that says all that it does: how many threads, which calls with which
// arguments, which pieces of code, which forged signal frames. Some are made by
// CallSpawn and have only what they make; others by CallProcessCreate, and share
// endpoints, notifications, memory, the machine and each other with their siblings, as
// clients, servers and pagers of each other, until the parent stops them, kills them or
// revokes what they have. A child may die
// of it, hang, or end; what it may not do is to bring down the kernel, change
// what its parent has, or leave anything behind. The parent kills what hangs,
// checks its own memory and registers, and watches how much memory is free. What
// the kernel itself finds at the end is in its figures (loam run -v): everything
// in "left_" must be 0.
//
// What the children don't do, because the machine would rightly end or break: see
// loamForms.
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
	limit := flag.Duration("limit", 2500*time.Millisecond, "time for one child, since it has begun")
	flag.Parse()
	fmt.Printf("fuzz: seed %d\n", *seed)
	p := &parent{seed: *seed, limit: *limit, random: rand.New(rand.NewPCG(*seed, 0))}
	p.run(*first, *children, time.Now().Add(time.Duration(*seconds)*time.Second))
	p.results.print()
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
