// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"context"

	"loam/user/ipc"
)

//go:generate go run loam/tools/ipcgen Driver

// Driver is what the driver of the console streams serves (package streamd).
type Driver interface {
	// Attach gives the rings, to be mapped and read and written, and a notification to signal.
	// layout is ring.Layout. bits of wake, a notification, are signalled from then on where the rings'
	// client waits; the client attached before isn't any more. EINVAL: wake can't be
	// signalled so. ENOTSUP: the layout is another one here.
	Attach(ctx context.Context, wake ipc.Handle, bits uint64, layout uint32) (memory, signal ipc.Handle, err error)
	// Watch ends with ECONNRESET, when the driver ends, and with nothing else.
	Watch(ctx context.Context) error
	// Drain returns when the device has done with all that stdout and stderr had when it was called:
	// it is on the host's side then. It waits as long as the host doesn't read.
	Drain(ctx context.Context) error
}
