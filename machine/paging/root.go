// SPDX-License-Identifier: Apache-2.0

package paging

import "loam/machine/frame"

// kernelIndex returns the first root entry that is the kernel's.
func (f *Format) kernelIndex() uint64 {
	top := f.Levels - 1
	return (f.UserEnd + Span(top) - 1) >> shift(top)
}

// NewRoot returns new tables with an empty user part and the kernel part of
// the given ones, which stays shared as far as Reserve created its tables.
func (t Tables) NewRoot(env Env) (Tables, Code) {
	pa, code := env.Frames.Alloc(frame.PageTable)
	if code != frame.OK {
		return Tables{}, NoMemory
	}
	k, root := env.Format.kernelIndex()&indexMask, env.Mem.Table(pa)
	clear(root[:k])
	copy(root[k:], env.Mem.Table(t.Root)[k:])
	return Tables{pa}, OK
}

// FreeRoot frees the root's frame. The user part must have been unmapped, and
// no processor may use the root any more.
func (t Tables) FreeRoot(env Env) frame.Code {
	return env.Frames.Free(t.Root, frame.PageTable)
}

// Reserve creates the next-level tables of the root entries from start up to
// end (exclusive), so that all roots made later share what is mapped there.
func (t Tables) Reserve(env Env, start, end uint64) Code {
	f := env.Format
	top := f.Levels - 1
	switch {
	case start >= end || !f.Canonical(start) || !f.Canonical(end-1):
		return NonCanonical
	case start < f.UserEnd:
		return WrongHalf
	}
	root := env.Mem.Table(t.Root)
	for at := start; ; at += Span(top) {
		e := &root[at>>shift(top)&indexMask]
		if *e == 0 && !env.newTable(e, at) {
			return NoMemory
		}
		if at>>shift(top) == (end-1)>>shift(top) {
			return OK
		}
	}
}
