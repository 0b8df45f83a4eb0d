// SPDX-License-Identifier: Apache-2.0

package diskd

import (
	"context"

	"loam/user/ipc"
)

//go:generate go run loam/tools/ipcgen Blocks

// SectorSize is the unit of places on a disk and of lengths, in bytes, whatever the size of
// blocks.
const SectorSize = 512

// Blocks is what a disk's endpoint serves. Errors of all methods with a session: ESTALE it isn't
// that of now, EINVAL what is asked for isn't on the disk, or beyond Info's bounds, or its data not
// in the memory at a multiple of SectorSize; EAGAIN as many requests are in flight
// as can be; EIO the device could not do it, and how far it came isn't known; EROFS the
// disk is read-only; ENOTSUP the device can't do that.
type Blocks interface {
	// Attach begins a session, for a process, of which the handle must have Wait. Data of
	// its requests lie in the memory, which is to be mapped. When Attach returns, no request of an earlier
	// session is in flight. Errors: EBUSY another process has the disk; EAGAIN another had it, and
	// something of its is still in flight; EINVAL the handle isn't a process's.
	Attach(ctx context.Context, process ipc.Handle) (memory ipc.Handle, session uint64, info Info, err error)
	// Detach ends the session. EBUSY: a request is in flight.
	Detach(ctx context.Context, session uint64) error
	// Read reads n sectors from a sector on to a place in the memory.
	Read(ctx context.Context, session, sector uint64, n, at uint32) error
	// Write writes n sectors from a place in the memory.
	Write(ctx context.Context, session, sector uint64, n, at uint32) error
	// Flush makes stable what was written by requests that were answered before.
	Flush(ctx context.Context, session uint64) error
	// Discard says that the content of n sectors isn't needed any more. It is anything
	// then.
	Discard(ctx context.Context, session, sector uint64, n uint32) error
	// Zero makes n sectors zero; with unmap the device may give up what they take.
	Zero(ctx context.Context, session, sector uint64, n uint32, unmap bool) error
}

// Info is what a disk is.
type Info struct {
	Sectors   uint64 // its size
	BlockSize uint32 // bytes: what it had best be asked for, a multiple of SectorSize
	ReadOnly  bool
	Memory    uint32 // bytes for data
	Requests  uint32 // in flight at most
	// The most sectors of a Read or Write, of a Discard, and of a Zero; 0: not possible.
	MaxData, MaxDiscard, MaxZero uint32
}
