// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"

	"loam/test/programs/smp/low"
)

// words visits the first word of each of n pages.
func words(at uintptr, n int, visit func(i int, w *uint64) error) error {
	for i := range n {
		if err := visit(i, low.Word(at+uintptr(i)*low.Page)); err != nil {
			return err
		}
	}
	return nil
}

// all checks that n pages hold a value in their first words.
func all(what string, at uintptr, n int, want uint64) error {
	return words(at, n, func(i int, w *uint64) error {
		if *w != want {
			return fmt.Errorf("%s: page %d of %d holds %#x, want %#x", what, i, n, *w, want)
		}
		return nil
	})
}

func fill(at uintptr, n int, v uint64) {
	_ = words(at, n, func(_ int, w *uint64) error { *w = v; return nil })
}

// mapStep is the life of a piece of memory.
func mapStep(s *state) error {
	n := 1 + s.IntN(40)
	half, size := uintptr(n/2)*low.Page, uintptr(n)*low.Page
	mine := s.Uint64() | 1
	at := low.Map(size)
	if err := all("fresh memory", at, n, 0); err != nil {
		return err
	}
	fill(at, n, mine)
	if s.IntN(2) == 0 {
		low.Protect(at, size, low.ReadOnly)
		if err := all("read-only memory", at, n, mine); err != nil {
			return err
		}
		low.Protect(at, size, low.ReadWrite)
	}
	if half > 0 && s.IntN(2) == 0 {
		low.Forget(at, half)
		err := errors.Join(all("forgotten memory", at, n/2, 0), all("memory beside it", at+half, n-n/2, mine))
		if err != nil {
			return err
		}
		fill(at, n/2, mine)
	}
	if half > 0 && s.IntN(3) == 0 {
		to := low.Map(half)
		low.Move(at, to, half)
		if err := all("moved memory", to, n/2, mine); err != nil {
			return err
		}
		low.Unmap(to, half)
		at, size = at+half, size-half // what was before may be somebody's by now
	}
	low.Unmap(at, size)
	return nil
}

// faultStep takes fresh pages and looks at them again in the next step, when
// the thread may be elsewhere.
func faultStep(s *state) error {
	const n = 16
	mark := uint64(s.page) ^ 0x5ca1ab1e
	if s.page != 0 {
		if err := all("kept memory", s.page, n, mark); err != nil {
			return err
		}
		low.Forget(s.page, n*low.Page)
	} else {
		s.page = low.Map(n * low.Page)
		mark = uint64(s.page) ^ 0x5ca1ab1e
	}
	if err := all("given-back memory", s.page, n, 0); err != nil {
		return err
	}
	fill(s.page, n, mark)
	return nil
}

// catchStep takes a fault that becomes a signal and then a panic.
func catchStep(s *state) (err error) {
	at := low.Map(low.Page)
	defer low.Unmap(at, low.Page)
	low.Protect(at, low.Page, low.None)
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		p := recover()
		if f, is := p.(interface {
			runtime.Error
			Addr() uintptr
		}); !is || f.Addr() != at+8 {
			err = fmt.Errorf("a fault at %#x became %v", at+8, p)
		}
	}()
	low.Store(at+8, 1)
	return nil
}

type node struct {
	next *node
	data [200]byte
}

// collectStep has the collector stop everybody, and checks what it kept.
func collectStep(s *state) error {
	fill := byte(s.Uint32())
	var list *node
	for range 200 {
		list = &node{next: list}
		for i := range list.data {
			list.data[i] = fill
		}
	}
	runtime.GC()
	n := 0
	for l := list; l != nil; l = l.next {
		n++
		for _, b := range l.data {
			if b != fill {
				return fmt.Errorf("node %d holds %#x, want %#x", n, b, fill)
			}
		}
	}
	if n != 200 {
		return fmt.Errorf("%d nodes of 200 left", n)
	}
	return nil
}
