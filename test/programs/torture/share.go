// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"syscall"

	"loam/abi"
	"loam/user/object"
)

const (
	sharedPages = 1024
	shareWindow = 64   // pages mapped at a time, at most
	greedyPages = 3000 // the limit of a greedy child
)

// sharer maps parts of a memory object that others map as well. Each slot of the
// parent has a word of each page for itself.
type sharer struct {
	memory object.Memory
	slot   int
	last   [sharedPages]uint64 // what this child wrote, 0: nothing
}

func newSharer(slot int) (*sharer, error) {
	s := &sharer{memory: object.Memory(object.Given(0)), slot: slot}
	_, err := object.Info(object.Given(0))
	return s, err
}

// word is where the child has its word in a page; the first is for all.
func (s *sharer) word(at uint64, i int) uintptr {
	return uintptr(at) + uintptr(i)*page + 8*uintptr(1+s.slot)
}

// step maps a window, works in it, and takes it away again.
func (s *sharer) step(r *rand.Rand) error {
	n := 1 + r.IntN(shareWindow)
	first := r.IntN(sharedPages - n + 1)
	at, err := object.Here.Map(s.memory, 0, uint64(first)*page, uint64(n)*page, abi.PROT_READ|abi.PROT_WRITE)
	if err != nil {
		return fmt.Errorf("map of %d pages of shared memory: %w", n, err)
	}
	for i := range n {
		if want := s.last[first+i]; want != 0 {
			if got := load(s.word(at, i)); got != want {
				return fmt.Errorf("shared page %d holds %#x, want %#x", first+i, got, want)
			}
		}
		if r.IntN(2) == 0 {
			s.last[first+i] = r.Uint64() | 1
			store(s.word(at, i), s.last[first+i])
			add(uintptr(at)+uintptr(i)*page, 1)
		}
	}
	if err := s.decommit(first); err != nil {
		return err
	}
	return object.Here.Unmap(at, uint64(n)*page)
}

// decommit must be refused while the object is mapped.
func (s *sharer) decommit(i int) error {
	if err := s.memory.Decommit(uint64(i)*page, page); err != syscall.EBUSY {
		return fmt.Errorf("decommit of mapped memory: %w", errors.Join(err, errors.New("want EBUSY")))
	}
	return nil
}

// greedy touches memory until it is stopped, gives it back, and begins again. Its
// limit must hold.
func greedy(rounds int) error {
	for range min(rounds, 40) {
		const size = 4 * greedyPages
		at, err := mapAnywhere(size * page)
		if err != nil {
			return err
		}
		n := touch(at, size)
		if n >= greedyPages {
			return fmt.Errorf("%d pages with a limit of %d", n, greedyPages)
		}
		if err := unmap(at, size*page); err != nil {
			return err
		}
	}
	return nil
}

// touch writes to pages until that faults, and returns how many it were.
func touch(at uintptr, pages int) (n int) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() { _ = recover() }()
	for ; n < pages; n++ {
		store(at+uintptr(n)*page, 1)
	}
	fmt.Fprintln(os.Stderr, "torture: nothing stops", n, "pages")
	return n
}
