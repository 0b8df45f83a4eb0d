// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"syscall"

	"loam/abi"
	"loam/user/object"
)

// memoryErrors are those that follow from more than the handle.
func memoryErrors(add func(name string, e syscall.Errno, all func(try func(error)))) {
	with := func(f func(try func(error), m object.Memory)) func(func(error)) {
		return func(try func(error)) {
			m := must(object.NewMemory(4 * page))
			defer m.Close()
			f(try, m)
		}
	}
	add("memory_create", syscall.EINVAL, func(try func(error)) {
		for _, size := range []uint64{0, 1, page + 1, 64<<30 + page, 1<<64 - page, 1<<64 - 1} {
			try(call(abi.CallMemoryCreate, size))
		}
	})
	badNames := func(nr uint64, args ...uint64) func(func(error)) {
		return func(try func(error)) {
			for _, a := range badAddresses[:5] { // code can be read
				try(call(nr, append(args, a, 1)...))
				try(call(nr, append(args, a, abi.MemoryNameSize)...))
			}
			try(call(nr, append(args, codeOfCounter()|1<<47, 8)...))
		}
	}
	longNames := func(nr uint64, args ...uint64) func(func(error)) {
		return func(try func(error)) {
			for _, n := range []uint64{abi.MemoryNameSize + 1, 1 << 63, 1<<64 - 1} {
				try(call(nr, append(args, infoAddr, n)...))
			}
		}
	}
	add("memory_create", syscall.EFAULT, badNames(abi.CallMemoryCreate, page))
	add("memory_create", syscall.ENAMETOOLONG, longNames(abi.CallMemoryCreate, page))
	add("memory_create", syscall.EMFILE, full(func() error { return call(abi.CallMemoryCreate, page) }))
	add("memory_resize", syscall.EINVAL, with(func(try func(error), m object.Memory) {
		for _, size := range []uint64{0, 1, page + 1, 64<<30 + page, 1<<64 - page} {
			try(m.Resize(size))
		}
	}))
	busy := func(f func(m object.Memory) error) func(func(error)) {
		return with(func(try func(error), m object.Memory) {
			b := here(m, syscall.PROT_READ)
			defer away(b)
			try(f(m))
		})
	}
	add("memory_resize", syscall.EBUSY, busy(func(m object.Memory) error { return m.Resize(page) }))
	add("memory_decommit", syscall.EBUSY, busy(func(m object.Memory) error { return m.Decommit(0, page) }))
	add("memory_decommit", syscall.EINVAL, with(func(try func(error), m object.Memory) {
		for _, r := range [][2]uint64{{1, page}, {0, 1}, {0, 5 * page}, {4 * page, page}, {page, 1<<64 - page}, {1<<64 - page, page}} {
			try(m.Decommit(r[0], r[1]))
		}
	}))
	add("memory_clone", syscall.EINVAL, with(func(try func(error), m object.Memory) {
		for _, r := range [][2]uint64{{0, 0}, {4 * page, 0}, {1, page}, {0, 1}, {0, 5 * page}, {4 * page, page}, {page, 1<<64 - page},
			{1<<64 - page, page}, {1<<64 - page, 2 * page}, {0, 1 << 63}} {
			_, err := m.Clone(r[0], r[1])
			try(err)
		}
	}))
	add("memory_clone", syscall.EFAULT, with(func(try func(error), m object.Memory) {
		badNames(abi.CallMemoryClone, uint64(m), 0, page)(try)
	}))
	add("memory_clone", syscall.ENAMETOOLONG, with(func(try func(error), m object.Memory) {
		longNames(abi.CallMemoryClone, uint64(m), 0, page)(try)
	}))
	add("memory_clone", syscall.EMFILE, with(func(try func(error), m object.Memory) {
		full(func() error { _, err := m.Clone(0, page); return err })(try)
	}))
	add("memory_clone", syscall.EBUSY, with(func(try func(error), m object.Memory) {
		b := here(m, syscall.PROT_READ) // which mprotect can change
		defer away(b)
		_, err := m.Clone(2*page, page)
		try(err)
	}))
	add("memory_map", syscall.EBUSY, with(func(try func(error), m object.Memory) {
		fillMemory(m, 1)
		c := must(m.Clone(0, page))
		defer c.Close()
		p := hereAlone(m, rw)
		defer away(p)
		for _, prot := range []uint64{rw, syscall.PROT_READ} {
			_, err := object.Here.Map(m, 0, 3*page, page, prot)
			try(err)
		}
	}))
	add("memory_map", syscall.EINVAL, with(func(try func(error), m object.Memory) {
		for _, a := range [][4]uint64{ // address, offset, length, protection
			{1, 0, page, rw}, {0, 1, page, rw}, {0, 0, 1, rw}, {0, 0, 0, rw}, {0, 4 * page, page, rw}, {0, 0, 5 * page, rw},
			{0, 1<<64 - page, 2 * page, rw}, {1<<64 - page, 0, page, rw}, {page, 0, 1<<64 - page, rw}, {1 << 47, 0, page, rw},
			{page, 0, page, rw}, {0, 0, page, 0}, {0, 0, page, syscall.PROT_WRITE}, {0, 0, page, rw | 8}, {0, 0, page, 1 << 40},
			{0, 0, page, abi.MapPrivate}, {0, 0, page, abi.MapPrivate | syscall.PROT_WRITE}, {0, 0, page, abi.MapPrivate<<1 | rw},
			{0, 4 * page, page, abi.MapPrivate | rw}, {0, 1, page, abi.MapPrivate | rw},
		} {
			_, err := object.Here.Map(m, a[0], a[1], a[2], a[3])
			try(err)
		}
	}))
	add("memory_map", syscall.EEXIST, with(func(try func(error), m object.Memory) {
		b := here(m, rw)
		defer away(b)
		_, err := object.Here.Map(m, addressOf(&b[page]), 0, page, rw)
		try(err)
		_, err = object.Here.Map(m, codeOfCounter()&^(page-1), 0, page, rw)
		try(err)
	}))
	add("memory_map", syscall.ENOMEM, func(try func(error)) {
		m := must(object.NewMemory(64 << 30))
		defer m.Close()
		var all []uint64
		for {
			addr, err := object.Here.Map(m, 0, 0, 64<<30, syscall.PROT_READ)
			if err != nil {
				try(err)
				break
			}
			all = append(all, addr)
		}
		for _, addr := range all {
			ok(object.Here.Unmap(addr, 64<<30))
		}
	})
	add("memory_unmap", syscall.EINVAL, func(try func(error)) {
		for _, r := range [][2]uint64{{1, page}, {page, 1}, {page, 0}, {1<<64 - page, page}, {page, 1<<64 - page}, {1 << 47, page}} {
			try(object.Here.Unmap(r[0], r[1]))
		}
	})
	for name, nr := range map[string]uint64{"memory_map": abi.CallMemoryMap, "memory_unmap": abi.CallMemoryUnmap} {
		add(name, syscall.ESRCH, with(func(try func(error), m object.Memory) {
			c := must(child(object.Program{Held: true}, "sleep"))
			defer c.Close()
			again := func() {
				if nr == abi.CallMemoryMap {
					_, err := c.Space.Map(m, 0, 0, page, rw)
					try(err)
				} else {
					try(c.Space.Unmap(1<<30, page))
				}
			}
			ok(c.Process.Kill())
			again()
			must(c.Process.Wait(soon()))
			again()
		}))
	}
	add("memory_info", syscall.EFAULT, with(func(try func(error), m object.Memory) {
		for _, a := range badAddresses {
			try(call(abi.CallMemoryInfo, uint64(m), a))
		}
	}))
	add("memory_map", syscall.EACCES, with(func(try func(error), m object.Memory) {
		for _, c := range []struct {
			rights abi.Rights
			prot   uint64
		}{
			{abi.RightWrite | abi.RightExecute, syscall.PROT_READ},
			{abi.RightRead | abi.RightExecute, rw},
			{abi.RightRead | abi.RightWrite, syscall.PROT_READ | syscall.PROT_EXEC},
			{abi.RightRead | abi.RightWrite | abi.RightExecute, rw | syscall.PROT_EXEC},
		} {
			h := must(object.Duplicate(abi.Handle(m), c.rights))
			_, err := object.Here.Map(object.Memory(h), 0, 0, page, c.prot)
			try(err)
			ok(object.Close(h))
		}
		less := must(object.Duplicate(abi.HandleSpace, 0))
		defer object.Close(less)
		_, err := object.Space(less).Map(m, 0, 0, page, rw)
		try(err)
	}))
}
