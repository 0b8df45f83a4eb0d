// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"syscall"
	"time"

	"loam/abi"
	"loam/test/programs/cases"
	"loam/user/object"
	"loam/user/sys"
)

func interruptCases() []cases.Case {
	return []cases.Case{
		{Name: "interrupt driver", Run: interruptDriver},
		{Name: "interrupt is closed while it waits to be served", Run: interruptClosed},
		{Name: "interrupt errors", Run: interruptErrors},
		{Name: "message errors", Run: messageErrors},
		{Name: "ports", Run: ports},
	}
}

// withClock runs f with the machine's clock and its interrupt, bound to a
// notification's bit 3.
func withClock(f func(c clock, i object.Interrupt, n object.Notification) error) error {
	c, err := openClock()
	if err != nil {
		return fmt.Errorf("clock: %w", err)
	}
	defer c.close()
	c.stop() // somebody may have left it on
	n, err := object.NewNotification()
	if err != nil {
		return err
	}
	defer n.Close()
	i, err := machine.NewInterrupt(clockLine, clockFlags)
	if err != nil {
		return fmt.Errorf("interrupt: %w", err)
	}
	defer i.Close()
	if err := i.Bind(n, 8); err != nil {
		return err
	}
	defer c.stop()
	return f(c, i, n)
}

func interruptDriver() error {
	return withClock(func(c clock, i object.Interrupt, n object.Notification) error {
		if err := quiet(i, n); err != nil { // something may wait from before
			return err
		}
		c.start()
		served := 0
		for begin := time.Now(); served < 10; {
			if err := expect(n, 8); err != nil {
				return fmt.Errorf("after %d: %w", served, err)
			}
			if c.serve() {
				served++
			}
			if err := i.Ack(); err != nil {
				return err
			}
			if time.Since(begin) > long {
				return fmt.Errorf("only %d were the clock's", served)
			}
			c.again()
		}
		c.stop()
		return quiet(i, n)
	})
}

// quiet wants no more interrupts, but for a few that are on their way.
func quiet(i object.Interrupt, n object.Notification) (err error) {
	for range 5 {
		if err = i.Ack(); err != nil {
			return err
		}
		if err = silence(n, 50*time.Millisecond); err == nil {
			return nil
		}
	}
	return err
}

// interruptClosed takes the line again and again from an object that goes when it
// has fired.
func interruptClosed() error {
	for round := range 5 {
		err := withClock(func(c clock, i object.Interrupt, n object.Notification) error {
			c.start()
			if err := expect(n, 8); err != nil {
				return err
			}
			if round%2 == 0 {
				c.serve()
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
	}
	return nil
}

func interruptErrors() error {
	i, err := machine.NewInterrupt(clockLine, clockFlags)
	if err != nil {
		return err
	}
	defer i.Close()
	n, err := object.NewNotification()
	if err != nil {
		return err
	}
	defer n.Close()
	weak, err1 := object.Duplicate(object.Handle(i), abi.RightTransfer)
	deaf, err2 := object.Duplicate(object.Handle(n), abi.RightWait)
	if err := first(err1, err2); err != nil {
		return err
	}
	defer object.Close(weak)
	defer object.Close(deaf)
	create := func(m, line, flags uint64) error {
		v, err := sys.ObjectCall(abi.CallInterruptCreate, m, line, flags)
		if err == nil {
			object.Close(object.Handle(v))
		}
		return err
	}
	bind := func(i, n, bits uint64) error { return second(sys.ObjectCall(abi.CallInterruptBind, i, n, bits)) }
	m, I, N := uint64(machine), uint64(i), uint64(n)
	err = first(
		want("somebody has it", syscall.EBUSY, create(m, clockLine, 0)),
		want("the kernel has it", syscall.EBUSY, create(m, channelLine, 0)),
		want("unknown flags", syscall.EINVAL, create(m, clockLine+1, 4)),
		want("no such line", syscall.EINVAL, create(m, 2000, 0)),
		want("no such line", syscall.EINVAL, create(m, 1<<32+clockLine+1, 0)),
		want("another line", 0, create(m, clockLine+1, 3)),
		want("another line again", 0, create(m, clockLine+1, 3)),
		want("no handle", syscall.EBADF, create(0, clockLine, 0)),
		want("another kind", syscall.ENOTSUP, create(N, clockLine, 0)),
		narrowed(abi.RightManage, func(h object.Handle) error {
			return want("no right", syscall.EACCES, create(uint64(h), clockLine, 0))
		}),
		want("no interrupt", syscall.EBADF, bind(0, N, 1)),
		want("no notification", syscall.EBADF, bind(I, 0, 1)),
		want("another kind", syscall.ENOTSUP, bind(N, N, 1)),
		want("another kind", syscall.ENOTSUP, bind(I, I, 1)),
		want("no right", syscall.EACCES, bind(uint64(weak), N, 1)),
		want("no right to signal", syscall.EACCES, bind(I, uint64(deaf), 1)),
		want("no bits", syscall.EINVAL, bind(I, N, 0)),
		want("no handle", syscall.EBADF, object.Interrupt(0).Ack()),
		want("another kind", syscall.ENOTSUP, object.Interrupt(n).Ack()),
		want("no right", syscall.EACCES, object.Interrupt(weak).Ack()),
		want("before it is bound", 0, i.Ack()),
		i.Bind(n, 1), i.Bind(n, 2),
	)
	if x, e := object.Info(object.Handle(n)); err == nil && (e != nil || x.References != 3) {
		err = fmt.Errorf("%d references, %v", x.References, e)
	}
	return err
}
