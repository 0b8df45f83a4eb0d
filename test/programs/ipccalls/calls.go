// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"loam/abi"
	"loam/test/programs/cases"
	"loam/user/ipc"
	"loam/user/ipc/ipctest"
	"loam/user/object"
)

func callCases() []cases.Case {
	var all []cases.Case
	for _, how := range []string{"one", "three", "async"} {
		all = append(all,
			cases.Case{Name: "calls of another process, " + how, Run: func() error { return otherProcess(how) }},
			cases.Case{Name: "cancelling in another process, " + how, Run: func() error { return cancelOther(how) }})
	}
	return append(all,
		cases.Case{Name: "calls in one process", Run: oneProcess},
		cases.Case{Name: "cancelling", Run: cancelHere},
		cases.Case{Name: "a call that waits to be received is cancelled", Run: cancelQueued},
		cases.Case{Name: "handles", Run: handles},
		cases.Case{Name: "many clients", Run: many},
		cases.Case{Name: "bits of a notification", Run: bits},
		cases.Case{Name: "shutdown answers what was received", Run: shutdown},
	)
}

func otherProcess(how string) error {
	s := start("serve", how)
	defer s.end()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return errors.Join(
		ipctest.Try(context.Background(), s, badge),
		ipctest.Try(ctx, s, badge),
		ipctest.TryErrors(context.Background(), s))
}

func oneProcess() error {
	l := startHere(nil)
	defer l.end()
	return errors.Join(ipctest.Try(context.Background(), l, badge), ipctest.TryErrors(context.Background(), l))
}

// cancelOther cancels calls that another process has received; a server with one
// receiver doesn't hear of it before it has answered.
func cancelOther(how string) error {
	s := start("serve", how)
	defer s.end()
	ok(s.Null(context.Background())) // it serves
	long, want := time.Hour, context.Canceled
	if how == "one" {
		long, want = 300*time.Millisecond, nil
	}
	for range 3 {
		ctx, cancel := context.WithCancel(context.Background())
		time.AfterFunc(50*time.Millisecond, cancel)
		if err := s.Sleep(ctx, long); err != want {
			return fmt.Errorf("%v, want %v", err, want)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := s.Patient(ctx, 200*time.Millisecond); err != context.DeadlineExceeded {
		return fmt.Errorf("deadline: %w", err)
	}
	return s.Null(context.Background())
}

func cancelHere() error {
	l := startHere(func(s *ipc.Server) { s.Receivers = 2 })
	defer l.end()
	return ipctest.TryCancel(l, l.impl.Slept.Load)
}

func cancelQueued() error {
	l := startHere(nil)
	defer l.end()
	var first sync.WaitGroup
	first.Go(func() { ok(l.Patient(context.Background(), time.Second)) })
	for l.impl.Slept.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	begin := time.Now()
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(10*time.Millisecond, cancel)
	if err := l.Null(ctx); err != context.Canceled {
		return err
	}
	ctx, cancel = context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if _, err := l.Text(ctx, "x"); err != context.DeadlineExceeded {
		return err
	}
	if d := time.Since(begin); d > 900*time.Millisecond {
		return fmt.Errorf("after %v", d)
	}
	first.Wait()
	return nil
}

// handles sends notifications to another process and has them back.
func handles() error {
	s := start("serve", "one")
	defer s.end()
	ctx := context.Background()
	first := must(object.NewNotification())
	const rights = abi.RightWrite | abi.RightTransfer
	if _, _, err := s.Swap(ctx, ipc.Copy(abi.Handle(first), rights), 1); !errors.Is(err, ipctest.ErrNamed) {
		return err
	}
	second := must(object.NewNotification())
	got, key, err := s.Swap(ctx, ipc.Move(abi.Handle(second), rights), 2)
	if err != nil || key != 1 {
		return fmt.Errorf("%d %w", key, err)
	}
	ok(object.Notification(got.Handle).Signal(8))
	if b := must(first.Wait(8, object.Now)); b != 8 {
		return fmt.Errorf("bits %d", b)
	}
	if err := second.Signal(1); err != syscall.EBADF {
		return fmt.Errorf("what was moved: %w", err)
	}
	if _, err := object.Notification(got.Handle).Wait(1, object.Now); err != syscall.EACCES {
		return fmt.Errorf("a right that wasn't given: %w", err)
	}
	ok(object.Close(got.Handle))
	return first.Close()
}

// many has processes and goroutines call at once.
func many() error {
	l := startHere(func(s *ipc.Server) { s.Receivers = 2 })
	defer l.end()
	var children []object.Child
	for range 3 {
		children = append(children, child([]abi.HandOn{l.Client.To.HandOn()}, "call", "once"))
	}
	errs := make(chan error)
	for i := range int64(4) {
		go func() { errs <- adds(l, i<<40, 300) }()
	}
	var all error
	for range 4 {
		all = errors.Join(all, <-errs)
	}
	for _, c := range children {
		status := must(c.Process.Wait(object.After(time.Minute)))
		if status != (abi.ExitStatus{}) {
			all = errors.Join(all, fmt.Errorf("a client: %v", status))
		}
		ok(c.Close())
	}
	return all
}

func adds(c ipctest.Everything, a int64, n int) error {
	for j := range int64(n) {
		if sum, err := c.Add(context.Background(), a, j); err != nil || sum != a+j {
			return fmt.Errorf("%d, %w", sum, err)
		}
	}
	return nil
}

func bits() error {
	n := must(object.NewNotification())
	got := make(chan uint64)
	l := startHere(func(s *ipc.Server) { s.Notification, s.OnBits = n, func(b uint64) { got <- b } })
	for _, b := range []uint64{1, 6, 1 << 62} {
		ok(n.Signal(b))
		select {
		case g := <-got:
			if g != b {
				return fmt.Errorf("bits %d, want %d", g, b)
			}
		case <-time.After(10 * time.Second):
			return errors.New("no bits")
		}
		ok(l.Null(context.Background()))
	}
	l.end()
	return n.Close()
}

func shutdown() error {
	for _, async := range []bool{false, true} {
		l := startHere(func(s *ipc.Server) {
			s.Receivers = 2
			if async {
				s.Async = []string{"Patient"}
			}
		})
		answer := make(chan error, 1)
		go func() { answer <- l.Patient(context.Background(), 100*time.Millisecond) }()
		for l.impl.Slept.Load() == 0 {
			time.Sleep(time.Millisecond)
		}
		l.end()
		if err := <-answer; err != nil {
			return err
		}
	}
	return nil
}
