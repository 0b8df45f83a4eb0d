// SPDX-License-Identifier: Apache-2.0

package netd

import (
	"context"
	"errors"
	"runtime"
	"runtime/debug"
	"time"

	"loam/abi"
	"loam/user/ipc"
	"loam/user/object"
	"loam/user/sockets"
	"loam/user/virtio"
	"loam/user/virtio/driver"
	vnet "loam/user/virtio/net"
)

const (
	// limit is how long the device may be silent. Nothing that it is asked has a time, so it is never over.
	limit = time.Minute
	// graceOfRouters is how long an IPv6 router may take to be heard of before the network is said to be there.
	graceOfRouters = 300 * time.Millisecond
	// frameRoom is what a frame takes that isn't cut.
	frameRoom = 2048
	// rings is how many buffers there are in all queues of a kind.
	rings = 256
	// pairs is how many pairs of queues are used at most: a device that has several may serve them at the same time.
	pairs = 4
)

// cardOptions are those of the device, for which the manifest gives memory: 1,280 KiB.
func cardOptions() vnet.Options {
	return vnet.Options{Pairs: pairs, Receive: rings, Transmit: rings, Buffer: frameRoom}
}

// Run is the program: a device's driver, with the stack over it.
func Run(args []string) error {
	if len(args) > 0 {
		return errors.New(args[0] + ": there are no arguments")
	}
	runtime.GOMAXPROCS(1) // what changes threads for each packet is slower on any number of CPUs
	memory := ownMemory()
	debug.SetMemoryLimit(int64(memory / 8 * 7)) // the runtime's own limit is one that it only heeds
	failed := make(chan error, 4)
	fail := func(err error) {
		select {
		case failed <- err:
		default: // there is a cause already
		}
	}
	d, err := open(fail)
	if err != nil {
		return err
	}
	n, err := newNetwork(d.link, memoryFor(memory))
	if err != nil {
		return errors.Join(err, d.card.Device().Reset())
	}
	s := serverOf(n, customerOf)
	s.into = make([]byte, 0, sockets.MaxData) // one receiver handles all calls
	receiver := ipc.Server{
		Endpoint: ipc.Endpoint(object.Given(driver.GivenEndpoint)), Service: sockets.SocketsService(s),
		Notification: d.note, OnBits: d.happened(fail), Alone: true, Yields: true,
	}
	go n.configure(context.Background(), newClient(d.link), nil, func(error) { n.settle(false) })
	time.AfterFunc(graceOfRouters, func() { n.settle(true) })
	if err := d.link.arrived(true); err != nil { // nothing has asked for an interrupt yet
		fail(err)
	}
	go func() { fail(receiver.Serve(context.Background())) }()
	// What is on the way is lost, as by a network: the next instance begins with the device anew.
	return errors.Join(<-failed, d.card.Device().Reset())
}

// device is the device with what it is heard by.
type device struct {
	card *vnet.Card
	link *link
	note object.Notification
	loop *driver.Loop
}

// open opens the device, and has what concerns it signalled.
func open(fail func(error)) (*device, error) {
	parts, err := driver.TakeGiven()
	if err != nil {
		return nil, err
	}
	d := &device{}
	if d.card, err = vnet.Open(parts.Transport, parts.Arena, cardOptions()); err != nil {
		return nil, err
	}
	d.link = newLink(d.card, fail)
	if d.note, err = object.NewNotification(); err != nil {
		return nil, err
	}
	arrived := func(c virtio.Cause) error { return d.link.arrived(c&virtio.CauseConfig != 0) }
	d.loop, err = parts.Listen(d.note, limit, d.card.Device(), arrived)
	return d, err
}

// happened handles bits of the notification, until the device fails.
func (d *device) happened(fail func(error)) func(bits uint64) {
	return func(bits uint64) {
		if err := d.loop.Handle(bits); err != nil {
			fail(err)
		}
	}
}

// customerOf makes use of what a client has given.
func customerOf(process, wake ipc.Handle, bits uint64, ended func()) (peer, error) {
	signal := object.Notification(wake.Handle)
	const size = sockets.EventsSize
	memory, err := object.NewNamedMemory(size, "socket events")
	if err != nil {
		return peer{}, errors.Join(err, object.Close(process.Handle), signal.Close())
	}
	at, err := object.Here.Map(memory, 0, 0, size, abi.PROT_READ|abi.PROT_WRITE)
	if err != nil {
		return peer{}, errors.Join(err, object.Close(process.Handle), memory.Close(), signal.Close())
	}
	if err = object.Process(process.Handle).OnEnd(ended); err != nil {
		return peer{}, errors.Join(err, object.Here.Unmap(at, size), memory.Close(), signal.Close())
	}
	return peer{
		events: object.Bytes(at, size),
		handle: ipc.Copy(object.Handle(memory), abi.RightRead|abi.RightTransfer|abi.RightDuplicate),
		wake:   func() { _ = signal.Signal(bits) },
		close:  func() { _ = errors.Join(object.Here.Unmap(at, size), memory.Close(), signal.Close()) },
	}, nil
}
