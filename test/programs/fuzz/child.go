// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"syscall"

	"loam/user/sys"
)

// The child's own memory.
const (
	arenaAddr   = 0x10_0000_0000 // what the calls are about
	arenaSize   = 1 << 20
	structSize  = 64 << 10       // its beginning holds arguments and mostly stays
	blocksAddr  = 0x20_0000_0000 // of the workers
	recordsAddr = 0x21_0000_0000
	codeAddr    = 0x22_0000_0000 // pieces of code
	codeSize    = 8 << 10
	pieceSize   = 128
	framesAddr  = 0x23_0000_0000 // forged signal frames
	framesSize  = 1 << 20
	mostWorkers = 8
	mostRecords = 400 // of one worker
)

// gen makes what one child does.
type gen struct {
	*rand.Rand
	workers int
	records []record // of the worker that is being made
	at      uint64   // their address
	n       int
	block   uint64
	started int    // workers that some clone record starts
	structs uint64 // bytes of the arena that have arguments
	frames  int    // forged so far

	handles  map[kind][]uint64 // that the child has when it begins
	results  map[kind][]uint64 // addresses of results that are handles
	tokens   []uint64          // addresses of tokens
	messages []uint64          // addresses of options
	size     uint64            // of the request that was made last
	now      uint64            // ns
	patient  bool              // waits may be without end
	clock    uint64            // address of a timespec
}

func child(seed uint64) {
	debug.SetGCPercent(-1)
	runtime.LockOSThread()
	g := &gen{Rand: rand.New(rand.NewPCG(seed, 1)), handles: map[kind][]uint64{}, results: map[kind][]uint64{}}
	g.workers = 1 + g.IntN(mostWorkers)
	if _, e := call(syscall.SYS_MADVISE, sharedAddr, sharedSize, 0); e != 0 { // started by hand
		mapAt(sharedAddr, sharedSize)
	}
	mapAt(arenaAddr, arenaSize)
	mapAt(blocksAddr, mostWorkers*blockSize)
	g.discover()
	g.mapRecords()
	mapAt(codeAddr, codeSize)
	mapAt(framesAddr, framesSize)
	g.fillArena()
	g.furnish()
	g.fillCode()
	g.now = uint64(sys.Monotonic())
	g.patient = g.IntN(3) == 0
	g.clock = g.words(0, 0)
	for w := range g.workers {
		g.fillWorker(w)
	}
	const readExec = 5
	must(syscall.SYS_MPROTECT, codeAddr, codeSize, readExec)
	g.setActions()
	if g.IntN(64) > 0 { // its own noise stays with it
		var fds [2]uint32
		must(syscall.SYS_PIPE2, addressOf(&fds[0]), 0)
		for fd := range uint64(3) {
			must(syscall.SYS_DUP3, uint64(fds[min(fd, 1)]), fd, 0)
		}
	}
	work(blockAt(blocksAddr))
}

// setActions has all signals handled by ours.
func (g *gen) setActions() {
	const siginfo, onstack, nodefer, restart = 4, 0x08000000, 0x40000000, 0x10000000
	for s := uint64(1); s <= 64; s++ {
		flags := uint64(siginfo | onstack | nodefer)
		if g.IntN(2) == 0 {
			flags |= restart
		}
		a := newAction(uint64(handlerAddr), flags, 0)
		_, _ = call(syscall.SYS_RT_SIGACTION, s, addressOf(&a[0]), 0, 8)
	}
}

// fillWorker makes the block and the records of worker w.
func (g *gen) fillWorker(w int) {
	g.block = blocksAddr + uint64(w)*blockSize
	b := blockAt(g.block)
	g.at = recordsAddr + uint64(w)*mostRecords*recordSize
	g.n = 20 + g.IntN(1+g.IntN(mostRecords-20))
	b.Now, b.First, b.Next, b.End = g.at, g.at, g.at, g.at+uint64(g.n)*recordSize
	b.Rounds = g.of(0, uint64(g.IntN(4)), uint64(g.IntN(100)), uint64(g.IntN(1000)))
	b.Exit = syscall.SYS_EXIT
	if w == 0 && g.IntN(4) > 0 {
		b.Exit = syscall.SYS_EXIT_GROUP
	}
	g.records = recordsAt(g.at, g.n)[:0]
	// The alternate stack comes first, so that faults are survived.
	stack := g.words(g.block+altStack, 0, blockSize-altStack)
	g.call(syscall.SYS_SIGALTSTACK, stack, 0)
	if w == 0 { // what hangs is woken
		timer := g.words(0, 200+g.Uint64N(2000), 0, 5000)
		g.call(syscall.SYS_SETITIMER, 0, timer, 0)
	}
	mood := g.IntN(4)
	for len(g.records) < g.n {
		switch k := g.IntN(100); {
		case w == 0 && g.started < g.workers-1 && k < 20:
			g.started++
			g.clone(blocksAddr + uint64(g.started)*blockSize)
		case k < 8:
			g.add(record{Op: opCode, Nr: g.Uint64(), Args: [6]uint64{
				codeAddr + uint64(g.IntN(codeSize/pieceSize)*pieceSize), g.value(), g.value(), g.value(), g.value(), g.value()}})
		case k < 11:
			g.forge()
		case mood == 1 && k < 50:
			g.serve()
		case mood == 2 && k < 40:
			g.talk()
		case mood > 0 && k < 75, k < 30:
			g.loamCall(g.choose(loamForms, loamWeights))
		default:
			g.randomCall()
		}
	}
}

func (g *gen) add(r record) {
	if r.Result = unset; len(g.records) < g.n {
		g.records = append(g.records, r)
	}
}

func (g *gen) call(nr uint64, args ...uint64) {
	r := record{Nr: nr}
	copy(r.Args[:], args)
	g.add(r)
}

// words puts words into the arena and gives their address.
func (g *gen) words(v ...uint64) uint64 {
	n := uint64(len(v)) * 8
	if g.structs+n > structSize {
		g.structs = structSize / 2 // over older ones
	}
	addr := arenaAddr + g.structs
	g.structs += n
	for i, x := range v {
		binary.LittleEndian.PutUint64(mem(addr+uint64(i)*8, 8), x)
	}
	return addr
}

// fillArena fills the arena with small numbers, times and addresses.
func (g *gen) fillArena() {
	b := mem(arenaAddr, structSize)
	for i := 0; i < len(b); i += 8 {
		v := g.value()
		if g.IntN(3) > 0 {
			v = uint64(g.IntN(1000))
		}
		binary.LittleEndian.PutUint64(b[i:], v)
	}
}

func (g *gen) clone(block uint64) {
	const flags = 0x50f00
	g.call(syscall.SYS_CLONE, flags|g.of(0, 0, 0x100000, 0x200000, 0x1000000, 0x80000), block+stackTop, g.address(), g.address(), g.address())
}

// noise fills b with anything and returns what then puts words into it.
func (g *gen) noise(b []byte) (put func(at int, v ...uint64)) {
	for i := range b {
		b[i] = byte(g.Uint32())
	}
	return func(at int, v ...uint64) {
		for i, x := range v {
			binary.LittleEndian.PutUint64(b[at+8*i:], x)
		}
	}
}
