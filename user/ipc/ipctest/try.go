// SPDX-License-Identifier: Apache-2.0

package ipctest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	"loam/abi"
	"loam/user/ipc"
)

// Try makes calls of every kind but Swap, and compares what comes back.
func Try(ctx context.Context, c Everything, badge uint64) error {
	if err := c.Null(ctx); err != nil {
		return err
	}
	if sum, err := c.Add(ctx, -5, 1<<40); err != nil || sum != 1<<40-5 {
		return fmt.Errorf("add: %d, %v", sum, err)
	}
	color, not, p, err := c.Turn(ctx, -128, 255, true, 0.5, Point{-7, 1 << 30})
	if err != nil || color != 255 || not || p != (Point{1<<30 - 128, -7}) {
		return fmt.Errorf("turn: %v %v %v, %v", color, not, p, err)
	}
	if w, err := c.Fixed(ctx, NewWide(4), 1.5); err != nil || w != NewWide(5) {
		return fmt.Errorf("fixed: %v, %v", w, err)
	}
	for _, n := range []int{0, 1, 51, 52, 53, 60, 63, 64, 65, 4096, abi.MaxMessageBytes - 8} {
		s := strings.Repeat("a long text, or a short one ", n/28+1)[:n]
		if got, err := c.Text(ctx, s); err != nil || got != s {
			return fmt.Errorf("text of %d bytes: %d, %v", n, len(got), err)
		}
		if err := c.Tell(ctx, s); n > 0 && err != nil || n == 0 && err != syscall.EINVAL {
			return fmt.Errorf("telling %d bytes: %v", n, err)
		}
		want := []byte(s)
		slices.Reverse(want)
		if got, err := c.Blob(ctx, []byte(s)); err != nil || !bytes.Equal(got, want) {
			return fmt.Errorf("blob of %d bytes: %d, %v", n, len(got), err)
		}
	}
	if b, err := c.Badge(ctx); err != nil || b != badge {
		return fmt.Errorf("badge: %d, %v", b, err)
	}
	return tryItems(ctx, c)
}

func tryItems(ctx context.Context, c Everything) error {
	for _, n := range []int{0, 1, 50} {
		got, count, err := c.Items(ctx, NewItems(n), [][]uint32{{1, 2, 3}, nil, make([]uint32, n)})
		want := NewItems(n)
		slices.Reverse(want)
		for i := range want {
			slices.Reverse(want[i].Data)
		}
		if err != nil || count != n+3 || !Same(got, want) {
			return fmt.Errorf("%d items: %v, %d, %v", n, got, count, err)
		}
	}
	return nil
}

// TryErrors has every kind of error come.
func TryErrors(ctx context.Context, c Everything) error {
	for how, want := range map[int]func(error) bool{
		FailNamed: func(err error) bool {
			e, ok := errors.AsType[*ipc.Error](err)
			return errors.Is(err, ErrNamed) && !errors.Is(err, ErrOther) && ok && e.Text == "wrapped: it has a code"
		},
		FailErrno: func(err error) bool { return errors.Is(err, syscall.ENOSPC) },
		FailText:  func(err error) bool { return err != nil && err.Error() == "only text" && !errors.Is(err, ErrNamed) },
		FailLong: func(err error) bool {
			e, ok := errors.AsType[*ipc.Error](err)
			return ok && e.Code == 9 && len(e.Text) >= 56 && strings.HasPrefix(LongText, e.Text)
		},
		FailDeadline: func(err error) bool { return errors.Is(err, syscall.ETIMEDOUT) },
		FailABI:      func(err error) bool { return errors.Is(err, syscall.EPROTO) },
		-1:           func(err error) bool { return err == nil },
	} {
		if err := c.Fail(ctx, how); !want(err) {
			return fmt.Errorf("failure %d: %v", how, err)
		}
	}
	return nil
}

// TryCancel cancels requests, three of which give up. slept tells how many have begun.
func TryCancel(c Everything, slept func() int64) error {
	const long = 20 * time.Second
	for i := range 3 {
		ctx, cancel := context.WithCancel(context.Background())
		before := slept()
		go func() {
			for slept() == before {
				time.Sleep(time.Millisecond)
			}
			cancel()
		}()
		if err := c.Sleep(ctx, long); err != context.Canceled {
			return fmt.Errorf("cancelled %d: %w", i, err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if err := c.Patient(ctx, 200*time.Millisecond); err != context.DeadlineExceeded {
		return fmt.Errorf("deadline: %w after %v", err, time.Since(begin))
	}
	done, cancel := context.WithCancel(context.Background())
	cancel()
	if err := c.Null(done); err != context.Canceled {
		return fmt.Errorf("cancelled before: %w", err)
	}
	return nil
}
