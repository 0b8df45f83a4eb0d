//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"loam/abi"
	"loam/kernel/pool"
	"loam/kernel/signal"
	"loam/kernel/space"
	"loam/machine/metal"
)

// What a process consists of, for who answers its calls (/proc of Linux).

// areaKinds are the kinds of areas as others know them. What guards others isn't told.
var areaKinds = [...]abi.AreaKind{
	space.Anonymous: abi.AreaPlain, space.Archive: abi.AreaProgram, space.Stack: abi.AreaStack, space.Heap: abi.AreaHeap,
	space.Growing: abi.AreaPlain, space.Object: abi.AreaShared, space.Private: abi.AreaPrivate, space.Device: abi.AreaDevice,
}

// loamProcessArea: endpoint, process id, address, where to put a ProcessArea.
func loamProcessArea(r *runner, c *metal.Context) uint64 {
	p, e := r.managed(c.Arg0(), c.Arg1())
	if e != 0 {
		return e.Result()
	}
	areas := k.spaces.Index(p.memory).Areas()
	a, ok := areas.Next(c.Arg2())
	for ok && a.Kind == space.Guard { // a stack's, and there is one stack
		a, ok = areas.Next(a.End)
	}
	if !ok {
		return abi.ENOENT.Result()
	}
	info := abi.ProcessArea{Start: a.Start, End: a.End, Offset: a.Offset, Kind: areaKinds[a.Kind], Prot: uint32(a.Prot)}
	switch {
	case p.vdso == 0:
	case a.Start == p.vdso:
		info.Kind = abi.AreaVDSO
	case a.End == p.vdso:
		info.Kind = abi.AreaVVAR
	}
	var b [abi.ProcessAreaSize]byte
	info.Put(b[:])
	return r.put(c.Arg3(), b[:])
}

// loamProcessThread: endpoint, process id, thread id, where to put a ThreadInfo.
func loamProcessThread(r *runner, c *metal.Context) uint64 {
	p, e := r.managed(c.Arg0(), c.Arg1())
	if e != 0 {
		return e.Result()
	}
	found := pool.Nil
	var next *Thread
	for i := p.members.First(); i != pool.Nil; i = p.members.Next(k.siblings, i) {
		t := k.threads.Index(i)
		if !t.gone && uint64(t.tid) >= c.Arg2() && (next == nil || t.tid < next.tid) {
			found, next = i, t
		}
	}
	if next == nil {
		return abi.ENOENT.Result()
	}
	return r.tellThread(found, next, c.Arg3())
}

// loamProcessSignals: endpoint, process id, thread id or 0, where a ProcessSignals is and goes.
func loamProcessSignals(r *runner, c *metal.Context) uint64 {
	p, e := r.managed(c.Arg0(), c.Arg1())
	if e != 0 {
		return e.Result()
	}
	i := p.leader
	if c.Arg2() != 0 {
		var ok bool
		if i, ok = p.thread(c.Arg2()); !ok {
			return abi.ESRCH.Result()
		}
	}
	var b [abi.ProcessSignalsSize]byte
	if e := r.as.ReadUser(abi.UserAddr(c.Arg3()), b[:]); e != 0 {
		return e.Result()
	}
	if e := r.present(c.Arg3(), abi.ProcessSignalsSize); e != 0 { // a signal that is taken can't be put back
		return e.Result()
	}
	s := abi.GetProcessSignals(b[:])
	t := &k.threads.Index(i).sig
	p.sig.Watch(s.Watch)
	signal.Look(&p.sig, t, &s)
	s.Info, _ = signal.Take(&p.sig, t, s.Take)
	s.Put(b[:])
	return r.put(c.Arg3(), b[:])
}
