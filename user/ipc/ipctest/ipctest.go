// SPDX-License-Identifier: Apache-2.0

// Package ipctest is a service with every kind of argument, for tests of package
// ipc and of the code that ipcgen writes: on a host, where the kernel is a model, and in
// a machine.
package ipctest

import (
	"context"
	"time"

	"loam/user/ipc"
)

//go:generate go run loam/tools/ipcgen Everything

// Everything is the service.
type Everything interface {
	// Null does nothing.
	Null(ctx context.Context) error
	// Add is a call of words.
	Add(ctx context.Context, a, b int64) (sum int64, err error)
	// Turn is one with numbers of every size.
	Turn(ctx context.Context, a int8, b uint16, c bool, d float32, p Point) (Color, bool, Point, error)
	// Fixed has no lengths, and too many numbers for words.
	Fixed(ctx context.Context, a Wide, b float64) (Wide, error)
	// Tell takes a string and gives nothing back. EINVAL: it is empty.
	Tell(ctx context.Context, s string) error
	// Text gives a string back.
	Text(ctx context.Context, s string) (string, error)
	// Blob gives bytes back, reversed.
	Blob(ctx context.Context, p []byte) ([]byte, error)
	// Items gives structures back, and how many numbers there were.
	Items(ctx context.Context, all []Item, more [][]uint32) ([]Item, int, error)
	// Swap takes a handle and gives the one it got before.
	Swap(ctx context.Context, h ipc.Handle, key uint64) (ipc.Handle, uint64, error)
	// Fail gives an error of a kind.
	Fail(ctx context.Context, how int) error
	// Sleep waits, and gives up when it is cancelled.
	Sleep(ctx context.Context, d time.Duration) error
	// Patient is Sleep that doesn't give up.
	Patient(ctx context.Context, d time.Duration) error
	// Work keeps the CPU for some time.
	Work(ctx context.Context, d time.Duration) error
	// Badge tells that of the caller.
	Badge(ctx context.Context) (uint64, error)
	// Exit ends the server's process without an answer.
	Exit(ctx context.Context, status int) error
}

// Color is a small number.
type Color uint8

// Point is two numbers.
type Point struct{ X, Y int32 }

// Wide is a structure that is too wide for words.
type Wide struct {
	A [4]uint16
	P [2]Point
	B bool
	c uint64
}

// NewWide makes one.
func NewWide(n uint64) Wide {
	return Wide{[4]uint16{1, 2, 3, uint16(n)}, [2]Point{{1, -1}, {int32(n), -int32(n)}}, n%2 == 1, n}
}

// Item has what is as long as it likes.
type Item struct {
	Name   string
	Data   []byte
	Tags   []string
	Weight float64
	At     Point
}
