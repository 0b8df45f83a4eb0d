// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"runtime"

	"loam/abi"
	"loam/loader"
	"loam/user/linux/lx"
	"loam/user/linux/program"
	"loam/user/linux/vfs"
	"loam/user/object"
)

// kernelProcs is the Processes of an endpoint to which their calls are forwarded.
type kernelProcs struct{ m object.Managed }

// target is what programs this machine runs.
func target() loader.Target {
	if runtime.GOARCH == "riscv64" {
		return loader.TargetFor(loader.RISCV64)
	}
	return loader.TargetFor(loader.AMD64)
}

// Clone is for Processes, and so are the others.
func (k kernelProcs) Clone(token uint64, q *abi.ProcessClone) (int32, abi.Errno) {
	pid, err := k.m.Clone(token, q)
	return int32(pid), lx.Errno(err)
}

// Copy copies piece by piece.
func (k kernelProcs) Copy(pid, to int32) abi.Errno {
	return lx.Errno(k.m.Copy(uint32(pid), uint32(to)))
}

// Replace makes the call.
func (k kernelProcs) Replace(token uint64, q *abi.ProcessReplace) (abi.ProcessReplaced, abi.Errno) {
	told, err := k.m.Replace(token, q)
	return told, lx.Errno(err)
}

// Place maps the pieces by a handle of the space.
func (k kernelProcs) Place(pid int32, pieces []program.Piece, m vfs.Memory) abi.Errno {
	space, err := k.m.Space(uint32(pid))
	if err != nil {
		return lx.Errno(err)
	}
	for i := range pieces {
		p := &pieces[i]
		if p.Own {
			_, err = space.MapOwn(p.Addr, p.Size, p.Prot)
		} else {
			_, err = space.MapPrivate(m.(*memory).m, p.Addr, abi.PageSize+p.Offset, p.Size, p.Prot)
		}
		if err != nil {
			break
		}
	}
	_ = object.Close(object.Handle(space))
	return lx.Errno(err)
}

// WriteTo writes all or reports that it could not.
func (k kernelProcs) WriteTo(pid int32, addr uint64, p []byte) bool {
	n, err := k.m.Write(uint32(pid), addr, p)
	return err == nil && n == len(p)
}

// Continue has a process run that may have been ended.
func (k kernelProcs) Continue(pid int32) { _ = k.m.Continue(uint32(pid)) }

// Post sends a signal.
func (k kernelProcs) Post(pid, tid int32, info *abi.Siginfo) (uint64, abi.Errno) {
	v, err := k.m.Post(uint32(pid), uint32(tid), info)
	return v, lx.Errno(err)
}

// News asks for one piece.
func (k kernelProcs) News() (abi.ProcessNews, bool) {
	n, ok, _ := k.m.News()
	return n, ok
}

// Use asks by a handle of the process.
func (k kernelProcs) Use(pid int32) (u abi.ProcessUse) {
	p, err := k.m.Process(uint32(pid))
	if err != nil {
		return u
	}
	defer p.Close()
	u, _ = p.Use()
	return u
}

// Areas asks for one after the other.
func (k kernelProcs) Areas(pid int32) (all []abi.ProcessArea) {
	at := uint64(0)
	for {
		a, ok := k.m.Area(uint32(pid), at)
		if !ok {
			return all
		}
		all = append(all, a)
		at = a.End
	}
}

// Threads asks for one after the other.
func (k kernelProcs) Threads(pid int32) (all []abi.ThreadInfo) {
	id := uint32(0)
	for {
		t, ok := k.m.ThreadFrom(uint32(pid), id)
		if !ok {
			return all
		}
		all = append(all, t)
		id = t.ID + 1
	}
}

// Signals asks and takes.
func (k kernelProcs) Signals(pid, tid int32, q *abi.ProcessSignals) abi.Errno {
	return lx.Errno(k.m.Signals(uint32(pid), uint32(tid), q))
}
