// SPDX-License-Identifier: Apache-2.0

package ipctest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"loam/abi"
	"loam/user/ipc"
)

// Errors of Fail.
var (
	ErrNamed = ipc.Errorf(7, "it has a code")
	ErrOther = ipc.Errorf(8, "it has another")
)

// What Fail can be asked for.
const (
	FailNamed = iota // ErrNamed with more text, wrapped
	FailErrno        // ENOSPC, wrapped
	FailText         // an error without a code
	FailLong         // one whose text is longer than words
	FailDeadline
	FailABI // an abi.Errno
)

// LongText is FailLong's.
var LongText = strings.Repeat("this is a long text. ", 20)

// Server serves Everything.
type Server struct {
	Slept     atomic.Int64 // sleeps that have begun
	Cancelled atomic.Int64 // and that were cancelled
	Calls     atomic.Int64 // of Add

	mu   sync.Mutex
	held ipc.Handle // guarded by mu
	key  uint64     // guarded by mu
}

var _ Everything = (*Server)(nil)

// Null does nothing.
func (s *Server) Null(context.Context) error { return nil }

// Add adds.
func (s *Server) Add(_ context.Context, a, b int64) (int64, error) {
	s.Calls.Add(1)
	return a + b, nil
}

// Turn gives back what came, in another order.
func (s *Server) Turn(_ context.Context, a int8, b uint16, c bool, d float32, p Point) (Color, bool, Point, error) {
	if d != 0.5 {
		return 0, false, p, fmt.Errorf("d is %v", d)
	}
	return Color(b), !c, Point{p.Y + int32(a), p.X}, nil
}

// Fixed adds one to most of it.
func (s *Server) Fixed(_ context.Context, a Wide, b float64) (Wide, error) {
	if a != NewWide(a.c) || b != 1.5 {
		return Wide{}, fmt.Errorf("%v %v", a, b)
	}
	return NewWide(a.c + 1), nil
}

// Tell takes it.
func (s *Server) Tell(_ context.Context, t string) error {
	if t == "" {
		return syscall.EINVAL
	}
	return nil
}

// Text gives it back.
func (s *Server) Text(_ context.Context, t string) (string, error) { return t, nil }

// Blob reverses p.
func (s *Server) Blob(_ context.Context, p []byte) ([]byte, error) {
	slices.Reverse(p)
	return p, nil
}

// Items reverses the list, and all Data.
func (s *Server) Items(_ context.Context, all []Item, more [][]uint32) ([]Item, int, error) {
	n := 0
	for _, m := range more {
		n += len(m)
	}
	slices.Reverse(all)
	for i := range all {
		slices.Reverse(all[i].Data)
	}
	return all, n, nil
}

// Swap keeps h.
func (s *Server) Swap(_ context.Context, h ipc.Handle, key uint64) (ipc.Handle, uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, oldKey := s.held, s.key
	s.held, s.key = h, key
	if old.Handle == 0 {
		return ipc.Handle{}, 0, ErrNamed
	}
	return ipc.Move(old.Handle, abi.RightWrite|abi.RightTransfer), oldKey, nil
}

// Fail fails.
func (s *Server) Fail(_ context.Context, how int) error {
	switch how {
	case FailNamed:
		return fmt.Errorf("wrapped: %w", ErrNamed)
	case FailErrno:
		return fmt.Errorf("wrapped: %w", syscall.ENOSPC)
	case FailText:
		return fmt.Errorf("only text")
	case FailLong:
		return ipc.Errorf(9, "%s", LongText)
	case FailDeadline:
		return context.DeadlineExceeded
	case FailABI:
		return abi.EPROTO
	}
	return nil
}

// Sleep sleeps.
func (s *Server) Sleep(ctx context.Context, d time.Duration) error {
	s.Slept.Add(1)
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		s.Cancelled.Add(1)
		return ctx.Err()
	}
}

// Patient sleeps.
func (s *Server) Patient(ctx context.Context, d time.Duration) error {
	s.Slept.Add(1)
	time.Sleep(d)
	if ctx.Err() != nil {
		s.Cancelled.Add(1)
	}
	return nil
}

// Work counts.
func (s *Server) Work(_ context.Context, d time.Duration) error {
	for begin := time.Now(); time.Since(begin) < d; {
		s.Calls.Add(1)
	}
	return nil
}

// Badge tells the badge.
func (s *Server) Badge(ctx context.Context) (uint64, error) {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	if a, b := ipc.Caller(ctx), ipc.Caller(inner); a != b {
		return 0, fmt.Errorf("%d and %d", a, b)
	}
	return ipc.Caller(ctx), nil
}

// Exit ends the process.
func (s *Server) Exit(_ context.Context, status int) error {
	os.Exit(status)
	return nil
}

// NewItems makes a list for Items.
func NewItems(n int) []Item {
	all := []Item{}
	for i := range n {
		all = append(all, Item{Name: fmt.Sprint("item ", i), Data: []byte{byte(i), 1, 2}, Weight: float64(i) / 4,
			Tags: strings.Fields(strings.Repeat("tag ", i%3)), At: Point{int32(i), -int32(i)}})
	}
	return all
}

// Same compares lists; empty and nil are the same.
func Same(a, b []Item) bool {
	return slices.EqualFunc(a, b, func(a, b Item) bool {
		return a.Name == b.Name && bytes.Equal(a.Data, b.Data) && slices.Equal(a.Tags, b.Tags) && a.Weight == b.Weight && a.At == b.At
	})
}
