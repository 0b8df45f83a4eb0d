// SPDX-License-Identifier: Apache-2.0

package streamd

import (
	"context"
	"errors"
	"time"

	"loam/abi"
	"loam/user/ipc"
	"loam/user/object"
	"loam/user/streams"
	"loam/user/streams/ring"
	"loam/user/sys"
	"loam/user/virtio"
	"loam/user/virtio/driver"
)

// service is a streams.Driver. All of it runs on the one thread that receives.
type service struct {
	*mover
	server ipc.Server
	note   object.Notification
	signal object.Handle // of note, for clients
	loop   *driver.Loop
	rings  object.Handle
	client object.Notification // 0: none
	bits   uint64
	err    error // why it ends
}

var _ streams.Driver = (*service)(nil)

// Attach is for streams.Driver.
func (s *service) Attach(_ context.Context, wake ipc.Handle, bits uint64, layout uint32) (memory, signal ipc.Handle, err error) {
	client := object.Notification(wake.Handle)
	if layout != ring.Layout {
		return memory, signal, errors.Join(abi.ENOTSUP, client.Close())
	}
	if err := client.Signal(bits); err != nil {
		return memory, signal, errors.Join(abi.EINVAL, client.Close())
	}
	if s.client != 0 {
		_ = s.client.Close()
	}
	s.client, s.bits = client, bits
	const share = abi.RightDuplicate | abi.RightTransfer
	return ipc.Copy(s.rings, share|abi.RightRead|abi.RightWrite), ipc.Copy(s.signal, share|abi.RightWrite), nil
}

// Watch is for streams.Driver: the kernel answers it. A client that attached to the last driver, which died
// before it received this, is told at once.
func (s *service) Watch(ctx context.Context) error {
	if s.client == 0 {
		return abi.ECONNRESET
	}
	ipc.Keep(ctx)
	return ipc.ErrKept
}

// Drain is for streams.Driver.
func (s *service) Drain(ctx context.Context) error {
	k := ipc.Keep(ctx)
	s.drain(func() { k.Done() })
	s.move()
	return ipc.ErrKept
}

// happened handles bits of the notification.
func (s *service) happened(bits uint64) {
	if err := s.loop.Handle(bits); err != nil {
		s.end(s.failed(err))
		return
	}
	s.move()
}

// move does the work, and wakes who is to be woken.
func (s *service) move() {
	more, err := s.work()
	if err != nil {
		s.end(err)
		return
	}
	if more {
		_ = s.note.Signal(streams.DriverBit)
	}
	if s.wake && s.client != 0 {
		_ = s.client.Signal(s.bits)
	}
	s.wake = false
}

func (s *service) end(err error) {
	s.err = errors.Join(s.err, err)
	s.server.Shutdown()
}

// Run is the program.
func Run(args []string) error {
	if len(args) > 0 {
		return errors.New("there are no arguments")
	}
	s := &service{
		mover: &mover{said: func(text string) { _, _ = sys.Stream(2).Write([]byte("streams: " + text + "\n")) }, pause: time.Sleep},
	}
	if err := s.takeOver(); err != nil {
		return err
	}
	s.server = ipc.Server{
		Endpoint: ipc.Endpoint(object.Given(driver.GivenEndpoint)), Service: streams.DriverService(s),
		Notification: s.note, OnBits: s.happened, Alone: true,
	}
	return errors.Join(s.server.Serve(context.Background()), s.err)
}

// takeOver takes the device over. The line may be raised, and masked, as the last driver left it:
// it is looked at once, whether or not it is signalled.
func (s *service) takeOver() error {
	parts, _, err := driver.TakeGivenKept() // one that is not as it was says so itself
	if err != nil {
		return err
	}
	own, err := driver.DMA(driver.Memory(0))
	if err != nil {
		return err
	}
	rings, err := driver.DMA(driver.Memory(1))
	if err != nil {
		return err
	}
	s.rings = object.Handle(driver.Memory(1))
	if s.note, err = object.NewNotification(); err != nil {
		return err
	}
	if s.signal, err = object.Mint(object.Handle(s.note), abi.RightWrite|abi.RightDuplicate|abi.RightTransfer, streams.DriverBit); err != nil {
		return err
	}
	if err := s.start(parts.Transport, rings, own); err != nil {
		return err
	}
	nothing := func(virtio.Cause) error { return nil } // move looks at all
	if s.loop, err = parts.Listen(s.note, time.Hour, s.device, nothing); err != nil {
		return err
	}
	s.happened(driver.BitInterrupt)
	return s.err
}
