//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"encoding/binary"
	"sync/atomic"

	"loam/abi"
	"loam/abi/channel"
	"loam/archive"
	"loam/kernel/procimage"
	"loam/kernel/space"
	"loam/loader"
	"loam/machine/metal"
	"loam/machine/tables"
)

// Config is what the kernel's main program decides. There is nothing yet.
type Config struct{}

// Run starts the first program of the boot archive and runs the machine until
// it has ended. It never returns: the caller becomes the first CPU's runner.
func Run(Config) {
	fillCalls()
	k.setUpCPUs()
	for i := 1; i < len(k.runners); i++ {
		go k.runners[i].run()
	}
	startCollecting()
	startCounting()
	r := &k.runners[0]
	metal.RunOn(r.cpu)
	k.stats.memoryMiB = metal.Machine().MemoryBytes >> 20
	k.setUp() // here, where no collection can start
	if m := k.stats.mallocs; m != nil {
		m.read(r.cpu)
	}
	atomic.StoreUint32(&k.ready, 1)
	for i := 1; i < len(k.runners); i++ {
		k.runners[i].cpu.Kick()
	}
	r.comeIn()
	k.stats.ownedAtStart, k.stats.nodesAtStart = programFrames(), k.nodes.Left()
	r.startFirst()
	k.askForMap()
	k.stats.firstEntry = metal.Now()
	atomic.StoreUint32(&k.stats.collections.running, 1)
	metal.StartMeasuring()
	r.loop()
}

// run runs the threads of a CPU other than the first.
func (r *runner) run() {
	metal.RunOn(r.cpu)
	for atomic.LoadUint32(&k.ready) == 0 {
		r.cpu.Idle()
	}
	r.comeIn()
	r.loop()
}

// startFirst starts the file "init", if there is one, or else "program" with the
// arguments that lie beside it; both with the environment that does. Or it tells the
// host why that can't be.
func (r *runner) startFirst() {
	var l line
	from := k.firstOrigin()
	name := []byte("program")
	args, _ := k.files.Lookup([]byte("args"))
	if _, code := k.files.Lookup([]byte("init")); code == archive.OK {
		name, args.Data, from.essential = []byte("init"), []byte("init\x00"), true
		k.byInit = true
	}
	p, e := k.startProgram(name, args.Data, &from, &l)
	if (e == abi.ENOMEM || e == abi.EDQUOT) && k.limited() && !k.frames.Low() {
		e, l = abi.EDQUOT, line{}
		l.text("its limit of memory is too low for it (--memory-limit)")
	}
	if e != 0 {
		exit(channel.NotStarted, uint32(e), l.done())
	}
	if k.giveMachine(p) != 0 {
		panic("core: the first process may have no machine")
	}
	k.first = p.handle.Index
	if !k.limited() {
		k.objects.UnlimitPages(p.objects.Account)
	}
	r.inputChanged()
	r.enqueue(p.leader, metal.Now())
}

// startProgram makes a process of a file of the boot archive, with the environment that
// lies beside it. Its first thread is not runnable yet. With an error why says more, for
// people.
func (k *kernel) startProgram(name, args []byte, from *origin, why *line) (*Process, abi.Errno) {
	file, code := k.files.Lookup(name)
	if code != archive.OK {
		reason := code.Error()
		if len(metal.Archive()) == 0 {
			reason = "there is no boot archive"
		}
		why.text(reason)
		return nil, abi.ENOENT
	}
	img := &k.image
	if code := loader.Parse(file.Data, loader.TargetFor(ownArch), img); code != loader.OK {
		why.text("the program ")
		why.text(code.Error())
		return nil, abi.ENOEXEC
	}
	env, _ := k.files.Lookup([]byte("env"))
	p, e := k.newProcess(from)
	if e == 0 {
		if e = k.load(p, name, file, img, args, env.Data); e != 0 {
			k.undoProcess(p)
		}
	}
	switch e {
	case 0:
		return p, 0
	case abi.E2BIG:
		why.text("the arguments and the environment are too long: 2 MiB at most")
	case abi.ENOMEM, abi.EAGAIN:
		why.text("the machine has too little memory for the program (-m gives it more)")
	default:
		why.text(e.Error())
	}
	return nil, e
}

// newProcess makes a process with an empty space, standard streams and one
// thread. EAGAIN: there are too many. EDQUOT, ENOSPC: for the account above.
// ENOMEM.
func (k *kernel) newProcess(from *origin) (*Process, abi.Errno) {
	ph, p, ok := k.processes.Get()
	if !ok {
		return nil, abi.EAGAIN
	}
	sh, s, ok := k.spaces.Get()
	if !ok {
		k.processes.Put(ph)
		return nil, abi.EAGAIN
	}
	p.handle, p.space, s.handle = ph, sh.Index, sh
	k.sched.ResetGroup(ph.Index)
	p.sig.Touch() // with the fields at both ends, all pages of the record have memory now
	p.name = [len(p.name)]byte{}
	if e := k.newProcessObjects(p, s, from); e != 0 {
		k.spaces.Put(sh)
		k.processes.Put(ph)
		return nil, e
	}
	p.parentPID, p.essential, p.highest = from.parent, from.essential, from.highest
	p.memory = p.space
	if e := k.initSpace(s); e != 0 {
		k.objects.DropRecord(p.objects.Object)
		k.objects.EndProcess(&p.objects)
		k.spaces.Put(sh)
		k.processes.Put(ph)
		return nil, e
	}
	tb, e := k.poll.NewTable()
	if e == 0 {
		k.tables[ph.Index] = tb
		var i int32
		var t *Thread
		if i, t, e = k.newThread(p); e == 0 {
			t.leader = true
			p.leader, p.pid = i, t.tid
			k.touched += k.objects.Table(p.space).Touch()
			k.objects.Furnish(&k.handles[p.space], &p.objects, t.object)
			return p, 0
		}
		k.poll.FreeTable(tb)
		k.tables[ph.Index] = nil
	}
	k.dying.PushBack(k.dyingLinks, sh.Index)
	k.objects.DropRecord(p.objects.Object)
	k.processes.Put(ph)
	return nil, e
}

// initSpace makes an empty space, which its owner's account pays for.
func (k *kernel) initSpace(s *Space) abi.Errno {
	return s.Init(&space.Config{Account: k.objects.Pages(s.owner.Account), Env: k.env, Kernel: metal.KernelTables(), Pool: &k.nodes, Objects: &k.memories,
		Low: lowestAddress, High: highestAddress(), Dirty: &k.dirty, DirtyBits: workFlush, AbsentBits: workAbsent, Shoot: k.shoot})
}

// undoProcess gives back a process that never ran.
func (k *kernel) undoProcess(p *Process) {
	k.freeThread(p.leader)
	k.poll.FreeTable(k.tables[p.handle.Index])
	k.tables[p.handle.Index] = nil
	k.dying.PushBack(k.dyingLinks, p.space)
	k.objects.DropRecord(p.objects.Object)
	k.processes.Put(p.handle)
}

// The layout of a program's addresses: the stack at the top, below a random gap;
// mappings grow down from it, behind a guard of random size; the program where it
// was linked, or at a random place if it relocates itself; the heap of brk a random
// distance behind it. Distances have as many random bits as Linux gives them, in
// pages (arch/x86/mm/mmap.c, fs/binfmt_elf.c).
const (
	lowestAddress = 0x10000
	stackSize     = 8 << 20 // bytes; backed as it is used
	stackGuard    = 1 << 20 // bytes below it that stay unmapped, at least

	brkBits = 13
)

// randomPages gives up to 2^bits pages in bytes. One draw of random bytes makes the
// whole layout of most programs.
func randomPages(bits uint) uint64 {
	if k.chances < bits {
		var b [8]byte
		metal.Random(b[:])
		k.chance, k.chances = binary.LittleEndian.Uint64(b[:]), 64
	}
	n := k.chance & (1<<bits - 1)
	k.chance, k.chances = k.chance>>bits, k.chances-bits
	return n * abi.PageSize
}

func highestAddress() uint64 { return abi.UserLimit - randomPages(topBits) }

// load fills the space of p with a program and its first stack, and sets the
// registers of its thread.
func (k *kernel) load(p *Process, name []byte, file archive.File, img *loader.Image, args, env []byte) abi.Errno {
	s := &k.spaces.Index(p.space).Space
	base := uint64(0)
	if img.Relocatable {
		base = (relocatedBase + randomPages(topBits)) &^ (img.Align - 1)
	}
	for i := range img.SegmentCount {
		if e := mapSegment(s, &img.Segments[i], base, file); e != 0 {
			return e
		}
	}
	s.SetBrk(base + img.High() + randomPages(brkBits))
	c := k.contexts[p.leader]
	clock, e := k.mapVDSO(s)
	if e != 0 {
		return e
	}
	p.vdso = clock
	sp, e := buildStack(s, base, clock, img, name, args, env)
	if e != 0 {
		return e
	}
	c.SetStart(base+img.Entry, sp)
	copy(p.name[:len(p.name)-1], shortName(args, name))
	return 0
}

// mapSegment maps a segment from where it lies in the boot archive.
func mapSegment(s *space.Space, seg *loader.Segment, base uint64, file archive.File) abi.Errno {
	a := space.Area{Start: base + seg.FirstPage(), End: base + seg.EndPage(), Prot: space.Read}
	if seg.Access&loader.Write != 0 {
		a.Prot |= space.Write
	}
	if seg.Access&loader.Execute != 0 {
		a.Prot |= space.Exec
	}
	if seg.FileSize > 0 {
		const inPage = abi.PageSize - 1
		a.Kind = space.Archive
		a.Phys = metal.ArchivePhys() + uint64(file.Offset) + seg.Offset&^inPage
		a.Bytes = seg.Addr&inPage + seg.FileSize
	}
	return s.Map(&k.memory, a)
}

// buildStack maps the first stack and puts onto it what a program expects.
func buildStack(s *space.Space, base, clock uint64, img *loader.Image, name, args, env []byte) (uint64, abi.Errno) {
	const guard = space.Guard
	top, e := s.MapAnywhere(&k.memory, space.Area{End: stackSize, Prot: space.Read | space.Write, Kind: space.Stack})
	if e != 0 {
		return 0, e
	}
	below := top - stackGuard - randomPages(guardBits)
	if e := s.Map(&k.memory, space.Area{Start: below, End: top, Kind: guard}); e != 0 {
		return 0, e
	}
	top += stackSize
	l := &k.stack
	if e := l.Plan(top, args, env, len(name)); e != 0 {
		return 0, e
	}
	l.Aux(abi.AT_PAGESZ, abi.PageSize)
	l.Aux(abi.AT_RANDOM, l.Random)
	if img.HeaderAddr != 0 {
		l.Aux(abi.AT_PHDR, base+img.HeaderAddr)
		l.Aux(abi.AT_PHENT, uint64(img.HeaderSize))
		l.Aux(abi.AT_PHNUM, uint64(img.HeaderCount))
	}
	l.Aux(abi.AT_ENTRY, base+img.Entry)
	l.Aux(abi.AT_HWCAP, hwcap())
	l.Aux(abi.AT_CLKTCK, ticksPerSecond)
	l.Aux(abi.AT_UID, 0)
	l.Aux(abi.AT_EUID, 0)
	l.Aux(abi.AT_GID, 0)
	l.Aux(abi.AT_EGID, 0)
	l.Aux(abi.AT_SECURE, 0)
	l.Aux(abi.AT_EXECFN, l.Name)
	l.Aux(abi.AT_MINSIGSTKSZ, minStack())
	if clock != 0 {
		l.Aux(abi.AT_SYSINFO_EHDR, clock)
	}
	l.Seal()
	return l.SP, writeStack(s, l, name, args, env)
}

// writeStack writes the strings and the vectors.
func writeStack(s *space.Space, l *procimage.Layout, name, args, env []byte) abi.Errno {
	if l.SP < l.Name-stackSize/2 {
		return abi.E2BIG
	}
	random := k.runners[k.holder].buf[:procimage.RandomSize]
	metal.Random(random)
	e := s.WriteUser(abi.UserAddr(l.Random), random)
	if e == 0 {
		e = s.WriteUser(abi.UserAddr(l.Args), args)
	}
	if e == 0 {
		e = s.WriteUser(abi.UserAddr(l.Env), env)
	}
	if e == 0 {
		e = s.WriteUser(abi.UserAddr(l.Name), name)
	}
	words, at := k.words[:], l.SP
	for w, n := l.Start(args, env), len(words); e == 0 && n == len(words); {
		n = w.Fill(words)
		e = s.WriteWords(abi.UserAddr(at), words[:n])
		at += uint64(n) * 8
	}
	return e
}

// shortName is the last part of the first argument, or the file's name.
func shortName(args, name []byte) []byte {
	end := 0
	for end < len(args) && args[end] != 0 {
		end++
	}
	start := end
	for start > 0 && args[start-1] != '/' {
		start--
	}
	if start == end {
		return name
	}
	return args[start:end]
}

// loamBootFile: name, its length, where to put a BootFile. See abi.CallBootFile.
func loamBootFile(r *runner, c *metal.Context) uint64 {
	name, e := r.fileName(c.Arg0(), c.Arg1())
	if e != 0 {
		return e.Result()
	}
	file, code := k.files.Lookup(name)
	if code != archive.OK {
		return abi.ENOENT.Result()
	}
	if k.frames.Low() {
		return abi.ENOMEM.Result()
	}
	// The answer's place is checked before anything is mapped.
	if e := r.writable(c.Arg2(), abi.BootFileSize); e != 0 {
		return e.Result()
	}
	answer := abi.BootFile{Size: uint64(len(file.Data))}
	if answer.Size > 0 {
		size := (answer.Size + abi.PageSize - 1) &^ (abi.PageSize - 1)
		answer.Addr, e = r.as.MapAnywhere(&r.t.memory, space.Area{End: size, Prot: space.Read, Kind: space.Archive,
			Phys: metal.ArchivePhys() + uint64(file.Offset), Bytes: answer.Size})
		if e != 0 {
			return r.piece(0, e)
		}
	}
	var b [abi.BootFileSize]byte
	answer.Put(b[:])
	return r.put(c.Arg2(), b[:])
}

// readArchive makes the directory of the boot archive.
func (k *kernel) readArchive() {
	b := metal.Archive()
	k.files.Read(b, tables.Make[archive.Place](tableSource, archive.MostFiles(len(b))))
}

// fileName reads the name of a boot archive file into k.name.
func (r *runner) fileName(addr, n uint64) ([]byte, abi.Errno) {
	if n > archive.MaxName {
		return nil, abi.ENAMETOOLONG
	}
	b := k.name[:n]
	return b, r.as.ReadUser(abi.UserAddr(addr), b)
}

// Bounds of CallSpawn, in bytes: of the argument strings, and of the memory that
// parent and child share.
const (
	mostSpawnArgs = 4096
	mostShared    = 1 << 20
)

// loamSpawn: name, its length, arguments, their length, shared memory, its
// length. See abi.CallSpawn.
func loamSpawn(r *runner, c *metal.Context) uint64 {
	name, e := r.fileName(c.Arg0(), c.Arg1())
	if e != 0 {
		return e.Result()
	}
	if c.Arg3() > mostSpawnArgs {
		return abi.E2BIG.Result()
	}
	args := k.args[:c.Arg3()]
	if e := r.as.ReadUser(abi.UserAddr(c.Arg2()), args); e != 0 {
		return e.Result()
	}
	if (c.Arg4()|c.Arg5())%abi.PageSize != 0 || c.Arg5() > mostShared {
		return abi.EINVAL.Result()
	}
	if k.frames.Low() {
		return abi.ENOMEM.Result()
	}
	var why line
	from := origin{parent: r.p.pid, account: r.p.objects.Account, limits: abi.DefaultLimits()}
	p, e := k.startProgram(name, args, &from, &why)
	if e == abi.EDQUOT || e == abi.ENOSPC {
		e = abi.EAGAIN
	}
	if e != 0 {
		return e.Result()
	}
	if c.Arg5() > 0 {
		if e := r.as.ShareInto(&k.spaces.Index(p.space).Space, c.Arg4(), c.Arg5()); e != 0 {
			k.undoProcess(p)
			return e.Result()
		}
	}
	r.inputChanged() // the child's standard input is as ready as everybody's
	r.enqueue(p.leader, metal.Now())
	r.work |= workChoose
	return uint64(p.pid)
}
