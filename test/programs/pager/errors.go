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

// errorCases are the errors that package abi documents. The name of a case is a call's
// and an error's.
func errorCases() []cases.Case {
	var all []cases.Case
	add := func(name string, e syscall.Errno, f func(h *hands) error) {
		all = append(all, cases.Case{Name: name + " " + abi.Errno(e).Name(), Run: func() error {
			h := newHands()
			defer h.close()
			if err := f(h); err != e {
				return fmt.Errorf("%v, want %v", err, e)
			}
			return nil
		}})
	}
	create := func(size uint64, endpoint abi.Handle, name string) error {
		_, err := sys.MemoryCreatePaged(size, endpoint, 0, name)
		return err
	}
	const page = abi.PageSize
	add("memory_create_paged", syscall.EBADF, func(h *hands) error { return create(page, 1<<20, "") })
	add("memory_create_paged", syscall.ENOTSUP, func(h *hands) error { return create(page, abi.Handle(h.memory), "") })
	add("memory_create_paged", syscall.EACCES, func(h *hands) error { return create(page, h.waiter, "") })
	add("memory_create_paged", syscall.EINVAL, func(h *hands) error { return create(page+1, h.endpoint, "") })
	add("memory_create_paged", syscall.EINVAL, func(h *hands) error { return create(0, h.endpoint, "") })
	add("memory_create_paged", syscall.EINVAL, func(h *hands) error { return create(64<<30+page, h.endpoint, "") })
	add("memory_create_paged", syscall.ENAMETOOLONG, func(h *hands) error {
		return create(page, h.endpoint, string(make([]byte, abi.MemoryNameSize+1)))
	})
	add("memory_create_paged", syscall.EFAULT, func(h *hands) error {
		_, err := sys.ObjectCall(abi.CallMemoryCreatePaged, page, uint64(h.endpoint), 0, 8, 1)
		return err
	})
	supply := func(m abi.Handle, offset, n uint64) error { return sys.MemorySupply(m, offset, make([]byte, n)) }
	add("memory_supply", syscall.EBADF, func(h *hands) error { return supply(1<<20, 0, page) })
	add("memory_supply", syscall.ENOTSUP, func(h *hands) error { return supply(h.endpoint, 0, page) })
	add("memory_supply", syscall.EACCES, func(h *hands) error { return supply(h.reader, 0, page) })
	add("memory_supply", syscall.EINVAL, func(h *hands) error { return supply(abi.Handle(h.memory), 1, page) })
	add("memory_supply", syscall.EINVAL, func(h *hands) error { return supply(abi.Handle(h.memory), 0, page+1) })
	add("memory_supply", syscall.EINVAL, func(h *hands) error { return supply(abi.Handle(h.memory), 4*page, page) })
	add("memory_supply", syscall.EINVAL, func(h *hands) error { return supply(abi.Handle(h.memory), 0, abi.MaxMessageBytes+page) })
	add("memory_supply", syscall.EINVAL, func(h *hands) error {
		_, err := sys.ObjectCall(abi.CallMemorySupply, uint64(h.memory), 1<<64-page, 0, 2*page)
		return err
	})
	add("memory_supply", syscall.EFAULT, func(h *hands) error {
		_, err := sys.ObjectCall(abi.CallMemorySupply, uint64(h.memory), 0, 8, page)
		return err
	})
	add("memory_clone", syscall.EINVAL, func(h *hands) error {
		_, err := h.memory.Clone(0, page)
		return err
	})
	return all
}

// hands are handles to try errors with.
type hands struct {
	endpoint, waiter, reader abi.Handle
	memory                   object.Memory
}

func newHands() *hands {
	h := &hands{endpoint: abi.Handle(must(sys.ObjectCall(abi.CallEndpointCreate)))}
	h.memory = must(object.NewPagedMemory(4*abi.PageSize, h.endpoint, 0))
	h.waiter = must(object.Duplicate(h.endpoint, abi.RightWait))
	h.reader = must(object.Duplicate(abi.Handle(h.memory), abi.RightRead))
	return h
}

func (h *hands) close() {
	for _, x := range []abi.Handle{h.endpoint, h.waiter, h.reader, abi.Handle(h.memory)} {
		try(object.Close(x))
	}
}
