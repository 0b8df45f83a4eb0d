//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"loam/abi"
	"loam/kernel/memory"
	"loam/kernel/object"
	"loam/kernel/pool"
	"loam/kernel/space"
	"loam/machine/metal"
	"loam/machine/tables"
)

// Memory objects: their headers beside package memory's records, and the calls
// on them. A record outlives its handles while something maps it, and the header,
// which its account pays for, outlives the record.

// setUpMemory makes room for n memory objects.
func (k *kernel) setUpMemory(n int) {
	k.memories.Init(k.env.Mem, k.frames, n)
	k.memoryHeaders = tables.Make[int32](tableSource, n)
	k.pagers = tables.Make[pager](tableSource, n)
}

// reapMemory gives back a piece of memory objects that nobody can name any more,
// and reports whether there was one.
func (r *runner) reapMemory() bool {
	if !k.memories.Dying() {
		return false
	}
	if i := k.memories.Reap(); i != pool.Nil {
		r.dropPager(i)
		header := k.memoryHeaders[i]
		k.objects.At(header).Record = pool.Nil
		k.objects.Free(header)
		if i == k.consoleMemory {
			k.consoleMemory = pool.Nil
			metal.YieldConsoles(0)
		}
		r.maybeFinish()
	}
	return true
}

// memory gives the record of the memory object that a handle names.
func (r *runner) memory(h uint64, need abi.Rights) (int32, abi.Errno) {
	i, e := r.object(h, abi.KindMemory, need)
	if e != 0 {
		return 0, e
	}
	return k.objects.At(i).Record, 0
}

// space gives the space that a handle names. ESRCH: its process has ended.
func (r *runner) space(h uint64) (*space.Space, abi.Errno) {
	i, e := r.object(h, abi.KindSpace, abi.RightMap)
	if e != 0 {
		return nil, e
	}
	index := k.objects.At(i).Record
	if index == pool.Nil || k.spaces.Index(index).ending {
		return nil, abi.ESRCH
	}
	return &k.spaces.Index(index).Space, 0
}

// newMemory makes the header of a memory object, which the caller is charged for,
// and reads its name.
func (r *runner) newMemory(name, n uint64) (header int32, b [abi.MemoryNameSize]byte, e abi.Errno) {
	switch {
	case r.handles().Room() == 0:
		return 0, b, abi.EMFILE
	case n > uint64(len(b)):
		return 0, b, abi.ENAMETOOLONG
	case k.frames.Low():
		return 0, b, abi.ENOMEM
	}
	if e = r.as.ReadUser(abi.UserAddr(name), b[:n]); e != 0 {
		return 0, b, e
	}
	header, e = k.objects.New(abi.KindMemory, pool.Nil, r.p.objects.Account)
	return header, b, e
}

// giveMemory gives the caller a handle to memory object i with the header of
// newMemory, which goes if there is an error instead.
func (r *runner) giveMemory(c *metal.Context, header, i int32, name *[abi.MemoryNameSize]byte, e abi.Errno) uint64 {
	if e != 0 {
		k.objects.Release(header)
		return r.noRoom(c, e)
	}
	k.memories.SetName(i, name[:])
	k.objects.At(header).Record = i
	k.memoryHeaders[i] = header
	return r.give(header)
}

// noRoom answers a call that would make a memory object. Those that nobody can name
// any more are charged to their accounts until they are given back: as long as there
// are any the call is made again, each time after another piece of that.
func (r *runner) noRoom(c *metal.Context, e abi.Errno) uint64 {
	if (e == abi.EDQUOT || e == abi.ENOSPC) && k.memories.Dying() {
		r.work |= workChoose
		return c.Rewind()
	}
	return e.Result()
}

// loamMemoryCreate: size, name, its length, flags.
func loamMemoryCreate(r *runner, c *metal.Context) uint64 {
	if c.Arg3()&^abi.MemoryOpen != 0 || c.Arg0()%abi.PageSize != 0 || c.Arg0() == 0 || c.Arg0() > memory.MaxPages*abi.PageSize {
		return abi.EINVAL.Result()
	}
	header, name, e := r.newMemory(c.Arg1(), c.Arg2())
	if e != 0 {
		return r.noRoom(c, e)
	}
	i, e := k.memories.New(c.Arg0()/abi.PageSize, k.objects.Pages(r.p.objects.Account))
	if e == 0 && c.Arg3() != 0 {
		k.memories.SetOpen(i)
	}
	return r.giveMemory(c, header, i, &name, e)
}

// loamMemoryClone: memory, offset, length, name, its length.
func loamMemoryClone(r *runner, c *metal.Context) uint64 {
	of, e := r.memory(c.Arg0(), abi.RightRead)
	end := c.Arg1() + c.Arg2()
	switch {
	case e != 0:
		return e.Result()
	case (c.Arg1()|c.Arg2())%abi.PageSize != 0 || end < c.Arg1():
		return abi.EINVAL.Result()
	}
	header, name, e := r.newMemory(c.Arg3(), c.Arg4())
	if e != 0 {
		return r.noRoom(c, e)
	}
	i, e := k.memories.Clone(of, c.Arg1()/abi.PageSize, end/abi.PageSize, k.objects.Pages(r.p.objects.Account))
	return r.giveMemory(c, header, i, &name, e)
}

// loamMemoryResize goes in pieces, each a call of its own.
func loamMemoryResize(r *runner, c *metal.Context) uint64 {
	i, e := r.memory(c.Arg0(), abi.RightManage)
	if e == 0 && c.Arg1()%abi.PageSize != 0 {
		e = abi.EINVAL
	}
	if e == 0 {
		e = k.memories.Resize(i, c.Arg1()/abi.PageSize)
	}
	if e == memory.More {
		r.work |= workChoose
		return c.Rewind()
	}
	return e.Result()
}

// loamMemoryDecommit goes in pieces, each a call of its own: what is done already
// takes no time.
func loamMemoryDecommit(r *runner, c *metal.Context) uint64 {
	i, e := r.memory(c.Arg0(), abi.RightManage)
	end := c.Arg1() + c.Arg2()
	if e == 0 && ((c.Arg1()|c.Arg2())%abi.PageSize != 0 || end < c.Arg1()) {
		e = abi.EINVAL
	}
	if e != 0 {
		return e.Result()
	}
	next, e := k.memories.Decommit(i, c.Arg1()/abi.PageSize, end/abi.PageSize)
	if e == 0 && next < end/abi.PageSize {
		r.work |= workChoose
		return c.Rewind()
	}
	return e.Result()
}

func loamMemoryInfo(r *runner, c *metal.Context) uint64 {
	i, e := r.memory(c.Arg0(), abi.RightRead)
	if e != 0 {
		return e.Result()
	}
	var b [abi.MemoryInfoSize]byte
	abi.MemoryInfo{
		Size:   k.memories.Pages(i) * abi.PageSize,
		Backed: k.memories.Frames(i) * abi.PageSize,
		Mapped: k.memories.Mapped(i) * abi.PageSize,
		Name:   k.memories.Name(i),
	}.Put(b[:])
	return r.put(c.Arg1(), b[:])
}

// mappable gives an area for the memory object that a handle names, if it may be
// mapped with that protection, with what mprotect may not add to it later.
func (r *runner) mappable(h, prot uint64) (a space.Area, e abi.Errno) {
	if a, e = r.asked(h, prot); e == 0 && prot&abi.PROT_READ == 0 {
		e = abi.EINVAL
	}
	return a, e
}

// asked is mappable for any protection, also none.
func (r *runner) asked(h, prot uint64) (a space.Area, e abi.Errno) {
	const access = abi.PROT_READ | abi.PROT_WRITE | abi.PROT_EXEC
	a = space.Area{Kind: space.Object, Prot: space.Prot(prot & access)}
	need := abi.RightRead
	if prot&abi.MapPrivate != 0 {
		a.Kind = space.Private
	} else if prot&abi.PROT_WRITE != 0 {
		need |= abi.RightWrite
	}
	if prot&abi.PROT_EXEC != 0 {
		need |= abi.RightExecute
	}
	if a.Object, e = r.memory(h, need); e != 0 {
		return a, e
	}
	if prot&^(access|abi.MapPrivate) != 0 {
		return a, abi.EINVAL
	}
	if k.memories.Device(a.Object) {
		if prot&(abi.MapPrivate|abi.PROT_EXEC) != 0 {
			return a, abi.EINVAL
		}
		a.Kind = space.Device
	}
	_, rights, _, _ := object.Look(r.handles(), abi.Handle(h))
	if a.Kind == space.Object && !rights.Has(abi.RightWrite) {
		a.Deny |= space.Write
	}
	if !rights.Has(abi.RightExecute) {
		a.Deny |= space.Exec
	}
	return a, 0
}

// loamMemoryMap: space, memory, address, offset, length, protection.
func loamMemoryMap(r *runner, c *metal.Context) uint64 {
	s, e := r.space(c.Arg0())
	if e != 0 {
		return e.Result()
	}
	var a space.Area
	if c.Arg5()&abi.MapOwn != 0 {
		a, e = ownMemory(c)
	} else {
		a, e = r.mappable(c.Arg1(), c.Arg5())
	}
	switch {
	case e != 0:
		return e.Result()
	case c.Arg4() == 0 || c.Arg2()+c.Arg4() < c.Arg2() || (c.Arg2()|c.Arg3()|c.Arg4())%abi.PageSize != 0:
		return abi.EINVAL.Result()
	case r.low():
		return abi.ENOMEM.Result()
	}
	a.Start, a.End, a.Offset = c.Arg2(), c.Arg2()+c.Arg4(), c.Arg3()
	if a.Start != 0 {
		return r.piece(a.Start, s.Map(&r.t.memory, a))
	}
	return r.piece(s.MapAnywhere(&r.t.memory, a))
}

// ownMemory gives the area of a space's own memory that CallMemoryMap asks for.
func ownMemory(c *metal.Context) (space.Area, abi.Errno) {
	prot := c.Arg5() &^ abi.MapOwn
	if c.Arg1()|c.Arg3() != 0 || prot&^(abi.PROT_READ|abi.PROT_WRITE|abi.PROT_EXEC) != 0 {
		return space.Area{}, abi.EINVAL
	}
	return space.Area{Kind: space.Anonymous, Prot: space.Prot(prot)}, 0
}

// loamMemoryUnmap: space, address, length.
func loamMemoryUnmap(r *runner, c *metal.Context) uint64 {
	s, e := r.space(c.Arg0())
	if e != 0 {
		return e.Result()
	}
	if c.Arg2()%abi.PageSize != 0 {
		return abi.EINVAL.Result()
	}
	return r.piece(0, s.MUnmap(&r.t.memory, abi.UserAddr(c.Arg1()), c.Arg2()))
}
