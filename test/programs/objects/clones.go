// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"syscall"
	"time"

	"loam/abi"
	"loam/test/programs/cases"
	"loam/user/object"
)

func cloneCases() []cases.Case {
	return []cases.Case{
		{Name: "a clone is a snapshot", Run: snapshot},
		{Name: "a clone seen from two processes", Run: snapshotOfTwo},
		{Name: "clones of parts", Run: cloneParts},
		{Name: "a chain of clones", Run: cloneChain},
		{Name: "readers share, the first writer waits for them", Run: readersOfClones},
		{Name: "names of memory", Run: memoryNames},
		{Name: "clones in processes that are killed", Run: clonesKilled},
		{Name: "memory_clone EDQUOT", Run: func() error { return cloneLimits("greedyclone") }},
		{Name: "memory_clone ENOSPC", Run: func() error { return cloneLimits("crowdedclone") }},
	}
}

// fillMemory writes a number to each page of m, which nobody else maps.
func fillMemory(m object.Memory, v byte) {
	b := here(m, rw)
	for i := 0; i < len(b); i += page {
		b[i] = v
	}
	away(b)
}

// pagesOf reads the first bytes of b's pages.
func pagesOf(b []byte) (s string) {
	for i := 0; i < len(b); i += page {
		s += strconv.Itoa(int(b[i]))
	}
	return s
}

func wantPages(what string, b []byte, want string) error {
	if got := pagesOf(b); got != want {
		return fmt.Errorf("%s: %s, want %s", what, got, want)
	}
	return nil
}

func snapshot() error {
	m := must(object.NewMemory(4 * page))
	defer m.Close()
	fillMemory(m, 1)
	first := must(m.Clone(0, 4*page))
	defer first.Close()
	a, b := here(m, rw), here(first, rw)
	a[page], b[2*page] = 2, 3
	away(b)
	second := must(first.Clone(0, 4*page)) // with the source mapped
	defer second.Close()
	b = here(first, rw)
	c := here(second, rw)
	b[0], c[0], a[3*page] = 4, 5, 6
	defer away(a)
	defer away(b)
	defer away(c)
	for _, x := range []struct {
		name, want string
		b          []byte
	}{{"the source", "1216", a}, {"the clone", "4131", b}, {"the clone's clone", "5131", c}} {
		if err := wantPages(x.name, x.b, x.want); err != nil {
			return err
		}
	}
	if i, j := must(m.Info()), must(second.Info()); i.Backed != j.Backed || j.Size != 4*page {
		return fmt.Errorf("%+v and %+v", i, j)
	}
	return nil
}

// snapshotOfTwo: a child that has the clone and this process that has the source
// write by turns.
func snapshotOfTwo() error {
	m, n, back := must(object.NewMemory(3*page)), must(object.NewNotification()), must(object.NewNotification())
	defer m.Close()
	defer n.Close()
	defer back.Close()
	fillMemory(m, 1)
	clone := must(m.Clone(0, 3*page))
	defer clone.Close()
	a := here(m, rw)
	defer away(a)
	a[0] = 2
	c := must(child(object.Program{Handles: []abi.HandOn{give(abi.Handle(clone)), give(abi.Handle(n)), give(abi.Handle(back))}}, "clone"))
	must(back.Wait(1, soon())) // it has written page 1
	if err := wantPages("the source", a, "211"); err != nil {
		return err
	}
	a[page], a[2*page] = 3, 4
	ok(n.Signal(1))
	ok(finish(c))
	if err := wantPages("the source", a, "234"); err != nil {
		return err
	}
	b := here(clone, syscall.PROT_READ)
	defer away(b)
	return wantPages("the clone", b, "178")
}

// useClone is the child's part.
func useClone() error {
	b := here(object.Memory(object.Given(0)), rw)
	if err := wantPages("to the child", b, "111"); err != nil {
		return err
	}
	b[page] = 7
	ok(object.Notification(object.Given(2)).Signal(1))
	must(object.Notification(object.Given(1)).Wait(1, soon()))
	if err := wantPages("to the child", b, "171"); err != nil {
		return err
	}
	b[2*page] = 8
	return nil
}

// cloneParts: parts of large memory with pages far apart, clones of these, and
// parts of both that are given back.
func cloneParts() error {
	const size, apart = 8 << 30, 1 << 30
	m := must(object.NewMemory(size))
	defer m.Close()
	b := here(m, rw)
	for i := range 8 {
		b[i*apart] = byte(i + 1)
		b[i*apart+apart-page] = byte(i + 11)
	}
	away(b)
	c := must(m.Clone(2*apart-page, 3*apart))
	defer c.Close()
	d := must(c.Clone(apart, 2*apart))
	defer d.Close()
	ok(c.Decommit(page, apart-page))
	ok(m.Resize(page))
	b, e := here(c, rw), here(d, rw)
	defer away(b)
	defer away(e)
	got := []byte{b[0], b[page], b[apart], b[apart+page], b[2*apart], e[0], e[page], e[apart]}
	if want := "[12 0 13 4 14 13 4 14]"; fmt.Sprint(got) != want {
		return fmt.Errorf("%v, want %s", got, want)
	}
	return nil
}

// cloneChain makes a hundred clones, each of the one before.
func cloneChain() error {
	const links = 100
	chain := []object.Memory{must(object.NewMemory(links * page))}
	for k := range links {
		last := chain[k]
		addr := must(object.Here.Map(last, 0, uint64(k)*page, page, rw))
		object.Bytes(addr, page)[0] = byte(k + 1)
		ok(object.Here.Unmap(addr, page))
		chain = append(chain, must(last.Clone(0, links*page)))
	}
	for k := range chain {
		i := k * 37 % len(chain) // in an order of its own
		b := here(chain[i], rw)
		for p := range links {
			want := byte(p + 1)
			if p > i {
				want = 0
			}
			if got := b[p*page]; got != want {
				return fmt.Errorf("clone %d, page %d: %d, want %d", i, p, got, want)
			}
			b[p*page] = 0xff
		}
		away(b)
		ok(chain[i].Close())
	}
	return nil
}

// readersOfClones: the rules about who may map what shares pages.
func readersOfClones() error {
	m := must(object.NewMemory(2 * page))
	defer m.Close()
	fillMemory(m, 1)
	readOnly := object.Memory(must(object.Duplicate(abi.Handle(m), abi.RightRead)))
	defer readOnly.Close()
	r := here(readOnly, syscall.PROT_READ)
	b := here(m, rw)
	_, err := m.Clone(0, page)
	if err := want(err, syscall.EBUSY); err != nil {
		return fmt.Errorf("with a writer: %w", err)
	}
	b[page] = 2
	away(b)
	clone := must(m.Clone(0, 2*page))
	_, err = object.Here.Map(m, 0, 0, page, syscall.PROT_READ) // which mprotect could make writable
	if err := want(err, syscall.EBUSY); err != nil {
		return fmt.Errorf("a writer: %w", err)
	}
	c := here(clone, rw)
	c[0] = 3
	if err := wantPages("the reader's", r, "12"); err != nil {
		return err
	}
	away(c)
	ok(clone.Close())
	eventually("the clone has gone", func() bool {
		addr, err := object.Here.Map(m, 0, 0, 2*page, rw)
		if err != nil {
			return false
		}
		object.Bytes(addr, page)[0] = 4
		ok(object.Here.Unmap(addr, 2*page))
		return true
	})
	defer away(r)
	return wantPages("the reader's", r, "42")
}

func memoryNames() error {
	m := must(object.NewNamedMemory(page, "what 32 bytes may be at the most"))
	defer m.Close()
	c := must(m.CloneNamed(0, page, "clone"))
	defer c.Close()
	d := must(c.Clone(0, page))
	defer d.Close()
	for _, x := range []struct {
		m    object.Memory
		want string
	}{{m, "what 32 bytes may be at the most"}, {c, "clone"}, {d, ""}} {
		if got := must(x.m.Info()).NameString(); got != x.want {
			return fmt.Errorf("%q, want %q", got, x.want)
		}
	}
	return nil
}

// clonesKilled: what children had that were killed at any moment comes back,
// though what they had cloned is this process's and goes on.
func clonesKilled() error {
	m := must(object.NewMemory(1100 * page))
	defer m.Close()
	fillMemory(m, 1)
	r := rand.New(rand.NewPCG(1, 2))
	for range 6 {
		var all []object.Child
		for k := range 3 {
			all = append(all, must(child(object.Program{Handles: []abi.HandOn{give(abi.Handle(m))}}, "cloner", strconv.Itoa(k))))
		}
		time.Sleep(time.Duration(r.IntN(60)) * time.Millisecond)
		for _, c := range all {
			end(c)
		}
	}
	b := here(m, rw)
	defer away(b)
	for i := 0; i < len(b); i += page {
		if b[i] != 1 {
			return fmt.Errorf("page %d: %d", i/page, b[i])
		}
	}
	return nil
}

// cloner is the child's part: it clones, writes, clones what it has written, lets
// go of parts, and begins again, until it is killed.
func cloner(word string) error {
	seed, _ := strconv.ParseUint(word, 0, 64)
	r := rand.New(rand.NewPCG(seed, uint64(time.Now().UnixNano())))
	source := object.Memory(object.Given(0))
	for {
		all := []object.Memory{source}
		for range 6 {
			m := all[r.IntN(len(all))]
			first := r.Uint64N(must(m.Info()).Size/page) * page
			c, err := m.Clone(first, must(m.Info()).Size-first)
			if err == syscall.ENOMEM || err == syscall.ENOSPC || err == syscall.EDQUOT {
				continue
			}
			ok(err)
			all = append(all, c)
			b := here(c, rw)
			for range 20 {
				b[r.IntN(len(b))] = 2
			}
			away(b)
		}
		for _, m := range all[1:] {
			ok(m.Decommit(0, page))
			ok(m.Close())
		}
	}
}

// cloneLimits: a clone is charged for all that it shares.
func cloneLimits(role string) error {
	limits := abi.DefaultLimits()
	limits[abi.LimitPages] = 4000
	return finish(must(child(object.Program{Limits: &limits}, role)))
}

// roomForTwo makes memory of which two fit into this process's account and three
// don't.
func roomForTwo() object.Memory {
	info := must(object.Self.Info())
	room := info.Limits[abi.LimitPages] - info.Used[abi.LimitPages]
	m := must(object.NewMemory(uint64(room) * 2 / 5 * page))
	fillMemory(m, 1)
	return m
}

func greedyClone() error {
	m := roomForTwo()
	c := must(m.Clone(0, must(m.Info()).Size))
	b := here(c, rw) // for which nothing is missing
	for i := 0; i < len(b); i += page {
		b[i]++
	}
	away(b)
	again := func() error {
		d, err := m.Clone(0, must(m.Info()).Size)
		if err == nil {
			ok(d.Close())
		}
		return err
	}
	if err := want(again(), syscall.EDQUOT); err != nil {
		return err
	}
	ok(must(m.Clone(0, 8*page)).Close()) // a small one fits
	ok(c.Close())
	eventually("there is room again", func() bool { return again() == nil })
	return nil
}

// crowdedClone has a child, whose own limit is as high, clone until this one's
// is reached.
func crowdedClone() error {
	m := roomForTwo()
	limits := must(object.Self.Info()).Limits
	return finish(must(child(object.Program{Limits: &limits, Handles: []abi.HandOn{give(abi.Handle(m))}}, "belowclone")))
}

func belowClone() error {
	m := object.Memory(object.Given(0))
	for n := 0; ; n++ {
		if _, err := m.Clone(0, must(m.Info()).Size); err != nil {
			if n != 1 {
				return fmt.Errorf("%d clones: %w", n, err)
			}
			return want(err, syscall.ENOSPC)
		}
	}
}
