//go:build linux && (amd64 || riscv64)

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"syscall"
	"time"

	"loam/abi"
	"loam/test/programs/cases"
	"loam/user/ipc"
	"loam/user/object"
)

// What the program of TestServices is given, in the manifest's order.
const (
	lazyOne  = iota // restart failure
	stubborn        // restart always, at most 2
	onceOnly        // restart never
	unmade          // it can't be started
	slow            // it computes, with a tenth of the CPU
)

var background = context.Background()

func work(i int) *WorkClient { return NewWorkClient(ipc.Endpoint(object.Given(i))) }

// lives are the cases; they go on from each other.
func lives() []cases.Case {
	return []cases.Case{
		{Name: "a lazy service is started by its first call", Run: func() error {
			return answers(work(lazyOne))
		}},
		{Name: "its caller's badge is the number of the section", Run: func() error {
			_, badge, _, err := who(work(lazyOne))
			if err == nil && badge != 6 {
				err = fmt.Errorf("badge %d", badge)
			}
			return err
		}},
		{Name: "it has the handles of its lines, in their order", Run: func() error {
			return given(work(lazyOne))
		}},
		{Name: "an end in a call is its caller's error, and the next call starts it again", Run: func() error {
			return again(work(lazyOne), func(w *WorkClient) error {
				if err := w.Exit(background, 3); !errors.Is(err, syscall.ECONNRESET) {
					return fmt.Errorf("the call answered %v", err)
				}
				return nil
			})
		}},
		{Name: "the next instance has the same handles", Run: func() error { return given(work(lazyOne)) }},
		{Name: "it has the limits and the priority of its lines", Run: limited},
		{Name: "a lazy service that ends cleanly waits for the next call", Run: func() error {
			for range 20 { // more often than it would be restarted
				if err := again(work(lazyOne), leave); err != nil {
					return err
				}
			}
			return nil
		}},
		{Name: "a call that waits for the next instance is answered by it", Run: waiting},
		{Name: "a service that ends too often does not come back", Run: func() error {
			w := work(stubborn)
			for range 2 {
				if err := again(w, func(w *WorkClient) error { _ = w.Exit(background, 1); return nil }); err != nil {
					return err
				}
			}
			_ = w.Exit(background, 1)
			return refuses(w)
		}},
		{Name: "one that is never restarted doesn't either", Run: func() error {
			w := work(onceOnly)
			if err := answers(w); err != nil {
				return err
			}
			_ = w.Exit(background, 0)
			return refuses(w)
		}},
		{Name: "one that can't be started refuses its calls", Run: func() error { return refuses(work(unmade)) }},
		{Name: "one that computes has its quota of the CPU", Run: quota},
	}
}

// answers wants calls of both forms to be answered.
func answers(w *WorkClient) error {
	n, err := w.Double(background, 21)
	if err != nil || n != 42 {
		return errors.Join(err, fmt.Errorf("21 was doubled to %d", n))
	}
	text := bytes.Repeat([]byte("loam"), 100)
	got, err := w.Turn(background, text)
	if err != nil || !bytes.Equal(got, turned(text)) {
		return errors.Join(err, fmt.Errorf("%d bytes came back", len(got)))
	}
	return nil
}

// given wants the service to have the handles that its lines say.
func given(w *WorkClient) error {
	kinds, err := w.Kinds(background)
	want := []uint32{uint32(abi.KindEndpoint), uint32(abi.KindEndpoint), uint32(abi.KindMachine), uint32(abi.KindInterrupt), uint32(abi.KindMemory), uint32(abi.KindRegisters)}
	if runtime.GOARCH == "amd64" {
		want = append(want, uint32(abi.KindPorts))
	}
	if err == nil && !slices.Equal(kinds, want) {
		err = fmt.Errorf("kinds %v, want %v", kinds, want)
	}
	return err
}

// limited looks at the service's account, and at a thread of its.
func limited() error {
	_, _, h, err := work(lazyOne).Who(background)
	if err != nil {
		return err
	}
	p := object.Process(h.Handle)
	defer p.Close()
	info, err := p.Info()
	if err != nil {
		return err
	}
	if threads, pages := info.Limits.Of(abi.KindThread), info.Limits[abi.LimitPages]; threads != 20 || pages != 16<<20/abi.PageSize {
		return fmt.Errorf("limits of %d threads and %d pages", threads, pages)
	}
	priority, err := work(lazyOne).Priority(background)
	if err == nil && priority != 3 {
		err = fmt.Errorf("priority %d", priority)
	}
	return err
}

// quota looks at how much of the CPU the service has had while it computed.
func quota() error {
	_, _, h, err := work(slow).Who(background)
	if err != nil {
		return err
	}
	p := object.Process(h.Handle)
	defer p.Close()
	start := time.Now()
	before, err := p.Use()
	if err != nil {
		return err
	}
	time.Sleep(300 * time.Millisecond)
	after, err := p.Use()
	if err != nil {
		return err
	}
	had, length := time.Duration(after.Time-before.Time), time.Since(start)
	if had < length/20 || had > length/5 {
		err = fmt.Errorf("it had %v of %v", had, length)
	}
	return errors.Join(err, p.Kill())
}

// who gives the server's process id and the caller's badge; a handle that came too is
// closed.
func who(w *WorkClient) (pid uint32, badge uint64, process object.Process, err error) {
	pid, badge, h, err := w.Who(background)
	if err != nil {
		return 0, 0, 0, err
	}
	return pid, badge, object.Process(h.Handle), object.Close(h.Handle)
}

// again wants another instance to answer after an end.
func again(w *WorkClient, end func(*WorkClient) error) error {
	before, _, _, err := who(w)
	if err == nil {
		err = end(w)
	}
	for err == nil {
		var after uint32
		after, _, _, err = who(w)
		switch {
		case errors.Is(err, syscall.ECONNRESET):
			err = nil // it was about to end
		case err == nil && after != before:
			return answers(w)
		}
	}
	return err
}

// leave has the server end, which it may do before its answer is on the way.
func leave(w *WorkClient) error {
	if err := w.Leave(background); !errors.Is(err, syscall.ECONNRESET) {
		return err
	}
	return nil
}

// refuses wants calls to be refused, soon and from then on.
func refuses(w *WorkClient) error {
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		_, err := w.Double(background, 1)
		if errors.Is(err, syscall.ECONNREFUSED) {
			return nil
		}
		if err != nil && !errors.Is(err, syscall.ECONNRESET) {
			return err
		}
	}
	return errors.New("calls are not refused")
}

// waiting has calls made while nobody is there.
func waiting() error {
	const callers = 8
	w := work(lazyOne)
	_, _, h, err := w.Who(background)
	if err != nil {
		return err
	}
	p := object.Process(h.Handle)
	defer p.Close()
	if err := p.Kill(); err != nil {
		return err
	}
	done := make(chan error)
	for range callers {
		go func() { done <- answers(work(lazyOne)) }()
	}
	for range callers {
		if e := <-done; e != nil && !errors.Is(e, syscall.ECONNRESET) {
			err = e
		}
	}
	return err
}
