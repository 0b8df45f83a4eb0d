// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"

	"loam/abi"
	"loam/test/programs/cases"
	"loam/user/object"
)

func privateCases() []cases.Case {
	return []cases.Case{
		{Name: "a private mapping", Run: privateMapping},
		{Name: "private mappings in two processes", Run: privateOfTwo},
		{Name: "rights of private mappings", Run: privateRights},
		{Name: "a private mapping moves and grows", Run: privateMoves},
		{Name: "threads see what one writes privately", Run: privateThreads},
		{Name: "the kernel writes to private mappings", Run: privateByKernel},
	}
}

// hereAlone maps all of m privately.
func hereAlone(m object.Memory, prot uint64) []byte {
	size := must(m.Info()).Size
	return object.Bytes(must(object.Here.MapPrivate(m, 0, 0, size, prot)), size)
}

func privateMapping() error {
	m := must(object.NewMemory(6 * page))
	defer m.Close()
	b := here(m, rw)
	defer away(b)
	for i := range 3 {
		b[i*page] = 1
	}
	before := must(m.Info()).Backed
	p, q := hereAlone(m, rw), hereAlone(m, syscall.PROT_READ)
	defer away(p)
	defer away(q)
	p[0] = 2        // not read before
	p[page]++       // read before
	p[3*page] = 3   // what the object has no page for
	b[2*page] = 4   // seen, since p has not written it
	b[0] = 5        // not seen any more
	p[page+5] = 200 // the rest of the page is its own, too
	for _, x := range []struct {
		name, want string
		b          []byte
	}{{"the object", "514000", b}, {"what has written", "224300", p}, {"what has not", "514000", q}} {
		if err := wantPages(x.name, x.b, x.want); err != nil {
			return err
		}
	}
	if b[page+5] != 0 || p[page+5] != 200 {
		return fmt.Errorf("%d, %d", b[page+5], p[page+5])
	}
	if i := must(m.Info()); i.Backed < before || i.Mapped != 3*6*page {
		return fmt.Errorf("%+v", i)
	}
	ok(syscall.Madvise(p[:2*page], syscall.MADV_DONTNEED))
	if err := wantPages("after madvise", p, "514300"); err != nil {
		return err
	}
	return want(syscall.Madvise(p[:page], 8), syscall.EINVAL) // MADV_FREE
}

// privateOfTwo: two processes write the same page of one object, each for itself,
// as programs that share their data segment's beginning.
func privateOfTwo() error {
	m := must(object.NewMemory(2 * page))
	defer m.Close()
	fillMemory(m, 1)
	p := hereAlone(m, rw)
	defer away(p)
	p[0] = 2
	hands := []abi.HandOn{{Handle: abi.Handle(m), Rights: abi.RightRead}}
	ok(finish(must(child(object.Program{Handles: hands}, "private"))))
	if err := wantPages("this process's", p, "21"); err != nil {
		return err
	}
	clone := must(m.Clone(0, 2*page)) // private mappings don't write
	defer clone.Close()
	b := here(clone, rw)
	defer away(b)
	p[page] = 9
	return wantPages("the object", b, "11")
}

// usePrivate is the child's part.
func usePrivate() error {
	m := object.Memory(object.Given(0))
	p := hereAlone(m, rw)
	if err := wantPages("the child's", p, "11"); err != nil {
		return err
	}
	p[0], p[page] = 3, 4
	q := hereAlone(m, syscall.PROT_READ)
	if err := wantPages("the child's second", q, "11"); err != nil {
		return err
	}
	return wantPages("the child's", p, "34")
}

// privateRights: Read is enough to write, Execute is needed to execute.
func privateRights() error {
	m := must(object.NewMemory(page))
	defer m.Close()
	fillMemory(m, 0xc3) // RET
	const rx = syscall.PROT_READ | syscall.PROT_EXEC
	for _, c := range []struct {
		rights abi.Rights
		prot   int
		e      syscall.Errno
	}{
		{abi.RightRead, rw, 0},
		{abi.RightRead, rx, syscall.EACCES},
		{abi.RightWrite | abi.RightExecute, syscall.PROT_READ, syscall.EACCES},
		{abi.RightRead | abi.RightExecute, rx, 0},
		{abi.RightRead | abi.RightExecute, rw, 0},
		{abi.RightRead | abi.RightWrite | abi.RightExecute, rw | syscall.PROT_EXEC, syscall.EACCES},
	} {
		h := object.Memory(must(object.Duplicate(abi.Handle(m), c.rights)))
		addr, err := object.Here.MapPrivate(h, 0, 0, page, uint64(c.prot))
		if err := want(err, c.e); err != nil {
			return fmt.Errorf("rights %#x, map %#x: %w", c.rights, c.prot, err)
		}
		if err == nil {
			ok(object.Here.Unmap(addr, page))
		}
		if c.rights.Has(abi.RightRead) {
			p := object.Bytes(must(object.Here.MapPrivate(h, 0, 0, page, syscall.PROT_READ)), page)
			_ = p[0]
			if err := want(syscall.Mprotect(p, c.prot), c.e); err != nil {
				return fmt.Errorf("rights %#x, mprotect %#x: %w", c.rights, c.prot, err)
			}
			if c.e == 0 && c.prot == rw {
				p[0] = 1
			}
			away(p)
		}
		ok(h.Close())
	}
	b := here(m, syscall.PROT_READ)
	defer away(b)
	if b[0] != 0xc3 {
		return fmt.Errorf("the object has %#x", b[0])
	}
	return nil
}

// privateMoves: mremap keeps what was written and finds the rest in the object.
func privateMoves() error {
	m := must(object.NewMemory(8 * page))
	defer m.Close()
	fillMemory(m, 1)
	addr := must(object.Here.MapPrivate(m, 0, 0, 4*page, rw))
	p := object.Bytes(addr, 4*page)
	p[page], p[3*page] = 2, 3
	remap := func(size uint64) (uint64, error) {
		v, _, e := syscall.Syscall6(syscall.SYS_MREMAP, uintptr(addr), 4*page, uintptr(size), abi.MREMAP_MAYMOVE, 0, 0)
		if e != 0 {
			return 0, e
		}
		return uint64(v), nil
	}
	if _, err := remap(9 * page); err != syscall.EINVAL {
		return fmt.Errorf("more than there is: %v", err)
	}
	addr = must(remap(8 * page))
	p = object.Bytes(addr, 8*page)
	defer away(p)
	p[6*page] = 4
	return wantPages("moved", p, "12131141")
}

// privateThreads: a page that threads read on all CPUs is copied while they do, and
// none of them goes on reading the old one.
func privateThreads() error {
	const pages = 64
	m := must(object.NewMemory(pages * page))
	defer m.Close()
	p := hereAlone(m, rw)
	defer away(p)
	for i := 0; i < len(p); i += page {
		w := word(p[i:])
		var ready, done sync.WaitGroup
		var late atomic.Int32
		var written atomic.Bool
		for range 3 {
			ready.Add(1)
			done.Go(func() {
				_ = w.Load() // so that this CPU knows the object's page
				ready.Done()
				for !written.Load() {
					runtime.Gosched()
				}
				if w.Load() != 1 {
					late.Add(1)
				}
			})
		}
		ready.Wait()
		w.Store(1)
		written.Store(true)
		done.Wait()
		if n := late.Load(); n > 0 {
			return fmt.Errorf("page %d: %d threads read what was there before", i/page, n)
		}
	}
	return nil
}

// privateByKernel has a call's answer copy a page.
func privateByKernel() error {
	m := must(object.NewMemory(2 * page))
	defer m.Close()
	fillMemory(m, 7)
	p := hereAlone(m, rw)
	defer away(p)
	for i := range 2 {
		ok(call(abi.CallHandleInfo, uint64(abi.HandleProcess), addressOf(&p[i*page])))
		if p[i*page] != byte(abi.KindProcess) {
			return fmt.Errorf("the answer is %d", p[i*page])
		}
	}
	b := here(m, syscall.PROT_READ)
	defer away(b)
	return wantPages("the object", b, "77")
}
