// SPDX-License-Identifier: Apache-2.0

package paging

import (
	"loam/machine/frame"
	"loam/machine/phys"
)

// Env is what every operation works with.
type Env struct {
	Mem    phys.Memory
	Frames *frame.Allocator
	Format *Format
}

// Tables is an address space's page tables: the physical address of the root.
type Tables struct{ Root uint64 }

// check returns whether a leaf at va for pa with prot may exist.
func (f *Format) check(va, pa uint64, prot Prot) Code {
	switch {
	case (va|pa)&(PageSize-1) != 0 || pa>>(f.AddrDown&63)&^f.AddrMask != 0:
		return Misaligned
	case prot&(Write|Exec) == Write|Exec:
		return WX
	case va < f.UserEnd:
		if prot&User == 0 {
			return WrongHalf
		}
	case !f.Canonical(va):
		return NonCanonical
	case prot&User != 0:
		return WrongHalf
	}
	return OK
}

// Map maps the page at va to the frame at pa. Nothing may be mapped there.
// Missing tables are created.
func (t Tables) Map(env Env, va, pa uint64, prot Prot) Code {
	f := env.Format
	if code := f.check(va, pa, prot); code != OK {
		return code
	}
	table := env.Mem.Table(t.Root)
	for s := shift(f.Levels - 1); s > pageShift; s -= indexBits {
		e := &table[va>>(s&63)&indexMask]
		if *e&f.Valid == 0 || *e&f.LeafMask != 0 {
			if *e != 0 {
				return Mapped
			}
			if !env.newTable(e, va) {
				return NoMemory
			}
		}
		table = env.Mem.Table(f.addr(*e))
	}
	e := &table[va>>pageShift&indexMask]
	if *e != 0 {
		return Mapped
	}
	*e = pa>>(f.AddrDown&63) | f.Leaf[prot&hardware] | uint64(prot>>softShift)<<(f.Soft&63)
	return OK
}

// newTable makes the empty entry e, on the way to va, refer to a new table.
//
//go:noinline
func (env Env) newTable(e *uint64, va uint64) bool {
	pa, code := env.Frames.Alloc(frame.PageTable)
	if code != frame.OK {
		return false
	}
	env.Mem.Zero(pa)
	f := env.Format
	dir := f.KernDir
	if va < f.UserEnd {
		dir = f.UserDir
	}
	*e = pa>>(f.AddrDown&63) | dir
	return true
}

// find returns the leaf that maps va and its level, or nil.
func (t Tables) find(env Env, va uint64) (*uint64, uint) {
	f := env.Format
	table := env.Mem.Table(t.Root)
	for level := f.Levels - 1; ; level-- {
		e := &table[va>>shift(level)&indexMask]
		if *e == 0 {
			return nil, level
		}
		if f.isLeaf(*e, level) {
			return e, level
		}
		table = env.Mem.Table(f.addr(*e))
	}
}

// Lookup returns the physical address that va maps to, byte exact, and the
// leaf's rights. A held leaf is found too, with no access right.
func (t Tables) Lookup(env Env, va uint64) (pa uint64, prot Prot, ok bool) {
	if !env.Format.Canonical(va) {
		return 0, 0, false
	}
	e, level := t.find(env, va)
	if e == nil {
		return 0, 0, false
	}
	return env.Format.addr(*e) + va&(Span(level)-1), env.Format.prot(*e), true
}

// Unmap removes the page at va and returns its frame and rights; the caller
// flushes va, then gives the frame back unless it is Borrowed. Tables stay,
// for the next page there: UnmapRange frees them.
func (t Tables) Unmap(env Env, va uint64) (pa uint64, prot Prot, code Code) {
	e, code := t.page(env, va)
	if code != OK {
		return 0, 0, code
	}
	pa, prot = env.Format.addr(*e), env.Format.prot(*e)
	*e = 0
	return pa, prot, OK
}

// Protect gives the page at va exactly the rights and software bits of prot.
// The caller flushes va when flush is set: rights were taken away. (After
// rights were added a stale translation at most causes one more fault.)
func (t Tables) Protect(env Env, va uint64, prot Prot) (flush bool, code Code) {
	e, code := t.page(env, va)
	if code != OK {
		return false, code
	}
	f := env.Format
	pa := f.addr(*e)
	if code := f.check(va, pa, prot); code != OK {
		return false, code
	}
	flush = f.prot(*e)&hardware&^prot != 0
	*e = f.leaf(pa, prot, 0)
	return flush, OK
}

// Replace makes the page at va, which must be mapped, refer to another frame:
// the way to resolve a write to a shared page. The caller flushes va.
func (t Tables) Replace(env Env, va, pa uint64, prot Prot) (old uint64, code Code) {
	e, code := t.page(env, va)
	if code != OK {
		return 0, code
	}
	f := env.Format
	if code := f.check(va, pa, prot); code != OK {
		return 0, code
	}
	old = f.addr(*e)
	*e = f.leaf(pa, prot, 0)
	return old, OK
}

// page returns the leaf of the 4 KiB page at va.
func (t Tables) page(env Env, va uint64) (*uint64, Code) {
	if !env.Format.Canonical(va) {
		return nil, NonCanonical
	}
	if va%PageSize != 0 {
		return nil, Misaligned
	}
	e, level := t.find(env, va)
	switch {
	case e == nil:
		return nil, NotMapped
	case level > 0:
		return nil, Large
	}
	return e, OK
}
