// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"runtime/debug"
	"sync"
	"syscall"
)

// Memory that the kernel may have in large pages, whatever parts of it programs
// unmap, protect, give back and move. The pages and the halves of this file are those
// of a large page of 2 MiB.

const (
	onePage   = 4096
	largePage = 2 << 20
	readWrite = syscall.PROT_READ | syscall.PROT_WRITE

	hugePages   = 14 // MADV_HUGEPAGE, which package syscall doesn't have everywhere
	noHugePages = 15 // MADV_NOHUGEPAGE
)

// region is memory of a program's own, outside of Go's heap.
type region struct{ start, size uintptr }

func mapped(size uintptr) (region, error) {
	start, _, e := syscall.Syscall6(syscall.SYS_MMAP, 0, size, readWrite, syscall.MAP_ANON|syscall.MAP_PRIVATE, ^uintptr(0), 0)
	if e != 0 {
		return region{}, fmt.Errorf("mmap of %d bytes: %w", size, e)
	}
	return region{start, size}, nil
}

func call(name string, nr, a, b, c uintptr) error {
	if _, _, e := syscall.Syscall(nr, a, b, c); e != 0 {
		return fmt.Errorf("%s(%#x, %#x, %#x): %w", name, a, b, c, e)
	}
	return nil
}

func (r region) unmap(from, to uintptr) error {
	return call("munmap", syscall.SYS_MUNMAP, r.start+from, to-from, 0)
}

func (r region) protect(from, to, prot uintptr) error {
	return call("mprotect", syscall.SYS_MPROTECT, r.start+from, to-from, prot)
}

func (r region) advise(from, to, advice uintptr) error {
	return call("madvise", syscall.SYS_MADVISE, r.start+from, to-from, advice)
}

// mark is what a page is filled with, in part.
func mark(page uintptr) byte { return byte(page*7+page>>8) | 1 }

// fill writes to the pages of a part of r, from one on.
func (r region) fill(from, to uintptr) {
	for p := from; p < to; p += onePage {
		*at(r.start + p) = mark(p / onePage)
		*at(r.start + p + onePage - 1) = mark(p/onePage + 1)
	}
}

// holds reports a page of a part of r that doesn't hold what fill wrote, or 0 if
// zero is set.
func (r region) holds(from, to uintptr, zero bool) error {
	for p := from; p < to; p += onePage {
		first, last := mark(p/onePage), mark(p/onePage+1)
		if zero {
			first, last = 0, 0
		}
		if a, z := *at(r.start + p), *at(r.start + p + onePage - 1); a != first || z != last {
			return fmt.Errorf("page %d holds %#x and %#x, want %#x and %#x", p/onePage, a, z, first, last)
		}
	}
	return nil
}

// refused checks that a byte of r can't be read, or written.
func (r region) refused(offset uintptr, write bool) error {
	return recovered("invalid memory address", func() {
		if write {
			*at(r.start + offset) = 1
		} else {
			sink = int(*at(r.start + offset))
		}
	})
}

// largeMemory has parts of large memory changed, for each of the wishes that a
// program can have.
func largeMemory(advice uintptr) error {
	old := debug.SetPanicOnFault(true)
	defer debug.SetPanicOnFault(old)
	const size = 24 << 20
	r, err := mapped(size)
	if err != nil {
		return err
	}
	if err := r.advise(0, size, advice); err != nil {
		return err
	}
	r.fill(0, size)
	// All of these begin and end in the middle of what may be a large page.
	const a, b, c, d = largePage + 3*onePage, 7<<20 + onePage, 11<<20 - onePage, 21<<20 + 5*onePage
	steps := []func() error{
		func() error { return r.holds(0, size, false) },
		func() error { return r.protect(a, b, syscall.PROT_READ) },
		func() error { return r.refused(a, true) },
		func() error { return r.refused(b-1, true) },
		func() error { return r.holds(0, size, false) },
		func() error { return r.protect(a, b, 0) },
		func() error { return r.refused(a+largePage, false) },
		func() error { return r.protect(a, b, readWrite) },
		func() error { return r.holds(0, size, false) },
		func() error { return r.advise(b, c, syscall.MADV_DONTNEED) },
		func() error { return r.holds(b, c, true) },
		func() error { return r.holds(c, size, false) },
		func() error { return r.unmap(c, d) },
		func() error { return r.refused(c, false) },
		func() error { return r.refused(d-1, false) },
		func() error { return r.holds(a, b, false) },
		func() error { return r.holds(d, size, false) },
		func() error { r.fill(b, c); return r.holds(0, c, false) },
		func() error { return r.moved(d, size) },
		func() error { return r.unmap(0, size) },
		func() error { return r.refused(0, false) },
	}
	for i, step := range steps {
		if err := step(); err != nil {
			return fmt.Errorf("step %d: %w", i, err)
		}
	}
	return nil
}

// moved has a part of r go to another place, where it grows, and looks at it there.
func (r region) moved(from, to uintptr) error {
	const mayMove = 1
	size := to - from
	start, _, e := syscall.Syscall6(syscall.SYS_MREMAP, r.start+from, size, size+largePage, mayMove, 0, 0)
	if e != 0 {
		return fmt.Errorf("mremap: %w", e)
	}
	there := region{start - from, to + largePage}
	if err := there.holds(from, to, false); err != nil {
		return err
	}
	if err := there.holds(to, to+largePage, true); err != nil {
		return err
	}
	return there.unmap(from, to+largePage)
}

// largeByMany has threads touch the same memory at the same time, each pages of its
// own, while another changes what is beside.
func largeByMany() error {
	const size, many = 32 << 20, 4
	for round := range 4 {
		r, err := mapped(size)
		if err != nil {
			return err
		}
		if round%2 == 0 {
			if err := r.advise(0, size, hugePages); err != nil {
				return err
			}
		}
		beside := region{r.start + size - 8<<20, 8 << 20}
		var wg sync.WaitGroup
		for i := range uintptr(many) {
			wg.Go(func() {
				for p := i * onePage; p < size-8<<20; p += many * onePage {
					r.fill(p, p+onePage)
				}
			})
		}
		var besideErr error
		wg.Go(func() {
			for k := uintptr(0); k < 20 && besideErr == nil; k++ {
				beside.fill(0, 8<<20)
				from, to := k*onePage, 6<<20+k*onePage
				if besideErr = beside.protect(from, to, syscall.PROT_READ); besideErr == nil {
					besideErr = beside.protect(from, to, readWrite)
				}
				if besideErr == nil {
					besideErr = beside.advise(from, to, syscall.MADV_DONTNEED)
				}
				if besideErr == nil {
					besideErr = beside.holds(from, to, true)
				}
			}
		})
		wg.Wait()
		if besideErr != nil {
			return besideErr
		}
		if err := r.holds(0, size-8<<20, false); err != nil {
			return err
		}
		if err := r.unmap(0, size); err != nil {
			return err
		}
	}
	return nil
}

// growsDown touches memory below an area that grows.
func growsDown() (err error) {
	old := debug.SetPanicOnFault(true)
	defer debug.SetPanicOnFault(old)
	const size, gap = 16 << 20, 1 << 20
	r, err := mapped(size) // finds a place
	if err != nil {
		return err
	}
	defer r.unmap(0, size)
	if err := r.unmap(onePage, size); err != nil {
		return err
	}
	const last = size - onePage
	at, _, e := syscall.Syscall6(syscall.SYS_MMAP, r.start+last, onePage, readWrite,
		syscall.MAP_ANON|syscall.MAP_PRIVATE|syscall.MAP_FIXED|syscall.MAP_GROWSDOWN, ^uintptr(0), 0)
	if e != 0 || at != r.start+last {
		return fmt.Errorf("mmap at %#x: %#x, %w", r.start+last, at, e)
	}
	if err := r.refused(last-size/2-onePage, true); err != nil { // a stack has 8 MiB
		return fmt.Errorf("too far below: %w", err)
	}
	for p := uintptr(last); p >= 12<<20; p -= 3 * onePage {
		r.fill(p, p+onePage)
	}
	if err := r.holds(last, size, false); err != nil {
		return err
	}
	if err := r.holds(last-2*onePage, last, true); err != nil { // what was left out
		return err
	}
	// Something in its way: the lowest page that may be had is a gap away.
	other, _, e := syscall.Syscall6(syscall.SYS_MMAP, r.start+(10<<20), onePage, readWrite,
		syscall.MAP_ANON|syscall.MAP_PRIVATE|syscall.MAP_FIXED, ^uintptr(0), 0)
	if e != 0 || other != r.start+(10<<20) {
		return fmt.Errorf("mmap below: %#x, %w", other, e)
	}
	if err := r.refused(10<<20+gap, true); err != nil {
		return fmt.Errorf("in the gap: %w", err)
	}
	r.fill(10<<20+gap+onePage, 10<<20+gap+2*onePage)
	return nil
}
