// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// late is how late something may come on a busy and emulated machine.
const late = 20 * time.Second

// took checks that something took at least d and not far more.
func took(start time.Time, d time.Duration) error {
	if t := time.Since(start); t < d || t > d+late {
		return fmt.Errorf("%v took %v", d, t)
	}
	return nil
}

func wallClock() error {
	a := time.Now()
	if a.Year() < 2025 || a.Year() > 2100 {
		return fmt.Errorf("it is %v", a)
	}
	for range 10_000 {
		b := time.Now()
		if b.Before(a) || b.UnixNano() < a.UnixNano() {
			return fmt.Errorf("time went from %v back to %v", a, b)
		}
		a = b
	}
	return nil
}

func sleep() error {
	for _, d := range []time.Duration{0, time.Microsecond, time.Millisecond, 30 * time.Millisecond} {
		start := time.Now()
		time.Sleep(d)
		if err := took(start, d); err != nil {
			return err
		}
	}
	return nil
}

// manySleepers has 200 goroutines wake in the order of their times.
func manySleepers() error {
	var mu sync.Mutex
	var wg sync.WaitGroup
	var errs []error
	for i := range 200 {
		wg.Go(func() {
			d := time.Duration(i%20) * time.Millisecond
			start := time.Now()
			time.Sleep(d)
			if err := took(start, d); err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func timers() error {
	var order []int
	fired := make(chan int)
	start := time.Now()
	for _, n := range []int{30, 10, 20} {
		time.AfterFunc(time.Duration(n)*time.Millisecond, func() { fired <- n })
	}
	stopped := time.AfterFunc(time.Hour, func() { fired <- 5 })
	if !stopped.Stop() {
		return fmt.Errorf("a timer could not be stopped")
	}
	for range 3 {
		order = append(order, <-fired)
	}
	slices.Sort(order)
	if !slices.Equal(order, []int{10, 20, 30}) {
		return fmt.Errorf("fired: %v", order)
	}
	if err := took(start, 30*time.Millisecond); err != nil {
		return err
	}
	t := time.NewTimer(time.Hour)
	t.Reset(time.Millisecond)
	<-t.C
	return nil
}

func tickers() error {
	start := time.Now()
	t := time.NewTicker(5 * time.Millisecond)
	defer t.Stop()
	for range 10 {
		<-t.C
	}
	return took(start, 50*time.Millisecond)
}

func deadlines() error {
	start := time.Now() // before the deadline is set: the thread may lose the CPU in between
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	<-ctx.Done()
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return ctx.Err()
	}
	return took(start, 10*time.Millisecond)
}

func selectTimeouts() error {
	never := make(chan int)
	for i := range 50 {
		start := time.Now()
		select {
		case <-never:
			return fmt.Errorf("something came from nowhere")
		case <-time.After(time.Millisecond):
		}
		if err := took(start, time.Millisecond); err != nil {
			return fmt.Errorf("round %d: %w", i, err)
		}
	}
	return nil
}
