// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"loam/abi"
	"loam/user/object"
	"loam/user/sys"
)

// Stress: goroutines, and children that do the same, make random calls on
// handles that all of them share, so that objects end while others use them, on
// all CPUs at once. Which answers come is chance; that they are documented ones,
// and that in the end nothing is left, is not.

// stressed is what the goroutines share.
type stressed struct {
	mu      sync.Mutex
	handles []abi.Handle // also some that were closed
	ops     atomic.Int64
	failed  atomic.Pointer[error]
	child   bool
	until   time.Time
	watched sync.WaitGroup
}

const (
	stressHandles = 120 // of 256, so that there is room
	stressWait    = time.Millisecond
)

// stress runs for some seconds.
func stress(words []string) error {
	seconds, _ := strconv.ParseFloat(words[0], 64)
	seed, _ := strconv.ParseUint(words[1], 0, 64)
	s := &stressed{child: len(words) > 2, until: time.Now().Add(time.Duration(seconds * float64(time.Second)))}
	before := used()
	if _, err := object.Info(object.Given(0)); err == nil {
		s.add(object.Given(0))
	}
	var all sync.WaitGroup
	for g := range uint64(8) {
		all.Go(func() {
			r := rand.New(rand.NewPCG(seed, g))
			for time.Now().Before(s.until) && s.failed.Load() == nil {
				s.step(r)
				s.ops.Add(1)
			}
		})
	}
	all.Wait()
	s.watched.Wait()
	if err := s.failed.Load(); err != nil {
		return *err
	}
	return s.finish(before)
}

// finish ends what runs and closes what is open.
func (s *stressed) finish(before abi.Limits) error {
	for _, h := range s.handles {
		if info, err := object.Info(h); err == nil && info.Rights.Has(abi.RightManage) {
			_ = object.Thread(h).End()
			_ = object.Process(h).Kill()
		}
		_ = object.Close(h)
	}
	if s.child {
		return nil // its end takes the rest
	}
	// Threads and children that nobody had a right to end any more end themselves.
	eventually("only this process is left", func() bool {
		info := must(object.Self.Info())
		now := info.Used
		return info.Handles == 3 && now.Of(abi.KindThread) == info.Threads && now.Of(abi.KindProcess) == before.Of(abi.KindProcess) && now.Of(abi.KindSpace) == before.Of(abi.KindSpace) &&
			now.Of(abi.KindNotification) == before.Of(abi.KindNotification) && now.Of(abi.KindMemory) == 0
	})
	fmt.Println("stress:", s.ops.Load(), "operations")
	return nil
}

// add puts a handle among the shared ones, or closes it when there are enough.
func (s *stressed) add(h abi.Handle) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.handles) < stressHandles {
		s.handles = append(s.handles, h)
	} else {
		_ = object.Close(h)
	}
}

func (s *stressed) pick(r *rand.Rand) abi.Handle {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.handles) == 0 || r.IntN(50) == 0 {
		return abi.Handle(r.Uint64())
	}
	return s.handles[r.IntN(len(s.handles))]
}

// allowed are the answers that random calls may get.
func (s *stressed) allowed(what string, err error) bool {
	switch err {
	case nil:
		return true
	case syscall.EBADF, syscall.ENOTSUP, syscall.EACCES, syscall.ESRCH, syscall.EMFILE, syscall.EDQUOT, syscall.ENOSPC,
		syscall.EINVAL, syscall.ETIMEDOUT, syscall.EBUSY, syscall.ECANCELED, syscall.EALREADY, syscall.EEXIST, syscall.ENOMEM:
	default:
		err = fmt.Errorf("%s: %w", what, err)
		s.failed.Store(&err)
	}
	return false
}

// step makes a random call.
func (s *stressed) step(r *rand.Rand) {
	h := s.pick(r)
	switch r.IntN(28) {
	case 0, 1:
		if n, err := object.NewNotification(); s.allowed("create", err) {
			s.add(abi.Handle(n))
		}
	case 2, 3:
		if g, err := object.Duplicate(h, abi.Rights(r.IntN(64))|abi.RightDuplicate); s.allowed("duplicate", err) {
			s.add(g)
		}
	case 4:
		if g, err := object.Replace(h, abi.Rights(r.IntN(64))); s.allowed("replace", err) {
			s.add(g)
		}
	case 5, 6:
		s.allowed("close", object.Close(s.drop(r)))
	case 7, 8:
		s.allowed("signal", object.Notification(h).Signal(1<<r.IntN(4)))
	case 9, 10:
		_, err := object.Notification(h).Wait(1<<r.IntN(4), soonish(r))
		s.allowed("wait", err)
	case 11:
		s.allowed("thread wait", object.Thread(h).Wait(soonish(r)))
	case 12:
		_, err := object.Process(h).Wait(soonish(r))
		s.allowed("process wait", err)
	case 13:
		s.thread(h)
	case 14:
		s.stop(r, h)
	case 15:
		s.allowed("resume", object.Thread(h).Resume())
	case 16:
		s.allowed("end", object.Thread(h).End())
	case 17:
		s.process(r, h)
	case 18:
		s.allowed("kill", object.Process(h).Kill())
	case 19:
		if m, err := object.NewMemory(uint64(1+r.IntN(64)) * page); s.allowed("memory", err) {
			s.add(abi.Handle(m))
		}
	case 20, 21:
		s.useMemory(r, object.Memory(h))
	case 22:
		s.allowed("resize", object.Memory(h).Resize(uint64(1+r.IntN(64))*page))
		s.allowed("decommit", object.Memory(h).Decommit(0, page))
	case 23, 24:
		n := uint64(1 + r.IntN(64))
		if m, err := object.Memory(h).Clone(uint64(r.IntN(int(n)))*page, n*page); s.allowed("clone", err) {
			s.add(abi.Handle(m))
		}
	case 25:
		if g, err := object.Mint(h, abi.Rights(r.IntN(64)), uint64(r.IntN(16))); s.allowed("mint", err) {
			s.add(g)
		}
	case 26:
		if i, err := object.Info(h); err == nil && i.Kind != abi.KindThread { // which may have been stopped by a handle derived from h
			s.allowed("revoke", object.Revoke(h))
		}
	default:
		_, err := object.Process(h).Info()
		s.allowed("process info", err)
		_, err = object.Info(h)
		s.allowed("info", err)
	}
}

// drop takes a handle out of the shared ones.
func (s *stressed) drop(r *rand.Rand) abi.Handle {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.handles)
	if n == 0 {
		return 0
	}
	i := r.IntN(n)
	h := s.handles[i]
	s.handles[i] = s.handles[n-1]
	s.handles = s.handles[:n-1]
	return h
}

func soonish(r *rand.Rand) int64 {
	return sys.Monotonic() + r.Int64N(int64(stressWait))
}

// useMemory maps memory, into some space that there is a handle to, and touches
// it if it is this one's.
func (s *stressed) useMemory(r *rand.Rand, m object.Memory) {
	to := object.Here
	if r.IntN(3) == 0 {
		to = object.Space(s.pick(r))
	}
	size := uint64(1+r.IntN(8)) * page
	prot := uint64(rw)
	if r.IntN(3) == 0 {
		prot |= abi.MapPrivate
	}
	addr, err := to.Map(m, 0, 0, size, prot)
	if !s.allowed("map", err) || to != object.Here {
		return // a child's end unmaps
	}
	b := object.Bytes(addr, size)
	for i := 0; i < len(b); i += page {
		b[i]++
	}
	s.allowed("unmap", to.Unmap(addr, size))
}

// thread makes a thread that waits for a notification, whose last handle will be
// closed some time.
func (s *stressed) thread(h abi.Handle) {
	var turn uint64
	s.mu.Lock()
	w, err := startWaiter(abi.CallNotificationWait, h, &turn)
	s.mu.Unlock()
	if s.allowed("thread", err) {
		s.add(abi.Handle(w.thread))
	}
}

// process makes a child: one that never runs, one that ends at once, or one that
// does the same as this one for a moment, with some of the handles.
func (s *stressed) process(r *rand.Rand, h abi.Handle) {
	p := object.Program{Held: r.IntN(4) == 0 && !s.child}
	role := []string{"exit", "0"}
	if r.IntN(3) == 0 && !s.child {
		role = []string{"stress", "0.05", strconv.FormatUint(r.Uint64(), 10), "child"}
	}
	if info, err := object.Info(h); err == nil && info.Rights.Has(abi.RightTransfer|abi.RightDuplicate) {
		p.Handles = []abi.HandOn{{Handle: h, Rights: info.Rights & abi.Rights(r.IntN(64))}}
	}
	c, err := child(p, role...)
	if !s.allowed("process", err) {
		return
	}
	s.add(abi.Handle(c.Space))
	if s.child { // who would watch it?
		_ = c.Thread.Close()
		s.add(abi.Handle(c.Process))
		return
	}
	s.add(abi.Handle(c.Thread))
	if g, err := object.Duplicate(abi.Handle(c.Process), abi.Rights(r.IntN(64))|abi.RightRead); s.allowed("duplicate", err) {
		s.add(g)
	}
	moment := r.Int64N(int64(300 * time.Millisecond))
	s.watched.Go(func() { // whose thread somebody has ended may not end by itself
		_, _ = c.Process.Wait(object.After(time.Duration(moment)))
		_ = c.Process.Kill()
		_ = c.Process.Close()
	})
}

// stop stops a thread for a moment. Its handle is one of its own: a thread that
// nobody can resume would never end.
func (s *stressed) stop(r *rand.Rand, h abi.Handle) {
	if s.child {
		return
	}
	g, err := object.Duplicate(h, abi.RightManage)
	if !s.allowed("duplicate", err) {
		return
	}
	s.allowed("stop", object.Thread(g).Stop())
	time.Sleep(time.Duration(r.IntN(1000)) * time.Microsecond)
	s.allowed("resume", object.Thread(g).Resume())
	_ = object.Close(g)
}
