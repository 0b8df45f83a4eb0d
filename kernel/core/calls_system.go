//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"encoding/binary"

	"loam/abi"
	"loam/kernel/poll"
	"loam/machine/metal"
)

// putWord writes v to the first 8 bytes of b.
func putWord(b []byte, v uint64) { binary.LittleEndian.PutUint64(b, v) }

// putPair stores two words in the caller's memory: the shape of the times that
// most calls answer.
func (r *runner) putPair(addr, x, y uint64) uint64 {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[0:], x)
	binary.LittleEndian.PutUint64(b[8:], y)
	return r.as.WriteUser(abi.UserAddr(addr), b[:]).Result()
}

// utsname says Linux, with the release whose calls these are: programs of the
// Go toolchain look at the release before they use newer calls.
var utsname = abi.Utsname{
	Sysname: "Linux", Nodename: "loam", Release: "5.10.0-loam", Version: "Loam",
	Machine: "x86_64", Domainname: "(none)",
}

func sysUname(r *runner, c *metal.Context) uint64 {
	var b [abi.UtsnameSize]byte
	utsname.Put(b[:])
	return r.put(c.Arg0(), b[:])
}

func sysSysinfo(r *runner, c *metal.Context) uint64 {
	s := k.frames.Stats()
	info := abi.Sysinfo{
		Uptime: metal.Now() / 1e9, TotalRAM: s.Total * abi.PageSize, FreeRAM: s.Free * abi.PageSize,
		Procs: uint16(k.processes.Len()), Unit: 1,
	}
	var b [abi.SysinfoSize]byte
	info.Put(b[:])
	return r.put(c.Arg0(), b[:])
}

func sysGetrusage(r *runner, c *metal.Context) uint64 {
	if int32(c.Arg0()) == abi.RUSAGE_CHILDREN && r.p.forward.endpoint != 0 {
		return r.forward(c)
	}
	var u abi.Rusage
	now := metal.Now()
	switch int32(c.Arg0()) {
	case abi.RUSAGE_SELF:
		u.Utime = abi.TimevalOf(processTime(r.p, now))
		s := r.as.Stats()
		u.Maxrss = int64(s.Peak * abi.PageSize >> 10)
		u.Minflt = int64(s.Faults)
	case abi.RUSAGE_CHILDREN:
		u.Utime = abi.TimevalOf(r.p.childTime)
	case abi.RUSAGE_THREAD:
		u.Utime = abi.TimevalOf(r.threadTime(r.index))
		u.Nvcsw = int64(r.t.switches)
	default:
		return abi.EINVAL.Result()
	}
	var b [abi.RusageSize]byte
	u.Put(b[:])
	return r.put(c.Arg1(), b[:])
}

// limitOf gives a limit as it is; none can be changed.
func (r *runner) limitOf(resource uint64) (abi.Rlimit, bool) {
	same := func(v uint64) abi.Rlimit { return abi.Rlimit{Cur: v, Max: v} }
	switch resource {
	case abi.RLIMIT_STACK:
		return abi.Rlimit{Cur: stackSize, Max: abi.RLIM_INFINITY}, true
	case abi.RLIMIT_NOFILE:
		return same(poll.MaxFD), true
	case abi.RLIMIT_NPROC:
		return same(uint64(k.threadLimit)), true
	case abi.RLIMIT_CORE:
		return same(0), true
	}
	return same(abi.RLIM_INFINITY), resource < abi.RLIM_NLIMITS
}

func sysGetrlimit(r *runner, c *metal.Context) uint64 {
	return r.limits(c.Arg0(), 0, c.Arg1())
}

// sysPrlimit64: process, resource, new limits, where to put the old ones.
func sysPrlimit64(r *runner, c *metal.Context) uint64 {
	if pid := uint32(c.Arg0()); pid != 0 && pid != r.p.pid {
		return abi.ESRCH.Result()
	}
	return r.limits(c.Arg1(), c.Arg2(), c.Arg3())
}

// limits stores a limit at old and accepts new limits that change nothing, or
// that lower what nobody counts.
func (r *runner) limits(resource, set, old uint64) uint64 {
	limit, ok := r.limitOf(resource)
	if !ok {
		return abi.EINVAL.Result()
	}
	var b [abi.RlimitSize]byte
	if set != 0 {
		if e := r.as.ReadUser(abi.UserAddr(set), b[:]); e != 0 {
			return e.Result()
		}
		want := abi.GetRlimit(b[:])
		switch {
		case want.Cur > want.Max:
			return abi.EINVAL.Result()
		case want.Cur > limit.Max || want.Max > limit.Max:
			return abi.EPERM.Result()
		}
	}
	if old == 0 {
		return 0
	}
	limit.Put(b[:])
	return r.put(old, b[:])
}

// sysGetrandom: buffer, length, flags. The source never blocks.
func sysGetrandom(r *runner, c *metal.Context) uint64 {
	const known = abi.GRND_NONBLOCK | abi.GRND_RANDOM | abi.GRND_INSECURE
	if c.Arg2()&^known != 0 {
		return abi.EINVAL.Result()
	}
	// Linux too may answer less than was asked for, over 256 bytes. Interrupts
	// are off meanwhile.
	const most = 64 << 10
	n, done := min(c.Arg1(), most), uint64(0)
	for done < n {
		b := r.buf[:min(n-done, bufSize)]
		metal.Random(b)
		if e := r.as.WriteUser(abi.UserAddr(c.Arg0()+done), b); e != 0 {
			if done > 0 {
				break
			}
			return e.Result()
		}
		done += uint64(len(b))
	}
	return done
}

func sysGetcwd(r *runner, c *metal.Context) uint64 {
	if c.Arg1() < 2 {
		return abi.ERANGE.Result()
	}
	b := [2]byte{'/', 0}
	if e := r.put(c.Arg0(), b[:]); e != 0 {
		return e
	}
	return 2
}

func sysUmask(*runner, *metal.Context) uint64 { return 0o022 }
