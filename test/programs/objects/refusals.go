// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"syscall"

	"loam/abi"
	"loam/test/programs/cases"
	"loam/user/object"
	"loam/user/sys"
)

// refusal describes a call whose first argument is a handle.
type refusal struct {
	nr    uint64
	kind  abi.Kind   // 0: any
	right abi.Rights // 0: none
	args  []uint64   // that would be right
}

func (r *refusal) make(h abi.Handle, args ...uint64) error {
	if args == nil {
		args = r.args
	}
	return call(r.nr, append([]uint64{uint64(h)}, args...)...)
}

var withHandles = []refusal{
	{nr: abi.CallHandleDuplicate, right: abi.RightDuplicate, args: []uint64{0}},
	{nr: abi.CallHandleReplace, args: []uint64{0}},
	{nr: abi.CallHandleClose},
	{nr: abi.CallHandleRevoke},
	{nr: abi.CallHandleMint, kind: abi.KindNotification, right: abi.RightDuplicate, args: []uint64{0, 1}},
	{nr: abi.CallHandleInfo, args: []uint64{infoAddr}},
	{nr: abi.CallNotificationSignal, kind: abi.KindNotification, right: abi.RightWrite, args: []uint64{1}},
	{nr: abi.CallNotificationWait, kind: abi.KindNotification, right: abi.RightWait, args: []uint64{1, 0}},
	{nr: abi.CallThreadCreate, kind: abi.KindProcess, right: abi.RightManage},
	{nr: abi.CallThreadStart, kind: abi.KindThread, right: abi.RightManage, args: []uint64{codeOfCounter(), 0, 0, 0, 0}},
	{nr: abi.CallThreadStop, kind: abi.KindThread, right: abi.RightManage},
	{nr: abi.CallThreadResume, kind: abi.KindThread, right: abi.RightManage},
	{nr: abi.CallThreadEnd, kind: abi.KindThread, right: abi.RightManage},
	{nr: abi.CallThreadWait, kind: abi.KindThread, right: abi.RightWait, args: []uint64{0}},
	{nr: abi.CallProcessKill, kind: abi.KindProcess, right: abi.RightManage},
	{nr: abi.CallProcessWait, kind: abi.KindProcess, right: abi.RightWait, args: []uint64{0}},
	{nr: abi.CallMemoryResize, kind: abi.KindMemory, right: abi.RightManage, args: []uint64{page}},
	{nr: abi.CallMemoryDecommit, kind: abi.KindMemory, right: abi.RightManage, args: []uint64{0, page}},
	{nr: abi.CallMemoryClone, kind: abi.KindMemory, right: abi.RightRead, args: []uint64{0, page, 0, 0}},
	{nr: abi.CallMemoryInfo, kind: abi.KindMemory, right: abi.RightRead, args: []uint64{infoAddr}},
	{nr: abi.CallMemoryMap, kind: abi.KindSpace, args: []uint64{0, 0, 0, page, rw}},
	{nr: abi.CallMemoryUnmap, kind: abi.KindSpace, right: abi.RightMap, args: []uint64{1 << 30, page}},
	{nr: abi.CallProcessInfo, kind: abi.KindProcess, right: abi.RightRead, args: []uint64{infoAddr}},
	{nr: abi.CallProcessUse, kind: abi.KindProcess, right: abi.RightRead, args: []uint64{infoAddr}},
}

var (
	infoRoom [abi.ProcessInfoSize]byte
	infoAddr = addressOf(&infoRoom)
)

// refusals are the errors that follow from the handle alone.
func refusals() []cases.Case {
	var out []cases.Case
	for _, r := range withHandles {
		name := abi.Name(abi.HostArch, r.nr)
		out = append(out, cases.Case{Name: name + " EBADF", Run: r.badHandles})
		if r.kind != 0 {
			out = append(out, cases.Case{Name: name + " ENOTSUP", Run: r.otherKinds})
		}
		if r.right != 0 {
			out = append(out, cases.Case{Name: name + " EACCES", Run: r.missingRight})
		}
		if r.right == abi.RightManage && r.kind != abi.KindMemory || r.nr == abi.CallProcessUse {
			out = append(out, cases.Case{Name: name + " ESRCH", Run: r.ended})
		}
	}
	return out
}

// badHandles tries what was closed, what never was, and what others have.
func (r *refusal) badHandles() error {
	n := must(object.NewNotification())
	ok(n.Close())
	c := must(child(object.Program{Held: true, Handles: []abi.HandOn{give(abi.HandleProcess)}}, "sleep"))
	defer end(c)
	for _, h := range []abi.Handle{
		0, 1, 2, abi.Handle(n), abi.MaxHandles, 1<<abi.HandleIndexBits + abi.MaxHandles, 1<<64 - 1, 1 << 63,
		abi.HandleProcess + 1<<abi.HandleIndexBits, abi.HandleProcess | 1<<63, abi.GivenHandle(200),
	} {
		if err := want(r.make(h), syscall.EBADF); err != nil {
			return fmt.Errorf("handle %#x: %w", uint64(h), err)
		}
	}
	return nil
}

func (r *refusal) otherKinds() error {
	n := must(object.NewNotification())
	defer n.Close()
	m := must(object.NewMemory(page))
	defer m.Close()
	for _, h := range []abi.Handle{abi.HandleProcess, abi.HandleSpace, abi.HandleThread, abi.Handle(n), abi.Handle(m)} {
		if must(object.Info(h)).Kind == r.kind {
			continue
		}
		if err := want(r.make(h), syscall.ENOTSUP); err != nil {
			return fmt.Errorf("handle %#x: %w", uint64(h), err)
		}
	}
	return nil
}

// missingRight tries a handle that has every right but the one.
func (r *refusal) missingRight() error {
	n := must(object.NewNotification())
	defer n.Close()
	m := must(object.NewMemory(page))
	defer m.Close()
	h := map[abi.Kind]abi.Handle{abi.KindProcess: abi.HandleProcess, abi.KindThread: abi.HandleThread,
		abi.KindSpace: abi.HandleSpace, abi.KindMemory: abi.Handle(m)}[r.kind]
	if h == 0 {
		h = abi.Handle(n)
	}
	less := must(object.Duplicate(h, must(object.Info(h)).Rights&^r.right))
	defer object.Close(less)
	return want(r.make(less), syscall.EACCES)
}

// ended tries a process or thread that is no more.
func (r *refusal) ended() error {
	c := must(child(object.Program{Held: true}, "sleep"))
	defer c.Close()
	ok(c.Process.Kill())
	h := abi.Handle(c.Thread)
	if r.kind == abi.KindProcess {
		h = abi.Handle(c.Process)
	}
	if err := want(r.make(h), syscall.ESRCH); err != nil {
		return err
	}
	must(c.Process.Wait(soon()))
	return want(r.make(h), syscall.ESRCH)
}

// full makes a call while the table of handles is full.
func full(f func() error) func(func(error)) {
	return func(try func(error)) {
		empty := fill()
		defer empty()
		try(f())
	}
}

// badAddresses are none of this process's.
var badAddresses = []uint64{0, 8, abi.UserLimit, 1 << 47, 1<<64 - 8, codeOfCounter()}

// otherErrors are the errors that follow from something else.
func otherErrors() []cases.Case {
	const top = 1 << 63
	out := []cases.Case{
		{Name: "handle_replace EACCES", Run: func() error {
			n := must(object.NewNotification())
			defer n.Close()
			return want(call(abi.CallHandleReplace, uint64(n), uint64(abi.RightManage)), syscall.EACCES)
		}},
		{Name: "thread_start EALREADY", Run: func() error {
			t, _ := counter()
			defer t.Close()
			defer t.End()
			return want(t.Start(object.Registers{Entry: codeOfCounter()}), syscall.EALREADY)
		}},
		{Name: "thread_start EINVAL", Run: func() error {
			t := must(object.Self.NewThread())
			defer t.Close()
			defer t.End()
			for _, r := range []object.Registers{{Entry: 1 << 47}, {Stack: 1<<64 - 8}, {TLS: 1 << 63}, {Entry: abi.UserLimit}} {
				if err := want(t.Start(r), syscall.EINVAL); err != nil {
					return fmt.Errorf("%+v: %w", r, err)
				}
			}
			return nil
		}},
	}
	add := func(name string, e syscall.Errno, all func(try func(error))) {
		out = append(out, cases.Case{Name: name + " " + abi.Errno(e).Name(), Run: func() (err error) {
			all(func(got error) {
				if w := want(got, e); w != nil && err == nil {
					err = w
				}
			})
			return err
		}})
	}
	for _, r := range withHandles {
		name := abi.Name(abi.HostArch, r.nr)
		switch r.nr {
		case abi.CallHandleInfo, abi.CallProcessInfo, abi.CallProcessUse:
			add(name, syscall.EFAULT, func(try func(error)) {
				for _, a := range badAddresses {
					try(r.make(abi.HandleProcess, a))
				}
			})
		case abi.CallThreadWait, abi.CallProcessWait:
			h := map[abi.Kind]abi.Handle{abi.KindThread: abi.HandleThread, abi.KindProcess: abi.HandleProcess}[r.kind]
			add(name, syscall.EINVAL, func(try func(error)) { try(r.make(h, top)); try(r.make(h, 1<<64-1)) })
			add(name, syscall.ETIMEDOUT, func(try func(error)) {
				for _, until := range []uint64{0, 1, uint64(sys.Monotonic() + 1e6)} {
					try(r.make(h, until))
				}
			})
		case abi.CallNotificationSignal, abi.CallNotificationWait:
			add(name, syscall.EINVAL, func(try func(error)) {
				n := must(object.NewNotification())
				defer n.Close()
				try(r.make(abi.Handle(n), 0, 0))
				try(r.make(abi.Handle(n), top, 0))
				try(r.make(abi.Handle(n), 1<<64-1, 0))
				if r.nr == abi.CallNotificationWait {
					try(r.make(abi.Handle(n), 1, top))
				}
			})
		}
	}
	add("notification_wait", syscall.ETIMEDOUT, func(try func(error)) {
		n := must(object.NewNotification())
		defer n.Close()
		try(call(abi.CallNotificationWait, uint64(n), 1, 0))
	})
	memoryErrors(add)
	add("handle_duplicate", syscall.EMFILE, full(func() error { return call(abi.CallHandleDuplicate, uint64(abi.HandleProcess), 0) }))
	add("handle_mint", syscall.EMFILE, func(try func(error)) {
		n := must(object.NewNotification())
		defer n.Close()
		full(func() error { return call(abi.CallHandleMint, uint64(n), 0, 1) })(try)
	})
	add("handle_mint", syscall.EINVAL, func(try func(error)) {
		n := must(object.NewNotification())
		defer n.Close()
		try(call(abi.CallHandleMint, uint64(n), 0, 0))
		try(call(abi.CallHandleMint, uint64(n), 0, top))
		try(call(abi.CallHandleMint, uint64(n), 0, 1<<64-1))
	})
	add("notification_create", syscall.EMFILE, full(func() error { return call(abi.CallNotificationCreate) }))
	add("thread_create", syscall.EMFILE, full(func() error { return call(abi.CallThreadCreate, uint64(abi.HandleProcess)) }))
	add("process_create", syscall.EMFILE, full(func() error {
		_, err := child(object.Program{}, "sleep")
		return err
	}))
	return append(out, createErrors()...)
}
