// SPDX-License-Identifier: Apache-2.0

package diskd

import (
	"context"
	"errors"
	"math/rand/v2"

	"loam/abi"
	"loam/user/ipc"
	"loam/user/virtio"
	"loam/user/virtio/blk"
	"loam/user/virtio/driver"
)

// maxData is the most bytes of a request: several of them fit the memory.
const maxData = 1 << 20

// server is a Blocks. All of it belongs to one goroutine, which has the requests and what the
// device signals.
type server struct {
	disk *blk.Disk
	loop *driver.Loop
	data virtio.Memory

	// watch makes use of the handle to a client's process, whether it is one or not, and
	// memory gives that of the data for a client.
	watch  func(process ipc.Handle) (owner, error)
	memory func() ipc.Handle
	// keep keeps the request of a context, and answer answers it, with an error or without.
	keep   func(ctx context.Context) ipc.Kept
	answer func(k ipc.Kept, err error)
	// failed is told once of the error after which nothing is to be had from the device.
	failed func(err error)

	session uint64 // 0: nobody has the disk
	owner   owner  // of the session
	kept    []ipc.Kept
	ended   bool // failed was called
	parts   [blk.MaxElements]virtio.Element
}

var _ Blocks = (*server)(nil)

// owner is the process that has the disk.
type owner interface {
	Alive() bool
	Close() error
}

// begin is called when the disk is there.
func (s *server) begin() { s.kept = make([]ipc.Kept, s.disk.MaxInFlight()) }

// Attach is for Blocks, and so are the others.
func (s *server) Attach(_ context.Context, process ipc.Handle) (ipc.Handle, uint64, Info, error) {
	next, err := s.watch(process)
	if err != nil {
		return ipc.Handle{}, 0, Info{}, err
	}
	if s.session != 0 && s.owner.Alive() {
		return ipc.Handle{}, 0, Info{}, errors.Join(abi.EBUSY, next.Close())
	}
	s.leave()
	if s.disk.InFlight() > 0 {
		return ipc.Handle{}, 0, Info{}, errors.Join(abi.EAGAIN, next.Close())
	}
	s.session, s.owner = 1+rand.Uint64N(1<<63), next
	return s.memory(), s.session, s.info(), nil
}

// leave ends the session, if there is one.
func (s *server) leave() {
	if s.session != 0 {
		s.session = 0
		_ = s.owner.Close()
	}
}

func (s *server) info() Info {
	i := s.disk.Info()
	half := s.data.Size() / unit / 2 * unit // a client has room for more than one request
	most := min(maxData, half, i.MaxSegments*min(i.MaxSegment, maxData))
	return Info{
		Sectors: i.Sectors, BlockSize: uint32(i.BlockSize), ReadOnly: i.ReadOnly,
		Memory: uint32(s.data.Size()), Requests: uint32(len(s.kept)), MaxData: uint32(most / SectorSize),
		MaxDiscard: i.Discard.Max, MaxZero: i.WriteZeroes.Max,
	}
}

// Detach ends the session.
func (s *server) Detach(_ context.Context, session uint64) error {
	switch {
	case session != s.session || session == 0:
		return abi.ESTALE
	case s.disk.InFlight() > 0:
		return abi.EBUSY
	}
	s.leave()
	return nil
}

// Read reads.
func (s *server) Read(ctx context.Context, session, sector uint64, n, at uint32) error {
	parts, err := s.check(session, n, at)
	if err != nil {
		return err
	}
	tag, err := s.disk.Read(sector, parts)
	return s.sent(ctx, tag, err)
}

// Write writes.
func (s *server) Write(ctx context.Context, session, sector uint64, n, at uint32) error {
	parts, err := s.check(session, n, at)
	if err != nil {
		return err
	}
	tag, err := s.disk.Write(sector, parts)
	return s.sent(ctx, tag, err)
}

// Flush flushes.
func (s *server) Flush(ctx context.Context, session uint64) error {
	switch {
	case session != s.session || session == 0:
		return abi.ESTALE
	case !s.disk.Info().WriteBack: // what is done is stable
		return nil
	}
	tag, err := s.disk.Flush()
	return s.sent(ctx, tag, err)
}

// Discard discards.
func (s *server) Discard(ctx context.Context, session, sector uint64, n uint32) error {
	if session != s.session || session == 0 {
		return abi.ESTALE
	}
	ranges := [1]blk.Range{{Sector: sector, Count: n}}
	tag, err := s.disk.Discard(ranges[:])
	return s.sent(ctx, tag, err)
}

// Zero makes zeroes.
func (s *server) Zero(ctx context.Context, session, sector uint64, n uint32, unmap bool) error {
	if session != s.session || session == 0 {
		return abi.ESTALE
	}
	ranges := [1]blk.Range{{Sector: sector, Count: n}}
	tag, err := s.disk.WriteZeroes(ranges[:], unmap)
	return s.sent(ctx, tag, err)
}

// check gives the memory of a request's data, as the device has it. What isn't within the memory is
// a zero Element, which package blk refuses.
func (s *server) check(session uint64, n, at uint32) ([]virtio.Element, error) {
	size, i := int(n)*SectorSize, s.disk.Info()
	switch {
	case session != s.session || session == 0:
		return nil, abi.ESTALE
	case n == 0 || size > maxData || at%SectorSize != 0:
		return nil, abi.EINVAL
	case size <= i.MaxSegment:
		s.parts[0] = s.data.Element(int(at), size)
		return s.parts[:1], nil
	}
	count := 0
	for from := 0; from < size; count++ {
		if count == len(s.parts) {
			return nil, abi.EINVAL
		}
		piece := min(size-from, i.MaxSegment)
		s.parts[count] = s.data.Element(int(at)+from, piece)
		from += piece
	}
	return s.parts[:count], nil
}

// sent has a request that was made answered when the device has.
func (s *server) sent(ctx context.Context, tag blk.Tag, err error) error {
	switch err {
	case nil:
	case virtio.ErrFull:
		return abi.EAGAIN
	case blk.ErrRequest:
		return abi.EINVAL
	case blk.ErrReadOnly:
		return abi.EROFS
	case blk.ErrUnsupported:
		return abi.ENOTSUP
	default: // of the device: who ends answers nothing, ECONNRESET is the answer
		s.fail(err)
		return ipc.ErrKept
	}
	s.kept[tag] = s.keep(ctx)
	if err := s.disk.Kick(); err != nil {
		s.fail(err)
	} else if err := s.loop.Asked(); err != nil {
		s.fail(err)
	}
	return ipc.ErrKept
}

// arrived takes what the device has done.
func (s *server) arrived(cause virtio.Cause) error {
	if cause&virtio.CauseConfig != 0 { // the size has changed
		if err := s.disk.Refresh(); err != nil {
			return err
		}
	}
	for more := true; more; {
		for {
			done, ok, err := s.disk.Done()
			if err != nil {
				return err
			}
			if !ok {
				break
			}
			s.loop.Answered()
			s.answer(s.kept[done.Tag], answerOf(done.Err))
		}
		var err error
		if more, err = s.disk.Arm(); err != nil {
			return err
		}
	}
	return nil
}

func answerOf(err error) error {
	switch err {
	case nil:
		return nil
	case blk.ErrUnsupported:
		return abi.ENOTSUP
	}
	return abi.EIO
}

// happened handles bits of the driver's notification.
func (s *server) happened(bits uint64) {
	if err := s.loop.Handle(bits); err != nil {
		s.fail(err)
	}
}

// fail gives the device up.
func (s *server) fail(err error) {
	if !s.ended {
		s.ended = true
		s.failed(errors.Join(err, s.disk.Device().Fail()))
	}
}
