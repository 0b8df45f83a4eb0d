// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"math/rand/v2"
	"syscall"

	"loam/test/programs/smp/low"
)

// An arena is a stretch of addresses far from where the kernel puts anything of
// its own accord, and a model of it: which pages there are, with which rights,
// and what the first and the last word of each must hold.
type arena struct {
	base  uintptr
	pages [arenaPages]pageModel
}

type pageModel struct {
	mapped bool
	prot   uintptr
	value  uint64
}

const (
	largePages = 512  // of a large page
	arenaPages = 8192 // 32 MiB
	arenaBase  = 0x10_0000_0000
	arenaSpan  = 0x1_0000_0000
)

func newArena(n uintptr) *arena { return &arena{base: arenaBase + n*arenaSpan} }

func (a *arena) at(i int) uintptr { return a.base + uintptr(i)*page }

// stretch draws a range of pages: mostly a few, sometimes many, sometimes whole
// large pages.
func stretch(r *rand.Rand) (first, end int) {
	n := 1 + r.IntN(1<<r.IntN(8))
	switch r.IntN(24) {
	case 0:
		n = largePages * (1 + r.IntN(4))
		first = r.IntN((arenaPages-n)/largePages+1) * largePages
		return first, first + n
	case 1:
		n = 1 + r.IntN(3*largePages)
	}
	first = r.IntN(arenaPages - n + 1)
	return first, first + n
}

// each says whether all pages of a range are as wanted.
func (a *arena) each(first, end int, is func(*pageModel) bool) bool {
	for i := first; i < end; i++ {
		if !is(&a.pages[i]) {
			return false
		}
	}
	return true
}

func mapped(p *pageModel) bool { return p.mapped }

// step does something at random and checks the answer.
func (a *arena) step(r *rand.Rand) error {
	first, end := stretch(r)
	switch r.IntN(16) {
	case 0, 1, 2:
		return a.mapFresh(first, end)
	case 3:
		return a.unmap(first, end)
	case 4, 5:
		return a.protect(first, end, []uintptr{low.None, low.ReadOnly, low.ReadWrite, low.ReadWrite}[r.IntN(4)])
	case 6:
		return a.forget(first, end)
	case 7:
		return a.move(first, end, r)
	case 8, 9, 10, 11:
		return a.write(first, end, r.Uint64()|1)
	default:
		return a.check(first, end)
	}
}

func (a *arena) mapFresh(first, end int) error {
	if err := mapAt(a.at(first), uintptr(end-first)*page); err != nil {
		return fmt.Errorf("mmap of pages %d to %d: %w", first, end, err)
	}
	for i := first; i < end; i++ {
		a.pages[i] = pageModel{true, low.ReadWrite, 0}
	}
	return nil
}

func (a *arena) unmap(first, end int) error {
	if err := unmap(a.at(first), uintptr(end-first)*page); err != nil {
		return fmt.Errorf("munmap of pages %d to %d: %w", first, end, err)
	}
	for i := first; i < end; i++ {
		a.pages[i] = pageModel{}
	}
	return nil
}

// protect changes rights. Where there is a hole, ENOMEM must leave the pages
// behind it alone; those before it may have changed, as on Linux.
func (a *arena) protect(first, end int, prot uintptr) error {
	err := protect(a.at(first), uintptr(end-first)*page, prot)
	whole := a.each(first, end, mapped)
	switch {
	case err == nil && !whole, err != nil && whole:
		return fmt.Errorf("mprotect of pages %d to %d, all there %v: %w", first, end, whole, err)
	case err != nil:
		if err != syscall.ENOMEM {
			return fmt.Errorf("mprotect over a hole: %w", err)
		}
		return nil // Loam changes nothing then
	}
	for i := first; i < end; i++ {
		a.pages[i].prot = prot
	}
	return nil
}

// forget gives the content of pages up.
func (a *arena) forget(first, end int) error {
	if !a.each(first, end, mapped) {
		return nil
	}
	if err := forget(a.at(first), uintptr(end-first)*page); err != nil {
		return fmt.Errorf("madvise of pages %d to %d: %w", first, end, err)
	}
	for i := first; i < end; i++ {
		a.pages[i].value = 0
	}
	return nil
}

// move moves pages that have the same rights to another place.
func (a *arena) move(first, end int, r *rand.Rand) error {
	n := end - first
	to := r.IntN(arenaPages - n + 1)
	prot := a.pages[first].prot
	if to < end && first < to+n || !a.each(first, end, func(p *pageModel) bool { return p.mapped && p.prot == prot }) {
		return nil
	}
	if err := move(a.at(first), a.at(to), uintptr(n)*page); err != nil {
		return fmt.Errorf("mremap of pages %d to %d, to %d: %w", first, end, to, err)
	}
	copy(a.pages[to:to+n], a.pages[first:end])
	for i := first; i < end; i++ {
		a.pages[i] = pageModel{}
	}
	return nil
}

// write marks the pages that can be written.
func (a *arena) write(first, end int, v uint64) error {
	for i := first; i < end; i++ {
		if p := &a.pages[i]; p.mapped && p.prot == low.ReadWrite {
			p.value = v + uint64(i)<<32
			store(a.at(i), p.value)
			store(a.at(i)+page-8, p.value)
		}
	}
	return nil
}

// check compares pages with the model.
func (a *arena) check(first, end int) error {
	for i := first; i < end; i++ {
		p := &a.pages[i]
		if !p.mapped || p.prot == low.None {
			continue
		}
		if v, w := load(a.at(i)), load(a.at(i)+page-8); v != p.value || w != p.value {
			return fmt.Errorf("page %d holds %#x and %#x, want %#x", i, v, w, p.value)
		}
	}
	return nil
}
