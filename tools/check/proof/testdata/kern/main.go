// SPDX-License-Identifier: Apache-2.0

// Kern is a program with functions that keep the rules of docs/checks.md and
// functions that break each of them. It is built, never run.
package main

import (
	"fmt"
	"math/bits"
	"strconv"
	"sync/atomic"
)

var (
	words   [64]uint64
	counter atomic.Uint64
	object  *int
	objects []int
	names   map[string]int
	hook    func(int) int
	calls   = [...]func(int) int{double, halve}
	records = []struct {
		name string
		call func(int) int
	}{{"double", double}, {"grow", grow}}
	sink any
	fsum float64
)

func main() {
	for i := range words {
		trapGood(i)
		trapAlloc(i)
		trapBarrier(&i)
		trapPanic(i)
		trapLibrary(i)
		trapRecursion(i)
		trapPointer(i)
		trapTable(i)
		trapRecords(i)
		trapInlined(i)
		trapWrong(i)
		trapDeep(i)
		trapFatal(i)
		noallocGood(i)
		noallocAppend(i)
		noallocGo(i)
		noallocTable(i)
		nofpuGood(i)
		nofpuFloat(i)
		nofpuClear(i)
		fatalBad(i)
		inlinedRoot(i)
	}
	trapSyscall()
	trapStack()
	trapNewStack()
	trapPushes()
	trapLoop()
	nocallGood()
	nocallBad()
	nocallChain()
	nocallExcept()
	nocallNobody()
	nofpuVector()
	nofpuSystem()
	gate()
	only(int(words[0]))
}

//go:noinline
func double(i int) int { return 2 * i }

//go:noinline
func halve(i int) int { return i / 2 }

//go:noinline
func grow(i int) int {
	objects = append(objects, i)
	return len(objects)
}

// trapGood may do all this: index checks, a switch through a jump table,
// copies, atomics, intrinsics, a division that may overflow.
//
//loam:trap stack=512
//go:noinline
func trapGood(i int) {
	copy(words[i:], words[:i])
	counter.Add(uint64(bits.LeadingZeros64(words[i])))
	words[63], _ = bits.Div64(words[1], words[2], words[3])
	switch i {
	case 0:
		words[9] = 3
	case 1:
		words[8] = 4
	case 2:
		words[7] = 1
	case 3:
		words[6] = 5
	case 4:
		words[5] = 9
	case 5:
		words[4] = 2
	case 6:
		words[3] = 6
	case 7:
		words[2] = 5
	case 8:
		words[1] = 3
	}
}

//loam:trap stack=4096
//go:noinline
func trapAlloc(i int) { helper(i) }

//go:noinline
func helper(i int) { object = new(i) }

//loam:trap stack=4096
//go:noinline
func trapBarrier(p *int) { object = p }

//loam:trap stack=4096
//go:noinline
func trapPanic(i int) {
	if i > 3 {
		panic("no")
	}
}

//loam:trap stack=4096
//go:noinline
func trapLibrary(i int) int {
	n, _ := strconv.Atoi("7")
	return n
}

//loam:trap stack=4096
//go:noinline
func trapRecursion(i int) int {
	if i == 0 {
		return 1
	}
	return i * other(i-1)
}

//go:noinline
func other(i int) int { return trapRecursion(i) + 1 }

//loam:trap stack=4096
//go:noinline
func trapPointer(i int) int { return hook(i) }

//loam:trap stack=4096
//loam:indirect table=calls
//go:noinline
func trapTable(i int) int { return calls[i&1](i) }

// trapRecords finds an allocation behind a table of records.
//
//loam:trap stack=4096
//loam:indirect table=tableOfRecords,table=hook
//go:noinline
func trapRecords(i int) int { return tableOfRecords[i&1].call(i) }

var tableOfRecords = [2]struct {
	name string
	call func(int) int
}{{"double", double}, {"grow", grow}}

// dispatch is inlined; its annotation holds where it lands.
//
//loam:indirect double, ha*
func dispatch(i int) int { return hook(i) }

//loam:trap stack=4096
//go:noinline
func trapInlined(i int) int { return dispatch(i) + 1 }

//loam:trap stack=4096
//loam:indirect nobody
//go:noinline
func trapWrong(i int) int { return hook(i) }

//loam:trap stack=300
//go:noinline
func trapDeep(i int) int { return deeper(i) + 1 }

//go:noinline
func deeper(i int) int {
	var room [40]int
	room[i&31] = i
	return deepest(&room, i)
}

//go:noinline
func deepest(room *[40]int, i int) int { return room[i] }

//loam:trap stack=4096
//go:noinline
func trapFatal(i int) {
	if i > 60 {
		halt(i)
	}
}

// halt never returns, so what it does is its own business.
//
//loam:fatal
//go:noinline
func halt(i int) {
	fmt.Println(i)
	for {
		counter.Add(1)
	}
}

//loam:fatal
//go:noinline
func fatalBad(i int) {
	if i > 0 {
		halt(i)
	}
}

//loam:noalloc
//go:noinline
func noallocGood(i int) int {
	if i > 70 {
		bug("too large", i)
	}
	if i > 80 {
		panic(fmt.Sprintf("far too large: %d", i))
	}
	object = &words0
	return names["x"] + halve(i)
}

var words0 int

// bug allocates, but only to panic.
//
//go:noinline
func bug(what string, i int) { panic(fmt.Sprint(what, i)) }

//loam:noalloc
//go:noinline
func noallocAppend(i int) int { return grow(i) }

//loam:noalloc
//go:noinline
func noallocGo(i int) { go halve(i) }

//loam:noalloc
//loam:indirect table=calls
//go:noinline
func noallocTable(i int) int {
	for {
		calls[i&1](i)
		sink = objects
	}
}

//loam:nofpu
//go:noinline
func nofpuGood(i int) uint64 { return words[i] * 3 }

//loam:nofpu
//go:noinline
func nofpuFloat(i int) { scale(i) }

//go:noinline
func scale(i int) { fsum *= float64(i) }

//loam:nofpu
//go:noinline
func nofpuClear(i int) int {
	var room [64]int
	room[i&63] = 1
	return deepest((*[40]int)(room[:]), i)
}

//loam:noalloc
func inlinedRoot(i int) int { return i + 1 }

//loam:trap stack=64
func trapSyscall()

//loam:trap stack=64
func trapStack()

//loam:trap stack=64
func trapNewStack()

//loam:trap stack=24
func trapPushes()

//loam:trap stack=4096
func trapLoop()

func nocallGood()
func nocallBad()
func nocallChain()
func nocallExcept()
func nocallNobody()
func nofpuVector()
func nofpuSystem()
func gate()

// unmarked is called by gate.
//
//go:noinline
func unmarked() { words[0]++ }
