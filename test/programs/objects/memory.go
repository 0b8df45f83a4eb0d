// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"syscall"

	"loam/abi"
	"loam/test/programs/cases"
	"loam/user/object"
)

const (
	page = abi.PageSize
	rw   = syscall.PROT_READ | syscall.PROT_WRITE
)

func memoryCases() []cases.Case {
	return []cases.Case{
		{Name: "memory mapped twice is one", Run: mappedTwice},
		{Name: "memory that a child was given", Run: memoryGiven},
		{Name: "memory mapped into a child", Run: mappedFromOutside},
		{Name: "memory without a handle", Run: memoryNameless},
		{Name: "the dead take no bits", Run: deadWaiters},
		{Name: "memory is given back", Run: memoryGivenBack},
		{Name: "rights of memory, for ever", Run: memoryRights},
		{Name: "large memory", Run: largeMemory},
		{Name: "pages of a greedy child", Run: greedyPages},
	}
}

// here maps all of m.
func here(m object.Memory, prot uint64) []byte {
	size := must(m.Info()).Size
	return object.Bytes(must(object.Here.Map(m, 0, 0, size, prot)), size)
}

func away(b []byte) { ok(object.Here.Unmap(addressOf(&b[0]), uint64(len(b)))) }

func mappedTwice() error {
	m := must(object.NewMemory(4 * page))
	defer m.Close()
	a, b := here(m, rw), here(m, syscall.PROT_READ)
	defer away(a)
	defer away(b)
	for i := range a {
		if a[i] != 0 {
			return fmt.Errorf("byte %d is %d", i, a[i])
		}
	}
	a[3*page+7] = 42
	tail := object.Bytes(must(object.Here.Map(m, 0, 3*page, page, syscall.PROT_READ)), page)
	defer away(tail)
	if b[3*page+7] != 42 || tail[7] != 42 {
		return fmt.Errorf("%d and %d", b[3*page+7], tail[7])
	}
	if i := must(m.Info()); i.Size != 4*page || i.Mapped != 9*page || i.Backed < 4*page {
		return fmt.Errorf("%+v", i)
	}
	return nil
}

// memoryGiven: what a child writes is there, and what it may not it can't.
func memoryGiven() error {
	m := must(object.NewMemory(2 * page))
	defer m.Close()
	b := here(m, rw)
	defer away(b)
	b[0] = 1
	hands := []abi.HandOn{
		{Handle: abi.Handle(m), Rights: abi.RightRead | abi.RightWrite},
		{Handle: abi.Handle(m), Rights: abi.RightRead},
	}
	ok(finish(must(child(object.Program{Handles: hands}, "memory"))))
	if b[page] != 2 {
		return fmt.Errorf("the child wrote %d", b[page])
	}
	return nil
}

// useMemory is the child's part.
func useMemory() error {
	m, readOnly := object.Memory(object.Given(0)), object.Memory(object.Given(1))
	b := here(m, rw)
	if b[0] != 1 {
		return fmt.Errorf("%d", b[0])
	}
	b[page] = 2
	_, err := object.Here.Map(readOnly, 0, 0, page, rw)
	if err := want(err, syscall.EACCES); err != nil {
		return err
	}
	r := here(readOnly, syscall.PROT_READ)
	if r[page] != 2 {
		return fmt.Errorf("%d, read-only", r[page])
	}
	return want(syscall.Mprotect(r, rw), syscall.EACCES)
}

// mappedFromOutside maps memory into a child that has no handle to it.
func mappedFromOutside() error {
	m := must(object.NewMemory(page))
	defer m.Close()
	b := here(m, rw)
	defer away(b)
	b[0] = 7
	const at = 0x7_0000_0000
	c := must(child(object.Program{Held: true}, "at", strconv.Itoa(at)))
	if got := must(c.Space.Map(m, at, 0, page, rw)); got != at {
		return fmt.Errorf("mapped at %#x", got)
	}
	_, err := c.Space.Map(m, at, 0, page, rw)
	if err := want(err, syscall.EEXIST); err != nil {
		return err
	}
	second := must(c.Space.Map(m, 0, 0, page, rw))
	ok(c.Space.Unmap(second, page))
	ok(c.Thread.Resume())
	ok(finish(c))
	if b[0] != 8 || must(m.Info()).Mapped != page {
		return fmt.Errorf("%d, %+v", b[0], must(m.Info()))
	}
	return nil
}

// memoryAt is the child's part.
func memoryAt(word string) error {
	at, _ := strconv.ParseUint(word, 0, 64)
	b := object.Bytes(at, page)
	if b[0] != 7 {
		return fmt.Errorf("%d", b[0])
	}
	b[0] = 8
	return nil
}

// memoryNameless: what is mapped stays when the last handle is closed, and is
// paid for until it is unmapped.
func memoryNameless() error {
	noMemory := func() bool { return used().Of(abi.KindMemory) == 0 }
	eventually("what earlier cases had is given back", noMemory)
	m := must(object.NewMemory(3 * page))
	b := here(m, rw)
	b[page] = 5
	ok(m.Close())
	now := used()
	if now.Of(abi.KindMemory) != 1 || b[page] != 5 || b[0] != 0 {
		return fmt.Errorf("charged for %v", now)
	}
	away(b)
	eventually("it is given back", noMemory)
	return nil
}

// memoryGivenBack: what was given back is zero.
func memoryGivenBack() error {
	m := must(object.NewMemory(8 * page))
	defer m.Close()
	write := func(v byte) {
		size := must(m.Info()).Size
		b := here(m, rw)
		for i := uint64(0); i < size; i += page {
			b[i] = v
		}
		away(b)
	}
	read := func() (s string) {
		b := here(m, syscall.PROT_READ)
		for i := 0; i < len(b); i += page {
			s += strconv.Itoa(int(b[i]))
		}
		away(b)
		return s
	}
	write(1)
	ok(m.Decommit(2*page, 3*page))
	if got := read(); got != "11000111" {
		return fmt.Errorf("after Decommit: %s", got)
	}
	ok(m.Resize(2 * page))
	ok(m.Resize(9 * page))
	if got := read(); got != "110000000" {
		return fmt.Errorf("after Resize: %s", got)
	}
	return nil
}

// memoryRights: mprotect can't give what the handle hadn't.
func memoryRights() error {
	m := must(object.NewMemory(page))
	defer m.Close()
	for _, c := range []struct {
		rights abi.Rights
		prot   int
		e      syscall.Errno
	}{
		{abi.RightRead, rw, syscall.EACCES},
		{abi.RightRead, syscall.PROT_READ | syscall.PROT_EXEC, syscall.EACCES},
		{abi.RightRead | abi.RightWrite, rw, 0},
		{abi.RightRead | abi.RightWrite, syscall.PROT_READ | syscall.PROT_EXEC, syscall.EACCES},
		{abi.RightRead | abi.RightExecute, syscall.PROT_READ | syscall.PROT_EXEC, 0},
		{abi.RightRead | abi.RightWrite | abi.RightExecute, rw | syscall.PROT_EXEC, syscall.EACCES},
	} {
		h := object.Memory(must(object.Duplicate(abi.Handle(m), c.rights)))
		b := here(h, syscall.PROT_READ)
		if err := want(syscall.Mprotect(b, c.prot), c.e); err != nil {
			return fmt.Errorf("rights %#x, mprotect %#x: %w", c.rights, c.prot, err)
		}
		away(b)
		addr, err := object.Here.Map(h, 0, 0, page, uint64(c.prot))
		if err := want(err, c.e); err != nil {
			return fmt.Errorf("rights %#x, map %#x: %w", c.rights, c.prot, err)
		}
		if err == nil {
			ok(object.Here.Unmap(addr, page))
		}
		ok(object.Close(abi.Handle(h)))
	}
	return nil
}

// largeMemory: work on a large object goes in pieces.
func largeMemory() error {
	const size = 1 << 30
	m := must(object.NewMemory(size))
	b := here(m, rw)
	for i := 0; i < size; i += 16 << 20 {
		b[i] = 1
	}
	away(b)
	ok(m.Decommit(0, size))
	if i := must(m.Info()); i.Backed != 0 {
		return fmt.Errorf("%+v", i)
	}
	ok(m.Resize(page))
	ok(m.Resize(64 << 30))
	return m.Close()
}

// greedyPages: a child's limit of pages ends the child's touching, and nobody
// else's.
func greedyPages() error {
	limits := abi.DefaultLimits()
	limits[abi.LimitPages] = 3000 // Go's runtime has some of them
	ok(finish(must(child(object.Program{Limits: &limits}, "pages", "3000"))))
	m := must(object.NewMemory(64 * page))
	defer m.Close()
	b := here(m, rw)
	defer away(b)
	for i := 0; i < len(b); i += page {
		b[i] = 1
	}
	return nil
}

// warmUp has Go's runtime take what it needs for threads, for the panic of a fault, and
// for the stack on which that is recovered. At the limit it could have no page for that, and its own fault would end the
// program. What it has for a panic is each P's, so there is one only, and no collector
// that takes it away.
func warmUp() {
	const threads = 6
	debug.SetGCPercent(-1)
	runtime.GOMAXPROCS(1)
	var ended sync.WaitGroup
	begin := make(chan bool)
	for range threads {
		ended.Go(func() {
			runtime.LockOSThread()
			<-begin
			runtime.UnlockOSThread()
		})
	}
	close(begin)
	ended.Wait()
	deepen()
	defer func() { _ = recover() }()
	b := here(must(object.NewMemory(page)), syscall.PROT_READ)
	b[0] = 1
}

// deepen makes the goroutine's stack as large as it will be.
//
//go:noinline
func deepen() byte {
	var space [128 << 10]byte
	for i := range space {
		space[i] = byte(i)
	}
	return space[len(os.Args)]
}

// touchPages is the child's part: a page beyond the limit is SIGBUS.
func touchPages(word string) (err error) {
	const (
		less = 8  // tables of pages that aren't there yet
		more = 24 // what the kernel lends for the handler, and tables
	)
	most, _ := strconv.Atoi(word)
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	warmUp()
	m := must(object.NewMemory(uint64(most) * page))
	b := here(m, rw)
	n := 0
	defer func() {
		if r := recover(); r == nil {
			err = fmt.Errorf("%d pages of %d", n, most)
		}
		if got := int(used()[abi.LimitPages]); err == nil && (got < most-less || got > most+more) {
			err = fmt.Errorf("charged for %d pages of %d", got, most)
		}
	}()
	for ; n < most; n++ {
		b[n*page] = 1
	}
	return nil
}
