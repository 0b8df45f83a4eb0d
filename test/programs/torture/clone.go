// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"math/rand/v2"

	"loam/abi"
	"loam/user/object"
)

// cloner has memory objects and clones of them and of clones, each with a model of
// what it holds. Between steps it maps none.
type cloner struct {
	objects []*cloned
}

type cloned struct {
	memory object.Memory
	words  [clonePages]uint64 // the first of each page
}

const (
	clonePages = 700 // more than a node of the kernel's trees has
	mostClones = 12
)

// step does something with one of the objects, and looks at a part of it.
func (c *cloner) step(r *rand.Rand) error {
	if len(c.objects) == 0 {
		m, err := object.NewMemory(clonePages * page)
		if err != nil {
			return fmt.Errorf("create: %w", err)
		}
		c.objects = append(c.objects, &cloned{memory: m})
	}
	k := r.IntN(len(c.objects))
	x := c.objects[k]
	switch r.IntN(8) {
	case 0, 1:
		return c.clone(x)
	case 2:
		c.objects[k] = c.objects[len(c.objects)-1]
		c.objects = c.objects[:len(c.objects)-1]
		return x.memory.Close()
	case 3:
		return x.privately(r)
	default:
		return x.write(r)
	}
}

func (c *cloner) clone(x *cloned) error {
	if len(c.objects) == mostClones {
		return nil
	}
	m, err := x.memory.Clone(0, clonePages*page)
	if err != nil {
		return fmt.Errorf("clone: %w", err)
	}
	c.objects = append(c.objects, &cloned{m, x.words})
	return nil
}

// window draws a few pages.
func window(r *rand.Rand) (first, n int) {
	n = 1 + r.IntN(20)
	return r.IntN(clonePages - n + 1), n
}

// mapping is Space.Map or Space.MapPrivate.
type mapping func(s object.Space, m object.Memory, addr, offset, length, prot uint64) (uint64, error)

// write looks at some pages and writes some of them, for the object itself.
func (x *cloned) write(r *rand.Rand) error {
	return x.within(r, object.Space.Map, func(i int, at uintptr) {
		if r.IntN(2) == 0 {
			x.words[i] = r.Uint64()
			store(at, x.words[i])
		}
	})
}

// privately writes what the object must not get to see.
func (x *cloned) privately(r *rand.Rand) error {
	return x.within(r, object.Space.MapPrivate, func(_ int, at uintptr) { store(at, 0xbad) })
}

// within maps a few pages, checks them, visits each, and takes them away again.
func (x *cloned) within(r *rand.Rand, how mapping, visit func(i int, at uintptr)) error {
	first, n := window(r)
	at, err := how(object.Here, x.memory, 0, uint64(first)*page, uint64(n)*page, abi.PROT_READ|abi.PROT_WRITE)
	if err != nil {
		return fmt.Errorf("map of %d pages: %w", n, err)
	}
	if err := x.check(at, first, n); err != nil {
		return err
	}
	for i := range n {
		visit(first+i, uintptr(at)+uintptr(i)*page)
	}
	return object.Here.Unmap(at, uint64(n)*page)
}

func (x *cloned) check(at uint64, first, n int) error {
	for i := range n {
		if got := load(uintptr(at) + uintptr(i)*page); got != x.words[first+i] {
			return fmt.Errorf("page %d of a memory object holds %#x, want %#x", first+i, got, x.words[first+i])
		}
	}
	return nil
}
