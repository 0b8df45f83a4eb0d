// SPDX-License-Identifier: Apache-2.0

package paging

import "loam/machine/frame"

// MapKernel maps physical memory from up to to (exclusive) at va for the kernel,
// by the largest leafs, up to level large, that alignment and format allow. Ends
// need not be aligned: the pages that hold the first and the last byte are mapped
// whole, so va and from lie at the same place in a page (else Misaligned). Pages of
// the range that are mapped so already stay, and ranges that meet in a page can be
// mapped one after the other; what is mapped otherwise is Mapped. With another code
// than OK a part of the range may have been mapped.
//
// Any canonical address will do, in the users' half too: a machine that turns
// translation on may have to find itself where it is. Tables are taken from the
// allocator as frame.Kernel; they are every root's, and no operation of this package
// gives them back. The caller flushes nothing: nothing that was mapped changes.
func (t Tables) MapKernel(env Env, va, from, to uint64, prot Prot, large uint) Code {
	f := env.Format
	if from >= to {
		return OK
	}
	if (va^from)%PageSize != 0 {
		return Misaligned
	}
	size := (to-1)&^(PageSize-1) - from&^(PageSize-1) // and a page
	va, from = va&^(PageSize-1), from&^(PageSize-1)
	if code := f.checkKernel(va, from, size, prot); code != OK {
		return code
	}
	end := va + size // the last page
	limit := min(large, f.Large)
	for {
		level := limit
		for level > 0 && ((va|from)&(Span(level)-1) != 0 || end-va < Span(level)-PageSize) {
			level--
		}
		step, code := t.kernelLeafs(env, va, from, end, prot, level)
		if code != OK {
			return code
		}
		if end-va < step {
			return OK
		}
		va, from = va+step, from+step
	}
}

// Identity is MapKernel at the addresses themselves: the memory from up to to is
// found where it is when translation is turned on.
func (t Tables) Identity(env Env, from, to uint64, prot Prot, large uint) Code {
	return t.MapKernel(env, from, from, to, prot, large)
}

// checkKernel checks what MapKernel is to map; size is without the last page.
func (f *Format) checkKernel(va, pa, size uint64, prot Prot) Code {
	switch {
	case f.Leaf[prot&hardware] == 0:
		return WX
	case prot&User != 0:
		return WrongHalf
	case pa+size < pa || (pa|(pa+size))&f.BadAddr != 0:
		return Misaligned
	case va+size < va || !f.Canonical(va) || !f.Canonical(va+size) || va>>(f.Bits-1) != (va+size)>>(f.Bits-1):
		return NonCanonical
	}
	return OK
}

// kernelLeafs maps pages from va on, at most up to the page at end, by leafs of a
// level or, where a table is in the way, of a lower one: as many as one table has
// room for. It returns how many bytes are mapped now.
func (t Tables) kernelLeafs(env Env, va, pa, end uint64, prot Prot, level uint) (uint64, Code) {
	f := env.Format
	table := t.Root
	for at := f.Levels - 1; ; at-- {
		k := va >> shift(at) & indexMask
		e := &env.Mem.Table(table)[k]
		switch {
		case *e == 0 && at > level:
			if !env.kernelTable(e) {
				return 0, NoMemory
			}
		case *e == 0:
			n := min((end-va+PageSize)>>shift(at), 512-k)
			n = fill(env.Mem.Table(table), k, n, f.leaf(pa, prot, at), f.entry(Span(at)))
			return n << shift(at), OK
		case f.isLeaf(*e, at):
			rest := va & (Span(at) - 1)
			if *e != f.leaf(pa-rest, prot, at) {
				return 0, Mapped
			}
			return Span(at) - rest, OK
		}
		table = f.addr(*e)
	}
}

// kernelTable makes the empty entry e refer to a new table of the kernel.
func (env Env) kernelTable(e *uint64) bool {
	pa, code := env.Frames.Alloc(frame.Kernel)
	if code != frame.OK {
		return false
	}
	env.Mem.Zero(pa)
	*e = env.Format.entry(pa) | env.Format.KernDir
	return true
}
