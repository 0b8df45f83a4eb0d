// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"

	"loam/abi"
	"loam/test/programs/cases"
	"loam/user/object"
	"loam/user/sys"
)

func failCases() []cases.Case {
	return []cases.Case{
		{Name: "a pager that brings nothing", Run: func() error { return fails("nothing", 1) }},
		{Name: "a pager that brings another page", Run: func() error { return fails("elsewhere", 1) }},
		{Name: "a pager that ends when it is asked", Run: func() error { return fails("die", 0) }},
		{Name: "a pager that is killed while it is asked", Run: killed},
		{Name: "another pager goes on where one has ended", Run: successor},
		{Name: "threads that wait for a page are stopped and killed", Run: stuckThreads},
		{Name: "nobody waits for a page of another's", Run: apartFrom},
		{Name: "limits of who pays", Run: limits},
	}
}

// touch reads a word and tells whether that was SIGBUS at its address.
func touch(b []byte) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		if f, ok := r.(interface{ Addr() uintptr }); !ok || uint64(f.Addr()) != at(b) {
			err = fmt.Errorf("not a fault at %#x: %v", at(b), r)
			return
		}
		err = errBus
	}()
	getWord(b)
	return nil
}

var errBus = errors.New("SIGBUS")

// fails wants SIGBUS, or EFAULT, from pages of a pager that fails; of which some are there then.
func fails(mode string, more int) error {
	p := newPaged(64*abi.PageSize, mode)
	defer p.end()
	b := p.here(abi.PROT_READ | abi.PROT_WRITE)
	defer unmap(b)
	for i := range 5 {
		if err := touch(b[4*i*abi.PageSize:]); err != errBus {
			return fmt.Errorf("touch %d: %v", i, err)
		}
		page := b[(4*i+2)*abi.PageSize:]
		if err := want(0, syscall.EFAULT, syscall.SYS_CLOCK_GETTIME, 0, at(page)); err != nil {
			return err
		}
		if err := want(0, syscall.EFAULT, syscall.SYS_RT_SIGPROCMASK, 0, 0, at(page), 8); err != nil {
			return err
		}
	}
	n := p.told(asks)
	if more > 0 && n != 15 || more == 0 && n != 1 {
		return fmt.Errorf("%d asks", n)
	}
	if mode == "elsewhere" { // what came is as it should be
		if got := getWord(b[abi.PageSize:]); got != contentAt(abi.PageSize) {
			return fmt.Errorf("%#x in the other page", got)
		}
	}
	return nil
}

// killed kills a pager that the threads of a process wait for, one of them with its ask
// received.
func killed() error {
	p := newPaged(8*abi.PageSize, "hold")
	defer p.end()
	c := must((&object.Program{File: "program", Args: []string{"pager", "role", "stuck"},
		Handles: []abi.HandOn{{Handle: abi.Handle(p.memory), Rights: abi.RightRead}}}).Start())
	for p.told(asks) == 0 {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(50 * time.Millisecond)
	try(p.pager.Process.Kill())
	if status := must(c.Process.Wait(object.After(20 * time.Second))); status != (abi.ExitStatus{}) {
		return fmt.Errorf("a process without a pager ended with %v", status)
	}
	return c.Close()
}

// successor starts a second pager beside one that ends when it is asked the second time.
func successor() error {
	p := newPaged(32*abi.PageSize, "once")
	defer p.end()
	first := p.pager
	defer first.Close()
	// The right to receive stays here, as in a supervisor.
	endpoint := abi.Handle(must(sys.ObjectCall(abi.CallEndpointCreate)))
	m := must(object.NewPagedMemory(32*abi.PageSize, endpoint, key))
	try(object.Close(p.endpoint))
	try(p.memory.Close())
	try(first.Process.Kill())
	must(first.Process.Wait(object.Forever))
	p.memory, p.endpoint = m, endpoint
	p.start("once")
	c := must((&object.Program{File: "program", Args: []string{"pager", "role", "touch", "1"},
		Handles: []abi.HandOn{{Handle: abi.Handle(p.memory), Rights: abi.RightRead | abi.RightWrite}}}).Start())
	must(p.pager.Process.Wait(object.Forever))
	try(p.pager.Close())
	p.start("1")
	if status := must(c.Process.Wait(object.Forever)); status != (abi.ExitStatus{}) {
		return fmt.Errorf("the process that goes on ended with %v", status)
	}
	return c.Close()
}

// stuck is the role of a process that waits for pages, on several threads, until there is
// no pager.
func stuck() error {
	const threads = 3
	b := mapped(object.Memory(object.Given(0)), abi.PROT_READ)
	errs := make(chan error, threads)
	for i := range threads {
		go func() {
			runtime.LockOSThread()
			_, err := syscall.Write(1, b[i*abi.PageSize:][:1])
			errs <- err
		}()
	}
	runtime.LockOSThread()
	time.Sleep(20 * time.Millisecond) // Go runs nothing else on this CPU while it waits for a page
	if err := touch(b[threads*abi.PageSize:]); err != errBus {
		return fmt.Errorf("touch: %v", err)
	}
	for range threads {
		if err := <-errs; err != syscall.EFAULT {
			return fmt.Errorf("write: %v", err)
		}
	}
	return nil
}

// stuckThreads stops threads that wait for a pager, and ends their processes; the pager's
// answer comes to nothing.
func stuckThreads() error {
	p := newPaged(8*abi.PageSize, "hold")
	defer p.end()
	for range 2 {
		before := p.told(asks)
		c := must((&object.Program{File: "program", Args: []string{"pager", "role", "stuck"},
			Handles: []abi.HandOn{{Handle: abi.Handle(p.memory), Rights: abi.RightRead}}}).Start())
		for p.told(asks) == 0 || before == 0 && p.told(asks) == before {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(20 * time.Millisecond)
		try(c.Thread.Stop())
		try(c.Thread.Resume())
		try(c.Process.Kill())
		status := must(c.Process.Wait(object.After(10 * time.Second)))
		if status.Kind != abi.Signalled {
			return fmt.Errorf("ended with %v", status)
		}
		try(c.Close())
	}
	return nil
}

// apartFrom has a call made by one whose buffers will never be there: its partner
// isn't held up.
func apartFrom() error {
	p := newPaged(8*abi.PageSize, "hold")
	defer p.end()
	endpoint := abi.Handle(must(sys.ObjectCall(abi.CallEndpointCreate)))
	defer object.Close(endpoint)
	b := p.here(abi.PROT_READ | abi.PROT_WRITE)
	defer unmap(b)
	results := make(chan uint64, 2)
	call := func(o sys.MessageOptions) {
		runtime.LockOSThread()
		o.Deadline = abi.WaitForever
		m := sys.Message{To: uint64(endpoint), Options: &o}
		results <- sys.MessageWait(abi.CallEndpointCall, &m)
	}
	go call(sys.MessageOptions{SendAddr: &b[0], SendBytes: 100})
	go call(sys.MessageOptions{ReceiveAddr: &b[abi.PageSize], ReceiveBytes: 100})
	time.Sleep(20 * time.Millisecond)
	text := []byte("not held up")
	done := make(chan error)
	go func() { done <- callOnce(endpoint, text) }()
	if err := answerOne(endpoint, text); err != nil { // the first that is received is the third that called
		return err
	}
	if err := <-done; err != nil {
		return err
	}
	try(p.pager.Process.Kill())
	for range 2 {
		if r := <-results; r != abi.EFAULT.Result() {
			return fmt.Errorf("a call with a bad page answered %d", int64(r))
		}
	}
	return nil
}

// limits has a pager whose supply is refused.
func limits() error {
	endpoint := abi.Handle(must(sys.ObjectCall(abi.CallEndpointCreate)))
	defer object.Close(endpoint)
	limit := abi.DefaultLimits()
	limit[abi.LimitPages] = 8
	c, err := (&object.Program{Empty: true, Limits: &limit}).Start()
	if err != nil {
		return err
	}
	defer c.Close()
	// The object is charged to who makes it: nothing here stands in its way. What else this process
	// is charged for changes, too: Go's runtime takes memory and gives it back, and that of objects which nobody
	// has a handle to any more goes piece by piece. So one of several tries has to be exact.
	const (
		pages = 16
		cost  = pages + 1 // and one that says where they are
		tries = 50
	)
	content := make([]byte, pages*abi.PageSize)
	for i := range content {
		content[i] = byte(i)
	}
	var before, after uint32
	for n := 0; n < tries && (n == 0 || after != before+cost); n++ {
		m := must(object.NewPagedMemory(64*abi.PageSize, endpoint, 0))
		before = must(object.Self.Info()).Used[abi.LimitPages]
		err := m.Supply(0, content)
		after = must(object.Self.Info()).Used[abi.LimitPages]
		try(m.Close())
		if err != nil {
			return err
		}
		if n > 0 {
			time.Sleep(time.Millisecond)
		}
	}
	if after != before+cost {
		return fmt.Errorf("charged for %d pages, and %d before", after, before)
	}
	try(c.Process.Kill())
	must(c.Process.Wait(object.Forever))
	return nil
}
