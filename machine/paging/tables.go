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
	Made   *uint64 // if it is not nil, it counts the tables that are made
}

// Tables is an address space's page tables: the physical address of the root.
type Tables struct{ Root uint64 }

// check returns whether a leaf at va for pa with prot may exist.
func (f *Format) check(va, pa uint64, prot Prot) Code {
	switch {
	case va%PageSize != 0 || pa&f.BadAddr != 0:
		return Misaligned
	case f.Leaf[prot&hardware] == 0:
		return WX
	case va < f.UserEnd:
		if prot&User == 0 {
			return WrongHalf
		}
	case va < f.Kernel || !f.Canonical(va):
		return NonCanonical
	case prot&User != 0:
		return WrongHalf
	}
	return OK
}

// Map maps the page at va to the frame at pa. Nothing may be mapped there.
// Missing tables are created.
func (t Tables) Map(env Env, va, pa uint64, prot Prot) Code {
	if code := t.MapInto(env, va, pa, prot); code != NoTable {
		return code
	}
	return t.mapSlow(env, va, pa, prot)
}

// MapInto is Map where there is a leaf table for va in the user part: it makes
// none. NoTable: there is none, a large leaf is in its place, or Map has a reason
// to refuse.
//
// A demand-zero fault ends here, so it is straight code without calls. The way
// down is entry's, repeated because the compiler does not inline it and the
// spilling costs a quarter.
func (t Tables) MapInto(env Env, va, pa uint64, prot Prot) Code {
	f := env.Format
	leaf := f.Leaf[prot&hardware]
	if (va%PageSize|pa&f.BadAddr) != 0 || leaf == 0 || va >= f.UserEnd || prot&User == 0 {
		return NoTable
	}
	table := t.Root
	if f.Levels == 4 {
		e := env.Mem.Table(table)[va>>39&indexMask]
		if e&f.DirMask != f.Valid {
			return NoTable
		}
		table = f.addr(e)
	}
	e := env.Mem.Table(table)[va>>30&indexMask]
	if e&f.DirMask != f.Valid {
		return NoTable
	}
	e = env.Mem.Table(f.addr(e))[va>>21&indexMask]
	if e&f.DirMask != f.Valid {
		return NoTable
	}
	at := &env.Mem.Table(f.addr(e))[va>>pageShift&indexMask]
	if *at != 0 {
		return Mapped
	}
	*at = f.entry(pa) | leaf | f.Soft[prot>>softShift]
	return OK
}

// entry returns the entry of the page at va in its leaf table, or nil when
// there is no such table or va is not page-aligned. The caller has checked
// that va is canonical.
func (t Tables) entry(env Env, va uint64) *uint64 {
	f := env.Format
	table := t.Root
	if f.Levels == 4 {
		e := env.Mem.Table(table)[va>>39&indexMask]
		if e&f.DirMask != f.Valid {
			return nil
		}
		table = f.addr(e)
	}
	e := env.Mem.Table(table)[va>>30&indexMask]
	if e&f.DirMask != f.Valid {
		return nil
	}
	e = env.Mem.Table(f.addr(e))[va>>21&indexMask]
	if e&f.DirMask != f.Valid || va%PageSize != 0 {
		return nil
	}
	return &env.Mem.Table(f.addr(e))[va>>pageShift&indexMask]
}

// mapSlow is Map for what is not the common case: the kernel's part, missing
// tables, and refusals.
//
//go:noinline
func (t Tables) mapSlow(env Env, va, pa uint64, prot Prot) Code {
	f := env.Format
	if code := f.check(va, pa, prot); code != OK {
		return code
	}
	at, code := t.slot(env, va, 0)
	if code != OK {
		return code
	}
	e := env.Mem.Word(at)
	if *e != 0 {
		return Mapped
	}
	*e = f.leaf(pa, prot, 0)
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
	*e = f.entry(pa) | dir
	if env.Made != nil {
		*env.Made++
	}
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
	f := env.Format
	if va >= f.UserEnd && !f.Canonical(va) {
		return 0, 0, false
	}
	if e := t.entry(env, va&^(PageSize-1)); e != nil && *e != 0 {
		return f.addr(*e) + va%PageSize, f.prot(*e), true
	}
	e, level := t.find(env, va)
	if e == nil {
		return 0, 0, false
	}
	return f.addr(*e) + va&(Span(level)-1), f.prot(*e), true
}

// Reach returns the physical address that va, in the user part, maps to, byte
// exact, and which of Access its leaf allows: 0, with no address, if there is none.
// It is what Lookup says that a copy to or from a program wants to know, and straight
// code like MapInto, for each call that has memory for an argument comes here.
func (t Tables) Reach(env Env, va uint64) (pa uint64, access Prot) {
	f := env.Format
	table := t.Root
	if f.Levels == 4 {
		e := env.Mem.Table(table)[va>>39&indexMask]
		if e&f.DirMask != f.Valid {
			return 0, 0
		}
		table = f.addr(e)
	}
	e := env.Mem.Table(table)[va>>30&indexMask]
	if e&f.DirMask != f.Valid || va >= f.UserEnd {
		return t.reachSlow(env, va)
	}
	e = env.Mem.Table(f.addr(e))[va>>21&indexMask]
	if e&f.DirMask != f.Valid {
		return t.reachSlow(env, va)
	}
	e = env.Mem.Table(f.addr(e))[va>>pageShift&indexMask]
	if e&f.Valid == 0 {
		return 0, 0
	}
	return f.addr(e) + va%PageSize, f.show(e, 0) | f.show(e, 1) | f.show(e, 2)
}

// Run is Reach for memory in one piece: it tells as well how many bytes from va on, at most n, lie
// one behind the other in physical memory and have the same rights. A leaf table's end ends it.
func (t Tables) Run(env Env, va, n uint64) (pa, length uint64, access Prot) {
	f := env.Format
	first := t.entry(env, va&^(PageSize-1))
	if va >= f.UserEnd || first == nil {
		return t.runSlow(env, va, n)
	}
	e := *first
	if e&f.Valid == 0 {
		return 0, 0, 0
	}
	pa, length = f.addr(e)+va%PageSize, PageSize-va%PageSize
	access = f.show(e, 0) | f.show(e, 1) | f.show(e, 2)
	table, step := env.Mem.Around(first), f.entry(PageSize)
	for i := va>>pageShift&indexMask + 1; i <= indexMask && length < n; i++ {
		if e += step; table[i] != e {
			break
		}
		length += PageSize
	}
	return pa, min(length, n), access
}

// runSlow is Run where there is a large leaf or nothing.
//
//go:noinline
func (t Tables) runSlow(env Env, va, n uint64) (pa, length uint64, access Prot) {
	if pa, access = t.reachSlow(env, va); access == 0 {
		return 0, 0, 0
	}
	_, level := t.find(env, va)
	return pa, min(n, Span(level)-va&(Span(level)-1)), access
}

// reachSlow is Reach where there is a large leaf or nothing.
//
//go:noinline
func (t Tables) reachSlow(env Env, va uint64) (pa uint64, access Prot) {
	if va >= env.Format.UserEnd {
		return 0, 0
	}
	pa, prot, _ := t.Lookup(env, va)
	if prot &= Access; prot == 0 {
		return 0, 0
	}
	return pa, prot
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
	if va < env.Format.UserEnd || env.Format.Canonical(va) {
		if e := t.entry(env, va); e != nil && *e != 0 {
			return e, OK
		}
	}
	return nil, t.noPage(env, va)
}

// noPage says why there is no 4 KiB page at va.
//
//go:noinline
func (t Tables) noPage(env Env, va uint64) Code {
	switch {
	case !env.Format.Canonical(va):
		return NonCanonical
	case va%PageSize != 0:
		return Misaligned
	}
	if e, _ := t.find(env, va); e == nil {
		return NotMapped
	}
	return Large
}
