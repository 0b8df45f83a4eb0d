// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"syscall"

	"loam/abi"
	"loam/test/programs/cases"
	"loam/user/object"
	"loam/user/sys"
)

// exhaustCases are the calls that answer ENOMEM when the machine has no frames
// for them.
func exhaustCases() []cases.Case {
	var out []cases.Case
	for _, call := range []string{"memory_clone", "memory_decommit", "memory_resize", "memory_create",
		"notification_create", "thread_create", "process_create"} {
		out = append(out, cases.Case{Name: call + " ENOMEM", Run: func() (err error) {
			for range 3 { // somebody else may want a frame just then, and the kernel ends the child
				var status abi.ExitStatus
				c := must(child(object.Program{}, "exhaust", call))
				if status, err = c.Process.Wait(soon()); err != nil {
					return err
				}
				ok(c.Close())
				if status == (abi.ExitStatus{}) {
					return nil
				}
				err = fmt.Errorf("the child: %v", status)
			}
			return err
		}})
	}
	return out
}

// apart is how far apart pages are that need tables of their own.
const apart = 2 << 20

// exhaust takes frames until a call finds none: those that programs may have, and
// then, by tables alone, half of those that are kept for the kernel. It has calls
// write to the last pages: that a page can't be had is an error to them, and would
// be the end of a process that touches it.
func exhaust(call string) error {
	runtime.LockOSThread()
	debug.SetGCPercent(-1)
	m := must(object.NewMemory(1100 * page))
	few := here(m, rw)
	for _, i := range []int{0, 1, 599, 600, 1099} { // in all of its nodes
		few[i*page] = 1
	}
	away(few)
	c := must(m.Clone(0, 1100*page))
	one := must(object.NewMemory(page))
	fillMemory(one, 1)
	const (
		windows = 4000
		at      = 0x8_0000_0000 // on, where nobody else maps anything
	)
	for k := range uint64(windows) {
		must(object.Here.Map(one, at+k*apart, 0, page, rw))
	}
	info := must(object.Self.Info())
	left := int(info.Limits[abi.LimitPages]-info.Used[abi.LimitPages]) * page
	b, err := syscall.Mmap(-1, 0, left, rw, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err != nil {
		return err
	}
	request := (&object.Program{File: "program", Args: []string{"objects", "role", "exit", "0"}}).Request()
	var machine syscall.Sysinfo_t
	ok(syscall.Sysinfo(&machine))
	reserve := min(machine.Totalram/16, 4<<20)
	most := int(machine.Freeram-reserve) / 4 * 3 // the rest by calls: to touch what isn't there ends this process
	ok(syscall.Madvise(b, abi.MADV_HUGEPAGE))
	touch(b[:most], true)
	ok(syscall.Madvise(b, abi.MADV_NOHUGEPAGE))
	if fillByCalls(addressOf(&b[0])+uint64(most)&^(page-1), page, (left-most)/page) == nil {
		return fmt.Errorf("%d pages, and there is memory", left/page)
	}
	switch call {
	case "memory_clone":
		_, err = m.Clone(page, 599*page) // with nodes of its own at the ends
	case "memory_create":
		_, err = object.NewMemory(page)
	case "notification_create":
		_, err = object.NewNotification()
	case "thread_create":
		_, err = object.Self.NewThread()
	case "process_create":
		_, err = sys.ProcessCreate(request)
	case "memory_decommit", "memory_resize":
		if fillByCalls(at, apart, windows) == nil {
			return fmt.Errorf("%d tables, and there is memory", windows)
		}
		if call == "memory_resize" {
			err = c.Resize(600 * page)
		} else {
			err = c.Decommit(page, 600*page)
		}
	}
	if err != syscall.ENOMEM {
		return want(err, syscall.ENOMEM)
	}
	os.Exit(0) // what else could be done without memory
	return nil
}

// fillByCalls writes to n pages, until there is no memory for one.
func fillByCalls(at, step uint64, n int) error {
	for range n {
		if err := call(abi.CallHandleInfo, uint64(abi.HandleProcess), at); err != nil {
			return err
		}
		at += step
	}
	return nil
}
