// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"loam/abi"
	"loam/test/programs/cases"
	"loam/user/ipc"
	"loam/user/object"
	"loam/user/sys"
)

// goroutineCases want that a server that waits, or handles requests, holds up
// nothing else in its process. "role gaps" measures how much.
func goroutineCases() []cases.Case {
	return []cases.Case{
		{Name: "goroutines run while a server waits", Run: func() error { return goesOn(runtime.GOMAXPROCS(0), false, nil) }},
		{Name: "goroutines run while a server waits, with one place", Run: func() error { return goesOn(1, false, nil) }},
		{Name: "goroutines run while a server waits that yields", Run: func() error { return goesOn(1, false, yields) }},
		{Name: "goroutines run while a server serves", Run: func() error { return goesOn(runtime.GOMAXPROCS(0), true, nil) }},
		{Name: "goroutines run while a server serves, with one place", Run: func() error { return goesOn(1, true, nil) }},
		{Name: "goroutines run while a server serves that yields", Run: func() error { return goesOn(1, true, yields) }},
		{Name: "goroutines keep the threads of a server that yields", Run: keptThreads},
		{Name: "more servers than places", Run: moreServers},
		{Name: "a method runs on its caller's time", Run: func() error { return lent("one", true) }},
		{Name: "a method of Async runs on the server's", Run: func() error { return lent("async", false) }},
	}
}

// tick runs a ticker for some time and gives how often it ticked, and the longest
// time between two ticks.
func tick(period, during time.Duration) (ticks int, longest time.Duration) {
	t := time.NewTicker(period)
	defer t.Stop()
	for begin, last := time.Now(), time.Now(); time.Since(begin) < during; ticks++ {
		<-t.C
		now := time.Now()
		longest = max(longest, now.Sub(last))
		last = now
	}
	return ticks, longest
}

// yields makes a server one that yields.
func yields(s *ipc.Server) { s.Alone, s.Yields = true, true }

// keptThreads has goroutines that a server starts wait in the kernel: each keeps the thread that the server had, which goes on
// with another one.
func keptThreads() error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const times = 5
	n, over := must(object.NewNotification()), must(object.NewNotification())
	got, kept := make(chan uint64, 1), sync.WaitGroup{}
	l := startHere(func(s *ipc.Server) {
		yields(s)
		s.Notification, s.OnBits = n, func(bit uint64) {
			kept.Go(func() { must(over.Wait(bit, object.Forever)) })
			got <- bit
		}
	})
	for i := range times {
		ok(n.Signal(1 << i))
		select {
		case b := <-got:
			if b != 1<<i {
				return fmt.Errorf("bits %#x, want %#x", b, 1<<i)
			}
		case <-time.After(10 * time.Second):
			return fmt.Errorf("no bits the %d. time", i+1)
		}
		ok(l.Null(context.Background()))
	}
	l.end() // on the last of the threads
	ok(over.Signal(1<<times - 1))
	kept.Wait()
	return errors.Join(n.Close(), over.Close())
}

// goesOn looks whether tickers tick and the collector comes to its end beside a server.
func goesOn(places int, calls bool, how func(*ipc.Server)) error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(places))
	l := startHere(how)
	defer l.end()
	ok(l.Null(context.Background()))
	if calls {
		c := child([]abi.HandOn{l.Client.To.HandOn()}, "call", "on")
		defer end(c)
		for l.impl.Calls.Load() == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	var collected atomic.Int64
	stop, stopped := make(chan bool), make(chan time.Duration)
	go func() {
		longest := time.Duration(0)
		for {
			select {
			case <-stop:
				stopped <- longest
				return
			default:
				begin := time.Now()
				runtime.GC()
				longest = max(longest, time.Since(begin))
				collected.Add(1)
			}
		}
	}()
	// How fast depends on the host, but they go on.
	ticks := 0
	for end := time.Now().Add(30 * time.Second); (ticks < 10 || collected.Load() < 3) && time.Now().Before(end); {
		n, _ := tick(5*time.Millisecond, 50*time.Millisecond)
		ticks += n
	}
	close(stop)
	longest := <-stopped
	if ticks < 10 || collected.Load() < 3 || longest > 10*time.Second {
		return fmt.Errorf("%d ticks, %d collections, the longest %v", ticks, collected.Load(), longest)
	}
	return nil
}

// moreServers has more receivers than places wait, and then all of them work.
func moreServers() error {
	var all []*local
	for range 6 {
		all = append(all, startHere(func(s *ipc.Server) { s.Receivers = 2 }))
	}
	for range 20 {
		for i, l := range all {
			if sum, err := l.Add(context.Background(), int64(i), 1); err != nil || sum != int64(i)+1 {
				return fmt.Errorf("%d %w", sum, err)
			}
			runtime.Gosched()
		}
	}
	runtime.GC()
	for _, l := range all {
		l.end()
	}
	return nil
}

// lent looks who pays for what a method does.
func lent(how string, caller bool) error {
	s := start("serve", how)
	defer s.end()
	ok(s.Null(context.Background()))
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const work = 100 * time.Millisecond
	before := ownTime()
	ok(s.Work(context.Background(), work))
	if spent := ownTime() - before; spent > work/2 != caller {
		return fmt.Errorf("the caller has spent %v of %v", spent, work)
	}
	return nil
}

// ownTime is the CPU time of the thread.
func ownTime() time.Duration {
	var u syscall.Rusage
	ok(syscall.Getrusage(abi.RUSAGE_THREAD, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// gaps prints how late a ticker of 1 ms is, at most, beside a server: one that waits,
// one that has a request each 10 ms, one that has as many as can be. The second column is
// with receives that always keep their place.
func gaps() error {
	for _, places := range []int{1, 2} {
		runtime.GOMAXPROCS(places)
		for _, pause := range []time.Duration{-1, 10 * time.Millisecond, 0} {
			var longest [2]time.Duration
			for keep := range 2 {
				e := must(ipc.NewEndpoint())
				var ended atomic.Bool
				if keep == 1 {
					go keeper(e, &ended)
				}
				var l *local
				if keep == 0 {
					l = startHere(nil)
					e = l.endpoint
				}
				to := must(e.Mint(badge))
				c := child([]abi.HandOn{to.HandOn()}, "pace", pause.String())
				time.Sleep(50 * time.Millisecond)
				_, longest[keep] = tick(time.Millisecond, 200*time.Millisecond)
				end(c)
				ended.Store(true)
				ok(to.Close())
				if l != nil {
					l.end()
				} else {
					ok(e.Close())
				}
			}
			fmt.Printf("places %d, pause %v: longest gap %v, keeping the place %v\n", places, pause, longest[0], longest[1])
		}
	}
	return nil
}

// keeper answers calls, and waits as package syscall does.
func keeper(e ipc.Endpoint, ended *atomic.Bool) {
	runtime.LockOSThread()
	m := ipc.Message{To: uint64(e)}
	nr := uint64(abi.CallEndpointReceive)
	for !ended.Load() {
		if r := sys.MessageWait(nr, &m); r != abi.ReceivedCall {
			return
		}
		m.To, m.Words[0] = uint64(e), 1<<15
		nr = abi.CallEndpointReplyReceive
	}
}

// pace makes a call, and another after a pause; none if the pause is negative.
func pace(c interface{ Null(context.Context) error }, pause time.Duration) error {
	for pause >= 0 {
		if err := c.Null(context.Background()); err != nil {
			return err
		}
		time.Sleep(pause)
	}
	time.Sleep(time.Hour)
	return nil
}
