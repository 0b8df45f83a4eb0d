// SPDX-License-Identifier: Apache-2.0

// Package sandbox is what init says to a personality server (package linux): which processes are its.
package sandbox

import (
	"context"

	"loam/user/ipc"
)

//go:generate go run loam/tools/ipcgen Sandbox

// Sandbox is what the endpoint of a personality server serves to init.
type Sandbox interface {
	// Adopt takes in a process that hasn't run yet: from now on its Linux calls come to this
	// server. The handles need abi.RightManage, RightWait and RightRead of the process, and
	// RightMap of its space. name is that of its file in the boot archive. Errors: those of process_forward.
	Adopt(ctx context.Context, process, space ipc.Handle, name string) error
	// Finish says that the machine is about to end: what is to be said at the end is said.
	Finish(ctx context.Context) error
}
