// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"context"
	"errors"
	"sync"
	"syscall"

	"loam/abi"
	"loam/user/ipc"
	"loam/user/object"
	"loam/user/streams/ring"
)

// session is what connects Streams to the driver.
type session struct {
	*Streams
	driver Driver
	wake   object.Notification
	bit    uint64 // of wake: the driver signals it, and watch when there is none any more
	mem    []byte

	mu    sync.RWMutex
	other object.Notification // guarded by mu: the driver's, 0: none yet
}

// DriverBit is the bit of the notification that Driver.Attach gives.
const DriverBit = 1 << 2

// Open attaches to the driver that serves an endpoint, and waits until the host has said what the
// streams are. Only one is attached to a driver: the last. The streams are there until the
// process ends. Errors: ECONNREFUSED there is no driver any more; what Driver.Attach has;
// the kernel's.
func Open(endpoint ipc.Endpoint) (*Streams, error) {
	n, err := object.NewNotification()
	if err != nil {
		return nil, err
	}
	c, err := open(endpoint, n, 1)
	if err != nil {
		return nil, err
	}
	go c.wait()
	return c.Streams, c.AwaitFacts()
}

// OpenWith is Open for who waits for other things besides: when a bit of its notification is
// signalled it calls Wake. It may be bound to a thread after this.
func OpenWith(endpoint ipc.Endpoint, wake object.Notification, bit uint64) (*Streams, error) {
	c, err := open(endpoint, wake, bit)
	if err != nil {
		return nil, err
	}
	for !c.factsKnown() {
		if _, err := wake.Wait(bit, object.Forever); err != nil {
			return nil, err
		}
		c.Wake()
	}
	return c.Streams, c.Failure()
}

func open(endpoint ipc.Endpoint, wake object.Notification, bit uint64) (*session, error) {
	c := &session{driver: NewDriverClient(endpoint), wake: wake, bit: bit}
	if err := c.attach(); err != nil {
		return nil, err
	}
	c.Streams = New(c.mem, c.signal)
	c.signal() // for Hello
	go c.watch()
	return c, nil
}

// signal signals the driver. One that has died hears of everything by the attach to the next.
func (c *session) signal() {
	c.mu.RLock()
	defer c.mu.RUnlock()
	_ = c.other.Signal(DriverBit)
}

// attach attaches to the driver, or the next instance of it.
func (c *session) attach() error {
	mine, err := object.Mint(object.Handle(c.wake), abi.RightWrite|abi.RightTransfer|abi.RightDuplicate, c.bit)
	if err != nil {
		return err
	}
	defer func() { _ = object.Close(mine) }()
	var memory, signal ipc.Handle
	for {
		memory, signal, err = c.driver.Attach(context.Background(), ipc.Copy(mine, abi.RightWrite|abi.RightTransfer|abi.RightDuplicate), c.bit, ring.Layout)
		if !errors.Is(err, syscall.ECONNRESET) {
			break
		}
	}
	if err != nil {
		return err
	}
	c.mu.Lock()
	old := c.other
	c.other = object.Notification(signal.Handle)
	c.mu.Unlock()
	if old != 0 {
		_ = old.Close()
	}
	if c.mem == nil {
		at, err := object.Here.Map(object.Memory(memory.Handle), 0, 0, uint64(ring.Size), abi.PROT_READ|abi.PROT_WRITE)
		if err != nil {
			return err
		}
		c.mem = object.Bytes(at, uint64(ring.Size))
	}
	return object.Close(memory.Handle)
}

// watch learns of the driver's death, and attaches to the next.
func (c *session) watch() {
	for {
		err := c.driver.Watch(context.Background())
		if errors.Is(err, syscall.ECONNRESET) {
			err = c.attach()
		}
		if err == nil {
			c.signal()
			_ = c.wake.Signal(c.bit) // the last one may have died before it did
			continue
		}
		c.Streams.mu.Lock()
		c.fail(errors.Join(ErrEnded, err))
		c.Streams.mu.Unlock()
		_ = c.wake.Signal(c.bit)
		return
	}
}

// wait has what the driver does looked at.
func (c *session) wait() {
	for c.Failure() == nil {
		if _, err := c.wake.Wait(c.bit, object.Forever); err != nil {
			c.Fail(err)
			return
		}
		c.Wake()
	}
	c.Wake()
}
