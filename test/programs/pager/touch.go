// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"loam/abi"
	"loam/test/programs/cases"
	"loam/user/object"
	"loam/user/sys"
)

func touchCases() []cases.Case {
	return []cases.Case{
		{Name: "a page is asked for once", Run: once},
		{Name: "random touches from threads and processes, a page at a time", Run: func() error { return random("1") }},
		{Name: "random touches from threads and processes, 16 pages at a time", Run: func() error { return random("16") }},
		{Name: "a private mapping asks, and keeps what it writes", Run: private},
		{Name: "calls and pages at one endpoint", Run: callsAndPages},
		{Name: "code comes from a pager", Run: execute},
		{Name: "signals wait for the page", Run: signalled},
		{Name: "pages go only when nobody maps them", Run: decommit},
	}
}

func once() error {
	p := newPaged(8*abi.PageSize, "1")
	defer p.end()
	b := p.here(abi.PROT_READ | abi.PROT_WRITE)
	defer unmap(b)
	for round := range 3 {
		for i := 0; i < len(b); i += 8 {
			if got := getWord(b[i:]); got != contentAt(uint64(i)) {
				return fmt.Errorf("round %d: %#x at %#x", round, got, i)
			}
		}
	}
	if n := p.told(asks); n != 8 {
		return fmt.Errorf("8 pages, %d asks", n)
	}
	if a := p.told(lastAccess); a != abi.PROT_READ {
		return fmt.Errorf("asked for access %d, to read", a)
	}
	putWord(b[8:], 1)
	if info := must(p.memory.Info()); info.Backed < 8*abi.PageSize {
		return fmt.Errorf("%d bytes are there", info.Backed)
	}
	c := p.here(abi.PROT_READ) // another mapping: nobody is asked
	defer unmap(c)
	if getWord(c[8:]) != 1 || p.told(asks) != 8 {
		return fmt.Errorf("the other mapping has %#x, %d asks", getWord(c[8:]), p.told(asks))
	}
	return nil
}

const large = 16 << 20

// random has threads and processes touch a large object all over.
func random(mode string) error {
	p := newPaged(large, mode)
	defer p.end()
	var children []object.Child
	for i := range 2 {
		children = append(children, must((&object.Program{File: "program", Args: []string{"pager", "role", "touch", strconv.Itoa(i)},
			Handles: []abi.HandOn{{Handle: abi.Handle(p.memory), Rights: abi.RightRead | abi.RightWrite}}}).Start()))
	}
	b := p.here(abi.PROT_READ | abi.PROT_WRITE)
	defer unmap(b)
	err := touchThreads(b, 10)
	for _, c := range children {
		status := must(c.Process.Wait(object.Forever))
		if status != (abi.ExitStatus{}) && err == nil {
			err = fmt.Errorf("a child ended with %v", status)
		}
		try(c.Close())
	}
	return err
}

// touchAll is the role of a process that touches all of an object.
func touchAll(seed string) error {
	n, _ := strconv.Atoi(seed)
	b := mapped(object.Memory(object.Given(0)), abi.PROT_READ|abi.PROT_WRITE)
	return touchThreads(b, uint64(n)*100)
}

// touchThreads has threads touch pages of b at random. Each page has a word for each thread
// to write; the others stay.
func touchThreads(b []byte, seed uint64) error {
	const threads, touches = 3, 700
	errs := make(chan error)
	for t := range uint64(threads) {
		go func() {
			runtime.LockOSThread()
			rnd := rand.New(rand.NewPCG(seed, t))
			for range touches {
				page := rnd.Uint64N(uint64(len(b))/abi.PageSize) * abi.PageSize
				at := page + 2048 + 8*rnd.Uint64N(256)
				if rnd.IntN(4) == 0 { // written before it is read
					mine := page + 8*(t+seed%7)
					putWord(b[mine:], mine)
				}
				if got := getWord(b[at:]); got != contentAt(at) {
					errs <- fmt.Errorf("%#x at %#x", got, at)
					return
				}
			}
			errs <- nil
		}()
	}
	var err error
	for range threads {
		if e := <-errs; e != nil {
			err = e
		}
	}
	return err
}

func private() error {
	p := newPaged(4*abi.PageSize, "1")
	defer p.end()
	addr := must(object.Here.MapPrivate(p.memory, 0, 0, 4*abi.PageSize, abi.PROT_READ|abi.PROT_WRITE))
	b := object.Bytes(addr, 4*abi.PageSize)
	defer unmap(b)
	putWord(b, 7) // written first
	if got := getWord(b[8:]); got != contentAt(8) || getWord(b) != 7 {
		return fmt.Errorf("%#x beside what was written first", got)
	}
	if got := getWord(b[abi.PageSize:]); got != contentAt(abi.PageSize) {
		return fmt.Errorf("%#x in a page that was read first", got)
	}
	putWord(b[abi.PageSize:], 8)
	if n := p.told(asks); n != 2 {
		return fmt.Errorf("2 pages, %d asks", n)
	}
	c := p.here(abi.PROT_READ)
	defer unmap(c)
	if getWord(c) != contentAt(0) || getWord(c[abi.PageSize:]) != contentAt(abi.PageSize) {
		return fmt.Errorf("what was written privately is in the object")
	}
	return nil
}

// callsAndPages makes calls to a pager's endpoint and touches its pages in turn, so that
// calls that take the shortest way and others follow each other.
func callsAndPages() error {
	p := newPaged(256*abi.PageSize, "1")
	defer p.end()
	b := p.here(abi.PROT_READ | abi.PROT_WRITE)
	defer unmap(b)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	text := []byte("sixteen bytes...")
	o := &sys.MessageOptions{Deadline: abi.WaitForever, SendAddr: &text[0], SendBytes: 16, Flags: abi.MessageCancel}
	n := uint64(0)
	for page := uint64(0); page < uint64(len(b)); page += abi.PageSize {
		for range page / abi.PageSize % 5 {
			m := sys.Message{To: uint64(p.endpoint), Words: [8]uint64{n, 1, 2, 3, 4, 5, 6, page}}
			if n%8 == 0 {
				m.Options = o
			}
			if r := sys.MessageWait(abi.CallEndpointCall, &m); r != 0 {
				return abi.Errno(-r)
			}
			n++
			if m.Words != [8]uint64{n, 1, 2, 3, 4, 5, 6, page} {
				return fmt.Errorf("a call came back as %v", m.Words)
			}
		}
		if got := getWord(b[page:]); got != contentAt(page) {
			return fmt.Errorf("%#x at %#x", got, page)
		}
	}
	if p.told(calls) != n || p.told(asks) != 256 {
		return fmt.Errorf("%d calls of %d, %d asks", p.told(calls), n, p.told(asks))
	}
	return nil
}

// execute runs a function whose page comes from a pager.
func execute() error {
	p := newPaged(2*abi.PageSize, "1")
	defer p.end()
	var code uint64 = 0xc3 // RET
	if runtime.GOARCH == "riscv64" {
		code = 0x8067 // JALR X0, 0(X1)
	}
	putWord(p.source, code)
	putWord(p.source[abi.PageSize:], code)
	if _, err := object.Here.Map(p.memory, 0, 0, abi.PageSize, abi.PROT_READ|abi.PROT_WRITE|abi.PROT_EXEC); err == nil {
		return fmt.Errorf("mapped to be written and executed")
	}
	b := p.here(abi.PROT_READ | abi.PROT_EXEC)
	defer unmap(b)
	run(b)
	if a := p.told(lastAccess); a != abi.PROT_EXEC {
		return fmt.Errorf("asked for access %d, to execute", a)
	}
	if getWord(b[abi.PageSize:]) != code { // read before it is executed
		return fmt.Errorf("the second page has %#x", getWord(b[abi.PageSize:]))
	}
	run(b[abi.PageSize:])
	return nil
}

// signalled has signals come while a thread waits for pages.
func signalled() error {
	p := newPaged(24*abi.PageSize, "slow")
	defer p.end()
	b := p.here(abi.PROT_READ)
	defer unmap(b)
	got := make(chan os.Signal, 100)
	signal.Notify(got, syscall.SIGALRM)
	defer signal.Stop(got)
	const often = 500 // us
	every := []uint64{0, often, 0, often}
	if _, e := rawCall(syscall.SYS_SETITIMER, 0, addressOf(&every[0]), 0); e != 0 {
		return e
	}
	var err error
	for i := 0; i < len(b) && err == nil; i += abi.PageSize {
		if v := getWord(b[i:]); v != contentAt(uint64(i)) {
			err = fmt.Errorf("%#x at %#x", v, i)
		}
	}
	never := []uint64{0, 0, 0, 0}
	if _, e := rawCall(syscall.SYS_SETITIMER, 0, addressOf(&never[0]), 0); e != 0 {
		return e
	}
	select {
	case <-got:
	case <-time.After(5 * time.Second):
		err = errors.Join(err, errors.New("no signal came"))
	}
	return err
}

func decommit() error {
	p := newPaged(4*abi.PageSize, "1")
	defer p.end()
	b := p.here(abi.PROT_READ | abi.PROT_WRITE)
	putWord(b[abi.PageSize:], 5)
	if err := p.memory.Decommit(0, 4*abi.PageSize); err != syscall.EBUSY {
		unmap(b)
		return fmt.Errorf("decommit of what is mapped: %v", err)
	}
	unmap(b)
	if err := p.memory.Decommit(0, 4*abi.PageSize); err != nil {
		return err
	}
	if info := must(p.memory.Info()); info.Backed != 0 {
		return fmt.Errorf("%d bytes are left", info.Backed)
	}
	b = p.here(abi.PROT_READ | abi.PROT_WRITE)
	defer unmap(b)
	if got := getWord(b[abi.PageSize:]); got != contentAt(abi.PageSize) || p.told(asks) != 2 {
		return fmt.Errorf("%#x after decommit, %d asks", got, p.told(asks))
	}
	return nil
}

// costs prints how long it takes to touch a page that a pager brings.
func costs(mode string) {
	const pages = 1024
	p := newPaged(pages*abi.PageSize, mode)
	defer p.end()
	b := p.here(abi.PROT_READ)
	defer unmap(b)
	for i := range uint64(16) {
		getWord(b[i*abi.PageSize:])
	}
	begun := sys.Monotonic()
	for i := uint64(16); i < pages; i++ {
		getWord(b[i*abi.PageSize:])
	}
	fmt.Printf("paged_fault %d ns\n", (sys.Monotonic()-begun)/(pages-16))
}
