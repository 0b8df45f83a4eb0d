// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"loam/test/programs/cases"
	"loam/user/ipc"
)

func stressCases() []cases.Case {
	return []cases.Case{
		{Name: "random calls and cancels", Run: func() error { return stress(time.Second) }},
		{Name: "a call of words allocates nothing", Run: nothingAllocated},
	}
}

// stress has goroutines make random calls with contexts that are cancelled at random
// times, to servers in this process and others, while the collector runs: each
// answer belongs to its call, and each call ends.
func stress(during time.Duration) error {
	here := startHere(func(s *ipc.Server) { s.Receivers, s.Async = 3, []string{"Sleep"} })
	defer here.end()
	there := start("serve", "three")
	defer there.end()
	var done atomic.Bool
	var all sync.WaitGroup
	errs := make(chan error, 8)
	for i := range uint64(8) {
		all.Go(func() {
			c := callers{rand.New(rand.NewPCG(7, i)), here, there}
			for !done.Load() {
				if err := c.one(); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	for end := time.Now().Add(during); time.Now().Before(end) && len(errs) == 0; time.Sleep(during / 20) {
		runtime.GC()
	}
	done.Store(true)
	all.Wait()
	close(errs)
	return errors.Join(<-errs, here.Null(context.Background()), there.Null(context.Background()))
}

// callers makes random calls.
type callers struct {
	*rand.Rand
	here  *local
	there *server
}

func (r *callers) one() error {
	c := r.here.EverythingClient
	if r.IntN(2) == 0 {
		c = r.there.EverythingClient
	}
	ctx, cancel := context.Background(), context.CancelFunc(func() {})
	pause := time.Duration(r.IntN(3000)) * time.Microsecond
	switch r.IntN(4) {
	case 0:
		ctx, cancel = context.WithTimeout(ctx, pause)
	case 1:
		ctx, cancel = context.WithCancel(ctx)
		time.AfterFunc(pause, cancel)
	}
	defer cancel()
	err := r.call(ctx, c)
	if _, ends := ctx.Deadline(); ends && errors.Is(err, context.DeadlineExceeded) {
		return nil // the kernel sees the deadline before the context does
	}
	if err != nil && (ctx.Err() == nil || !errors.Is(err, ctx.Err())) {
		return fmt.Errorf("for no reason: %w", err)
	}
	return nil
}

// everything is what is called.
type everything interface {
	Add(ctx context.Context, a, b int64) (int64, error)
	Blob(ctx context.Context, p []byte) ([]byte, error)
	Sleep(ctx context.Context, d time.Duration) error
}

func (r *callers) call(ctx context.Context, c everything) error {
	switch r.IntN(3) {
	case 0:
		a, b := r.Int64N(1<<62), r.Int64N(1<<62)
		sum, err := c.Add(ctx, a, b)
		if err == nil && sum != a+b {
			err = fmt.Errorf("%d+%d is not %d", a, b, sum)
		}
		return err
	case 1:
		p := bytes.Repeat([]byte{byte(r.Int())}, r.IntN(200)*r.IntN(40))
		got, err := c.Blob(ctx, p)
		if err == nil && !bytes.Equal(p, got) {
			err = fmt.Errorf("%d bytes are not %d", len(p), len(got))
		}
		return err
	}
	return c.Sleep(ctx, time.Duration(r.IntN(2000))*time.Microsecond)
}

// nothingAllocated counts what calls within the process allocate, on both sides.
func nothingAllocated() error {
	l := startHere(nil)
	defer l.end()
	const calls = 5000
	least := uint64(1 << 62)
	for range 3 { // others in the process allocate something now and then
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		ok(adds(l, 1, calls))
		runtime.ReadMemStats(&after)
		least = min(least, after.Mallocs-before.Mallocs)
	}
	if least > calls/50 {
		return fmt.Errorf("%d allocations in %d calls", least, calls)
	}
	return nil
}
