// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"runtime"
	"syscall"
	"time"

	"loam/abi"
	"loam/user/object"
	"loam/user/sys"
)

// Costs: "role costs" prints what memory objects cost. In a deterministic machine
// (loam run --deterministic) a nanosecond is an instruction, those of the call or
// fault and of the loop around it.

// cost is the time that n operations took, for each.
func cost(name string, n int, f func()) {
	begin := sys.Monotonic()
	f()
	fmt.Println(name, float64(sys.Monotonic()-begin)/float64(n), time.Nanosecond)
}

// touch writes, or reads, a byte in each page of b.
func touch(b []byte, write bool) {
	for i := 0; i < len(b); i += page {
		if write {
			b[i] = 1
		} else {
			runtime.KeepAlive(b[i]) // read
		}
	}
}

func costs() error {
	const pages = 4096
	m := must(object.NewMemory(pages * page))
	b := here(m, rw)
	cost("page of an object, first touched", pages, func() { touch(b, true) })
	away(b)
	b = here(m, rw)
	cost("page of an object that has it", pages, func() { touch(b, true) })
	away(b)
	const n = 8 // all of them are charged for all pages
	var clones [n]object.Memory
	cost("memory_clone of 16 MiB", n, func() {
		for i := range clones {
			clones[i] = must(m.Clone(0, pages*page))
		}
	})
	closeAll(clones[1:])
	cost("memory_clone of all but a page at both ends", n-1, func() {
		for i := range clones[1:] {
			clones[i+1] = must(m.Clone(page, (pages-2)*page))
		}
	})
	closeAll(clones[1:])
	c := clones[0]
	p := hereAlone(c, rw)
	cost("page of a clone, read", pages, func() { touch(p, false) })
	cost("page of a private mapping that was read, then written", pages, func() { touch(p, true) })
	away(p)
	b = here(c, rw)
	one := b[:page]
	cost("first page of a clone, written", 1, func() { touch(one, true) })
	cost("page of a clone, written", pages-1, func() { touch(b[page:], true) })
	away(b)
	ok(c.Close())
	p = hereAlone(m, rw)
	cost("page of a private mapping, written", pages, func() { touch(p, true) })
	away(p)
	anonymous, err := syscall.Mmap(-1, 0, pages*page, rw, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err != nil {
		return err
	}
	ok(syscall.Madvise(anonymous, abi.MADV_NOHUGEPAGE))
	cost("page of anonymous memory, written", pages, func() { touch(anonymous, true) })
	return m.Close()
}

func closeAll(all []object.Memory) {
	charged := used()[abi.LimitPages]
	for _, m := range all {
		ok(m.Close())
	}
	eventually("their pages are given back", func() bool {
		return int(charged-used()[abi.LimitPages]) > len(all)*4000
	})
}
