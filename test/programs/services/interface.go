// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	"loam/user/ipc"
)

//go:generate go run loam/tools/ipcgen Work

// Work is what the services of the tests do.
type Work interface {
	// Who tells who serves and who calls, and gives a handle to kill the server by.
	Who(ctx context.Context) (pid uint32, badge uint64, process ipc.Handle, err error)
	// Double is a call in registers.
	Double(ctx context.Context, n uint64) (twice uint64, err error)
	// Turn is a call with bytes: they come back the other way round.
	Turn(ctx context.Context, text []byte) (turned []byte, err error)
	// Exit ends the server before it answers.
	Exit(ctx context.Context, code uint32) error
	// Leave ends it when it has answered, with code 0.
	Leave(ctx context.Context) error
	// Kinds tells of the handles that the server was given.
	Kinds(ctx context.Context) (kinds []uint32, err error)
	// Priority tells the fixed priority of the server's first thread.
	Priority(ctx context.Context) (priority uint32, err error)
}
