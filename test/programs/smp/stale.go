// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"loam/test/programs/smp/low"
)

// A stale mapping: one thread takes pages away (the taker) that others use in
// tight loops on other CPUs (the users), and at once fills fresh pages with a
// pattern of its own. When the call has returned no user may get at what was
// there: not read it, not write to it, not see what its frame holds now. A
// kernel that forgets to tell the other CPUs fails in the first rounds, since
// a user's CPU has no reason to forget by itself. One that tells them and does
// not wait, so that they forget when they next enter the kernel, fails in some
// five of these seven cases each time (tried on 2 and 4 CPUs).

// way is a way to take pages away.
type way struct {
	pages         uintptr
	take          func(at, size uintptr)
	reads, writes bool // whether these still work afterwards
	emptied       bool // what is read then is zero, or was written after
	kept          bool // the frames stay in use, at keptAt
	large         bool // they are the first part of a large page, or all of it
}

// inLarge is the same way with a large page.
func (w way) inLarge() way {
	w.large = true
	return w
}

// Places that neither Go's runtime nor the kernel choose by themselves.
const (
	staleAt = 0x10_0000_0000
	movedTo = 0x11_0000_0000
)

var (
	unmapped      = way{pages: 1, take: low.Unmap}
	unmappedParts = way{pages: 40, take: unmapParts}
	forgotten     = way{pages: 3, take: low.Forget, reads: true, writes: true, emptied: true}
	forbidden     = way{pages: 1, take: func(at, size uintptr) { low.Protect(at, size, low.None) }}
	readOnly      = way{pages: 2, take: func(at, size uintptr) { low.Protect(at, size, low.ReadOnly) }, reads: true, kept: true}
	moved         = way{pages: 2, take: func(at, size uintptr) { low.Move(at, movedTo, size) }, kept: true}
	replaced      = way{pages: 1, take: low.MapAt, reads: true, writes: true, emptied: true}
	unmappedLarge = way{pages: low.LargePage / low.Page, take: low.Unmap, large: true}
)

// unmapParts takes away the first half at once and then page by page.
func unmapParts(at, size uintptr) {
	half := size / 2
	low.Unmap(at, half)
	for o := half; o < size; o += low.Page {
		low.Unmap(at+o, low.Page)
	}
}

func (w *way) works(write bool) bool { return write && w.writes || !write && w.reads }

// keptAt is where the frames are after they were taken away.
func (w *way) keptAt() uintptr {
	if w.reads {
		return staleAt
	}
	return movedTo
}

// Words are a tag and the round in which they were written.
const (
	tagOld    = 0x01d << 48 // what the taker put there
	tagUser   = 0xacce << 48
	tagSecret = 0x5ec << 48 // in pages that no user has
	tagRound  = 1<<48 - 1
	used      = 0x108 // offset in a page of the word that users use
)

// trial is one case.
type trial struct {
	*way
	users []*user

	// Rounds, counted from 1, that have come so far.
	begun, taking, taken, over atomic.Uint64

	stop  atomic.Bool
	mu    sync.Mutex
	err   error
	catch uint64
}

// user is a thread that uses the pages.
type user struct {
	*trial
	n    int
	uses atomic.Uint64 // in this round
	left atomic.Uint64 // the last round that it is done with
}

func stale(w way) error {
	t := &trial{way: &w}
	cpus := low.All()
	low.MapAt(movedTo, w.pages*low.Page)
	defer low.Unmap(movedTo, w.pages*low.Page)
	if w.large {
		defer low.Unmap(staleAt, low.LargePage)
	}
	var wg sync.WaitGroup
	on := func(i int, f func()) {
		wg.Go(func() {
			_ = pinned(func() error {
				low.Pin(cpus[i%len(cpus)])
				f()
				return nil
			})
		})
	}
	// The first user's CPU, the taker's, that of the bystander, more users.
	for i := range max(1, min(len(cpus)-2, 3)) {
		u := &user{trial: t, n: i}
		t.users = append(t.users, u)
		cpu := 0
		if i > 0 {
			cpu = i + 2
		}
		on(cpu, u.run)
	}
	if len(cpus) > 2 {
		on(2, t.bystander)
	}
	on(1, t.run)
	wg.Wait()
	if t.err == nil && !w.reads && t.catch == 0 {
		return fmt.Errorf("no user was ever caught")
	}
	return t.err
}

// fail ends the trial.
func (t *trial) fail(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err == nil {
		t.err = fmt.Errorf(format, args...)
	}
	t.stop.Store(true)
}

// await waits until c is true, soon without a CPU: others may have too few.
// The result is false if the trial has ended.
func (t *trial) await(c func() bool, what string) bool {
	deadline := time.Now().Add(late)
	for n := 1; !c(); n++ {
		if t.stop.Load() {
			return false
		}
		if n < 30 {
			low.Must(syscall.SYS_SCHED_YIELD)
			continue
		}
		time.Sleep(100 * time.Microsecond)
		if time.Now().After(deadline) {
			t.fail("%s does not come", what)
			return false
		}
	}
	return !t.stop.Load()
}

// run is the taker.
func (t *trial) run() {
	defer t.stop.Store(true)
	fresh := low.Map((t.pages + 8) * low.Page)
	// Where more threads spin than there are processors a round takes some of
	// the scheduler's slices; a stale mapping shows in the first few.
	end := time.Now().Add(time.Duration(rounds) * 300 * time.Millisecond)
	for r := uint64(1); r <= uint64(200*rounds); r++ {
		if !t.round(r, fresh) || r > 12 && time.Now().After(end) {
			return
		}
	}
}

func (t *trial) round(r uint64, fresh uintptr) bool {
	size := t.pages * low.Page
	if t.large {
		low.MapLargeAt(staleAt)
	} else {
		low.MapAt(staleAt, size)
	}
	for o := uintptr(0); o < size; o += low.Page {
		low.Store(staleAt+o+used, tagOld|r)
	}
	for _, u := range t.users {
		u.uses.Store(0)
	}
	t.begun.Store(r)
	// Every user has all pages in its CPU's translation buffer.
	if !t.await(func() bool { return t.usedTimes(uint64(3 * t.pages)) }, "the users' first access") {
		return false
	}
	t.taking.Store(r)
	t.take(staleAt, size)
	t.taken.Store(r)
	if t.kept {
		t.still(r)
	} else {
		t.fill(fresh, r)
	}
	for _, u := range t.users {
		if t.works(u.writes(r)) {
			n := u.uses.Load() + uint64(2*t.pages)
			if !t.await(func() bool { return u.uses.Load() >= n }, "a user's access") {
				return false
			}
		}
	}
	t.over.Store(r)
	return t.await(func() bool { return t.allLeft(r) }, "the users' end of the round")
}

func (t *trial) usedTimes(n uint64) bool {
	for _, u := range t.users {
		if u.uses.Load() < n {
			return false
		}
	}
	return true
}

func (t *trial) allLeft(r uint64) bool {
	for _, u := range t.users {
		if u.left.Load() != r {
			return false
		}
	}
	return true
}

// still checks that the kept frames are not written any more.
func (t *trial) still(r uint64) {
	at := t.keptAt() + used
	was := low.Load(at)
	if was != tagOld|r && was != tagUser|r {
		t.fail("round %d: what was there is %#x now", r, was)
	}
	for range 2000 {
		if now := low.Load(at); now != was {
			t.fail("round %d: a write landed after the call had returned (%#x, then %#x)", r, was, now)
		}
	}
}

// fill takes fresh frames, most likely those that were taken away, and checks
// that they stay as they are.
func (t *trial) fill(fresh uintptr, r uint64) {
	n := int(t.pages+8) * low.Page
	words := low.Words(fresh, n/8)
	for i := range words {
		words[i] = tagSecret | r
	}
	for range 2 {
		for i, v := range words {
			if v != tagSecret|r {
				t.fail("round %d: somebody wrote %#x into word %d of a fresh page", r, v, i%512)
			}
		}
	}
	low.Forget(fresh, uintptr(n))
}

// bystander takes and fills fresh frames on a CPU of its own.
func (t *trial) bystander() {
	for r := uint64(0); !t.stop.Load(); r++ {
		fresh := low.Map((t.pages + 8) * low.Page)
		t.fill(fresh, r&math.MaxUint32)
		low.Unmap(fresh, (t.pages+8)*low.Page)
		time.Sleep(100 * time.Microsecond)
	}
}

// writes says whether u writes in a round, or reads.
func (u *user) writes(r uint64) bool { return (r+uint64(u.n))%2 == 0 }

// run is a user. Faults become panics of Go's.
func (u *user) run() {
	debug.SetPanicOnFault(true)
	for r := uint64(1); u.await(func() bool { return u.begun.Load() == r }, "the next round"); r++ {
		if u.use(r) {
			u.mu.Lock()
			u.catch++
			u.mu.Unlock()
			if !u.await(func() bool { return u.over.Load() == r }, "the end of a round") {
				return
			}
		}
		u.left.Store(r)
	}
}

// use uses the pages until the round is over or a fault has caught it.
func (u *user) use(r uint64) (caught bool) {
	write := u.writes(r)
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		f, is := p.(interface {
			runtime.Error
			Addr() uintptr
		})
		if !is {
			panic(p)
		}
		caught = true
		if u.taking.Load() != r || u.works(write) {
			u.fail("round %d: a fault at %#x without reason (write: %v)", r, f.Addr(), write)
		}
	}()
	at, end := uintptr(staleAt+used), uintptr(staleAt+used)+u.pages*low.Page
	for n := uint64(1); u.over.Load() != r && !u.stop.Load(); n++ {
		taken := u.taken.Load() == r
		if write {
			low.Store(at, tagUser|r)
		} else {
			u.look(low.Load(at), r, taken)
		}
		if taken && !u.works(write) {
			u.fail("round %d: an access after the call had returned (write: %v)", r, write)
		}
		if at += low.Page; at == end {
			at = staleAt + used
		}
		u.uses.Store(n)
	}
	return false
}

// look judges a value that was read.
func (u *user) look(v, r uint64, taken bool) {
	switch {
	case v&^tagRound == tagSecret:
		u.fail("round %d: read what is in somebody else's page: %#x", r, v)
	case v == tagUser|r && len(u.users) > 1, v == 0 && u.emptied:
	case v != tagOld|r:
		u.fail("round %d: read %#x", r, v)
	case taken && u.emptied:
		u.fail("round %d: read what was there before", r)
	}
}
