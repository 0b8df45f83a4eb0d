//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"encoding/binary"
	"math/bits"

	"loam/abi"
	"loam/archive"
	"loam/kernel/decode"
	"loam/kernel/futex"
	"loam/kernel/ipc"
	"loam/kernel/memory"
	"loam/kernel/object"
	"loam/kernel/poll"
	"loam/kernel/pool"
	"loam/kernel/procimage"
	"loam/kernel/sched"
	"loam/kernel/space"
	"loam/kernel/timeq"
	"loam/loader"
	"loam/machine/claim"
	"loam/machine/frame"
	"loam/machine/metal"
	"loam/machine/paging"
	"loam/machine/spin"
	"loam/machine/tables"
)

// kernel is what all CPUs share; kernelLock guards it. Each runner's own state is
// in runner.
type kernel struct {
	runners []runner           // of each CPU
	several bool               // there are several; true in checked builds
	shoot   func(*space.Space) // the function of that name, nil with one CPU
	ready   uint32             // 1 once setUp is done; atomic
	holder  int32              // the runner that has, or had last, the kernel lock
	dirty   uint32             // workFlush: some space has translations to forget; workAbsent, workMap
	alarmed int32              // the runner whose timer is for k.timers
	alarm   int64              // the deadline that it looks after, decode.Never without one

	alarmFrom int64 // no alarm comes earlier: see spare

	frames *frame.Allocator
	env    paging.Env
	nodes  space.Pool // of the areas of all spaces

	threads     *pool.Pool[Thread]
	contexts    []*metal.Context // of each thread, by its index
	seats       []seat           // of each thread
	processes   *pool.Pool[Process]
	spaces      *pool.Pool[Space]
	threadLimit int32 // of one process

	sched       *sched.Scheduler
	ipc         *ipc.System
	orphans     pool.List // endpoints where nobody can receive, and somebody waits or they are to be freed
	orphanLinks []pool.Link
	barriers    uint32 // means nothing: for its memory barrier
	futexes     *futex.Table
	timers      *timeq.Queue // threads first, then the interval timers of processes, then mapTimer, refillTimer and timer objects
	firstTimer  int32        // the place of the first timer object there

	clocks    *pool.Pool[timer] // timer objects
	lines     [metal.MaxLines]interrupt
	ports     claim.Set
	registers claim.Set // by physical address

	links    []pool.Link // of threads in waiting
	siblings []pool.Link // of threads in their process's members
	waiting  pool.List   // threads in forChild

	poll   *poll.System
	tables []*poll.Table // of each process, by its index

	objects object.Objects
	handles []object.Table // of each process, by its space's index

	news      pool.List // processes of which there is news (news.go)
	newsLinks []pool.Link

	leavingLinks []pool.Link
	leaving      pool.List // ended processes that have threads

	dyingLinks []pool.Link
	dying      pool.List // spaces to be destroyed

	watches [numWatches]watch

	first      int32 // the process that the machine runs for
	ending     bool  // it has ended
	endReason  line  // for people
	byInit     bool  // the first process is init, and hasn't said how the machine ends
	tids       []uint32
	wallOffset int64      // real time less Now, ns
	memory     space.Call // of the kernel itself, while it makes a process
	files      archive.Directory
	chance     uint64 // random bits that randomPages has left
	chances    uint   // how many
	vdso       uint64 // physical address of the pages of package vdso, 0: none
	unknown    unknownCalls
	stats      counters

	arch archKernel

	frame [frameMax]byte        // a signal's frame while it is made or read
	name  [archive.MaxName]byte // of a boot archive file, from a call
	args  [mostSpawnArgs]byte

	image loader.Image     // of a program, while it is loaded
	stack procimage.Layout // of its first stack
	words [64]uint64       // that are written there

	request [abi.MaxProcessRequest]byte // of ProcessCreate

	touched     uint64   // means nothing: keeps reads that are there for the fault
	pieces      uint64   // that reap has given back
	memoryLimit uint64   // of the first process, frames
	own         []uint64 // for candidates: frames of each account

	memories      memory.Objects
	memoryHeaders []int32 // of each memory object, its header
	consoleMemory int32   // the object of the registers of the kernel's console, or pool.Nil
	pagers        []pager // of each, who brings its pages
	memoryTurn    bool    // the next piece to be given back is theirs, not a space's
}

// k is the kernel; the runners are its only users.
var k kernel

// frameMax holds a signal frame with the largest state that a Context can hold.
const frameMax = 5120

// Bounds of the tables. A thread's context is a frame; tables as large as an
// eighth of memory could hold are never the first to be full.
const (
	leastThreads = 64
	mostThreads  = 4096
	leastSpaces  = 8
	mostSpaces   = 1280
	spareThreads = 16 // that one process leaves to others

	// framesPerSpace is how much memory there is for each process where there are as many
	// threads as there can be: the tables are for small processes then.
	framesPerSpace = 120

	pipeBytes = 16 << 10

	mostInterrupts = metal.MaxLines
)

// tableSource is where tables without pointers come from: not the Go heap.
var tableSource = &tables.Source{Range: metal.TableRange, Frames: metal.Frames()}

// setUp makes the tables. All that the kernel proper allocates, it allocates
// here.
func (k *kernel) setUp() {
	k.frames = metal.Frames()
	k.env = paging.Env{Mem: metal.Phys(), Frames: k.frames, Format: metal.Format()}
	k.stats.freeAtStart = k.frames.Stats().Free

	threads := 1 << (bits.Len(uint(min(max(k.stats.freeAtStart/8, leastThreads), mostThreads))) - 1)
	spaces := max(threads/16, leastSpaces)
	if threads == mostThreads {
		spaces = int(min(k.stats.freeAtStart/framesPerSpace, mostSpaces))
	}
	k.threadLimit = int32(threads - spareThreads)
	k.threads = pool.In[Thread](tableSource, threads)
	k.contexts = make([]*metal.Context, threads)
	k.seats = make([]seat, threads)
	k.tids = tables.Make[uint32](tableSource, threads)
	k.processes = pool.In[Process](tableSource, spaces)
	k.spaces = pool.New[Space](spaces)
	k.nodes.Frames = k.frames
	k.nodes.Init(tables.Make[space.Node](tableSource, max(int(k.stats.freeAtStart), 1024)))

	k.sched = sched.New(tableSource, len(k.runners), threads, spaces)
	k.ipc = ipc.New(tableSource, threads, threads/2)
	k.orphanLinks = tables.Make[pool.Link](tableSource, threads/2)
	k.timers = timeq.New(tableSource, threads+spaces*timersPerProcess+2+threads/timerShare)
	k.firstTimer = k.refillTimer() + 1
	var secret [16]byte
	metal.Random(secret[:])
	k.futexes = futex.New(tableSource, threads, [2]uint64{
		binary.LittleEndian.Uint64(secret[:]), binary.LittleEndian.Uint64(secret[8:])})
	pipes := min(max(threads/8, 16), 128)
	k.poll = poll.New(poll.Config{
		From: tableSource, Threads: threads, Tables: spaces, Files: spaces*8 + 4*pipes, Pipes: pipes, PipeBytes: pipeBytes,
		Watches: 8 * threads, PipesPerTable: pipes / 2, WatchesPerTable: threads * 2,
	})
	k.tables = make([]*poll.Table, spaces)
	k.setUpObjects(threads, spaces)
	k.setUpDevices(threads)
	k.own = tables.Make[uint64](tableSource, spaces)
	k.links = tables.Make[pool.Link](tableSource, threads)
	k.siblings = tables.Make[pool.Link](tableSource, threads)
	k.dyingLinks = tables.Make[pool.Link](tableSource, spaces)
	k.newsLinks = tables.Make[pool.Link](tableSource, spaces)
	k.leavingLinks = tables.Make[pool.Link](tableSource, spaces)
	for i := range k.runners {
		k.runners[i].queue = k.sched.Queue(i)
	}
	setUpAudit()
	k.keepReserve(threads)
	k.wallOffset = metal.WallTime() - metal.Now()
	k.readArchive()
	k.makeVDSO()
	k.setUpArch()
	if maxFrame() > frameMax {
		panic("core: a signal frame doesn't fit its buffer")
	}
}

// keepReserve makes the reserve of the frame allocator as large as it has to be. Its
// first half is for what a program causes and is refused then, which stops there
// (tables.Source, frame.Allocator.Scarce). What may still grow after that is bounded by
// what was admitted before, and has to fit the second half: what the scheduler, the
// timers and the queues keep of each thread, which they first touch when the thread
// runs or waits; and spare frames for the kernel's own heap, more of them if the
// collector is to run. What the tables keep of a process is there when it has been
// admitted: its handles are all touched then (object.Table.Touch).
func (k *kernel) keepReserve(threads int) {
	const (
		aThread    = 640          // bytes
		aThreadCPU = 2 * (24 + 4) // of each thread in the queues of each CPU
		spare      = 16           // frames
		collecting = 128          // frames
	)
	late := threads * (aThread + len(k.runners)*aThreadCPU)
	need := uint64(late/abi.PageSize + spare)
	if k.stats.collections.on {
		need += collecting
	}
	k.frames.SetReserve(max(k.frames.Reserved(), 2*need))
}

// setUpCPUs makes a runner for each CPU.
func (k *kernel) setUpCPUs() {
	k.runners = make([]runner, metal.CPUs())
	k.alarm = decode.Never
	k.several = len(k.runners) > 1 || spin.Checked
	setUpYield()
	if k.several {
		k.shoot = shoot
	}
	for i := range k.runners {
		r := &k.runners[i]
		r.id, r.cpu = int32(i), metal.CPUAt(i)
		r.index, r.entity, r.loaded, r.armed = sched.None, sched.None, pool.Nil, decode.Never
	}
}

// Thread ids are 1 + index + n*capacity: the id names its slot, and a slot used
// again gets another id. They stay below Linux's highest, 2^22.
const tidLimit = 1 << 22

// nextTID gives the id of the next thread in slot i.
func (k *kernel) nextTID(i int32) uint32 {
	n := uint32(k.threads.Cap())
	tid := k.tids[i] + n
	if k.tids[i] == 0 || tid >= tidLimit {
		tid = uint32(i) + 1
	}
	k.tids[i] = tid
	return tid
}

// find gives the thread with that id, or nil. An ended leader still counts.
func (k *kernel) find(tid uint32) *Thread {
	n := uint32(k.threads.Cap())
	i := int32((tid - 1) & (n - 1))
	if h, ok := k.threads.HandleOf(i); !ok || k.tids[i] != tid || h.Index != i {
		return nil
	}
	return k.threads.Index(i)
}

// findProcess gives the process with that id, or nil; one that has ended and
// that nobody has waited for counts.
func (k *kernel) findProcess(pid uint32) *Process {
	for i := k.processes.Next(pool.Nil); i != pool.Nil; i = k.processes.Next(i) {
		if p := k.processes.Index(i); p.pid == pid {
			return p
		}
	}
	return nil
}
