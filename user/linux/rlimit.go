// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"loam/abi"
	"loam/user/linux/program"
	"loam/user/linux/vfs"
)

// Limits of processes (prlimit(2)), which children inherit. Those of descriptors, of a file's size, of CPU time and of processes
// count; the others are kept and told.

// limits are those of a process, by their numbers.
type limits [abi.RLIM_NLIMITS]abi.Rlimit

// softFiles is the usual limit of descriptors, which a program may raise to MaxFiles.
const softFiles = 1024

// firstLimits are those of the first process.
func firstLimits() (l limits) {
	for i := range l {
		l[i] = abi.Rlimit{Cur: abi.RLIM_INFINITY, Max: abi.RLIM_INFINITY}
	}
	l[abi.RLIMIT_NOFILE] = abi.Rlimit{Cur: softFiles, Max: MaxFiles}
	l[abi.RLIMIT_STACK].Cur = program.StackSize
	l[abi.RLIMIT_NPROC] = abi.Rlimit{Cur: maxProcesses, Max: maxProcesses}
	l[abi.RLIMIT_CORE].Cur = 0
	return l
}

// mayGrow checks that a file may have so many bytes (RLIMIT_FSIZE), if it hasn't yet.
func (s *Server) mayGrow(t *task, f vfs.Attributes, size int64) abi.Errno {
	most := t.p.limits[abi.RLIMIT_FSIZE].Cur
	if uint64(size) <= most {
		return 0
	}
	var st abi.Stat
	if _, e := f.Stat(t.waiter, &st); e != 0 {
		return e
	}
	if st.Mode&abi.S_IFMT != abi.S_IFREG || size <= st.Size {
		return 0
	}
	return s.tooLarge(t)
}

// tooLarge is the error of what would make a file larger than it may be, and sends the signal for that.
func (s *Server) tooLarge(t *task) abi.Errno {
	s.kernel.Signal(t.Token, abi.SIGXFSZ)
	return abi.EFBIG
}

// boundWrite leaves of a write to a file what may be written (RLIMIT_FSIZE).
func (s *Server) boundWrite(t *task, f *file, b *span, off int64) abi.Errno {
	if b.Len() == 0 {
		return 0
	}
	n, e := s.mayWrite(t, f, off, int64(b.Len()))
	if e == 0 {
		b.bound(n)
	}
	return e
}

// mayWrite gives how many of n bytes may be written to a file from an offset on (RLIMIT_FSIZE).
func (s *Server) mayWrite(t *task, f *file, off, n int64) (int64, abi.Errno) {
	most := t.p.limits[abi.RLIMIT_FSIZE].Cur
	if most >= 1<<63-1 || f.path.Node.Mode()&abi.S_IFMT != abi.S_IFREG {
		return n, 0
	}
	if f.flags&abi.O_APPEND != 0 {
		var st abi.Stat
		if _, e := f.attributes.Stat(t.waiter, &st); e != 0 {
			return 0, e
		}
		off = st.Size
	}
	if off >= int64(most) {
		return 0, s.tooLarge(t)
	}
	return min(n, int64(most)-off), 0
}

// sysPrlimit64: process, resource, new limits, where to put the old ones.
func sysPrlimit64(s *Server, t *task) uint64 {
	p := s.ofPID(t, t.Args[0])
	if p == nil {
		return abi.ESRCH.Result()
	}
	if !t.p.mayLimit(p) {
		return abi.EPERM.Result()
	}
	return s.limit(t, p, t.Args[1], t.Args[2], t.Args[3])
}

func sysGetrlimit(s *Server, t *task) uint64 { return s.limit(t, t.p, t.Args[0], 0, t.Args[1]) }
func sysSetrlimit(s *Server, t *task) uint64 { return s.limit(t, t.p, t.Args[0], t.Args[1], 0) }

func (s *Server) limit(t *task, p *process, resource, set, old uint64) uint64 {
	if resource >= abi.RLIM_NLIMITS {
		return abi.EINVAL.Result()
	}
	was, want := p.limits[resource], p.limits[resource]
	b := s.scratch[:abi.RlimitSize]
	if set != 0 {
		if !s.get(t, set, b) {
			return abi.EFAULT.Result()
		}
		want = abi.GetRlimit(b)
		if want.Cur > want.Max {
			return abi.EINVAL.Result()
		}
		if resource == abi.RLIMIT_NOFILE && want.Max > MaxFiles || want.Max > was.Max && !t.p.who.caps.have(capSysResource) {
			return abi.EPERM.Result()
		}
	}
	if old != 0 {
		was.Put(b)
		if r := s.put(t, old, b); r != 0 {
			return r
		}
	}
	p.limits[resource] = want
	p.table.Limit = int(min(p.limits[abi.RLIMIT_NOFILE].Cur, MaxFiles))
	if set != 0 && resource == abi.RLIMIT_CPU {
		s.watchCPU(p)
	}
	return 0
}
