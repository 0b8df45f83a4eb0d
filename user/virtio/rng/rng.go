// SPDX-License-Identifier: Apache-2.0

// Package rng is the protocol of the virtio entropy device (5.4): one queue, into which
// the driver puts buffers and from which it gets random bytes.
//
// One request is in flight at most, so a device that answers without end is asked no
// faster than its bytes are taken. What the device gives is no better than its host:
// mix it with what else there is.
//
// Source: OASIS, Virtual I/O Device (VIRTIO) Version 1.2, section 5.4.
package rng

import (
	"errors"

	"loam/user/virtio"
)

// requestq is the only queue (5.4.2).
const requestq = 0

// BufferSize is how many bytes are asked for at once.
const BufferSize = 256

// Source is an entropy device. It belongs to one goroutine at a time.
type Source struct {
	device *virtio.Device
	queue  *virtio.Queue
	buffer virtio.Memory
	room   [1]virtio.Element
	asked  bool
}

// Open takes the device over, with queue and buffer in memory of the arena: 4 KiB are
// enough.
func Open(t virtio.Transport, a *virtio.Arena) (*Source, error) {
	d, err := virtio.Open(t, virtio.Want{ID: virtio.DeviceEntropy})
	if err != nil {
		return nil, err
	}
	s := &Source{device: d}
	if err := s.setUp(a); err != nil {
		return nil, errors.Join(err, d.Fail())
	}
	d.Start()
	return s, nil
}

func (s *Source) setUp(a *virtio.Arena) (err error) {
	if s.queue, err = s.device.Queue(requestq, 2, 0, a); err != nil {
		return err
	}
	if s.buffer, err = a.Cut(BufferSize); err != nil {
		return err
	}
	s.room[0] = s.buffer.Element(0, BufferSize)
	return nil
}

// Device gives the device, for Interrupt and Reset.
func (s *Source) Device() *virtio.Device { return s.device }

// Ask asks for random bytes, unless that has been done.
func (s *Source) Ask() error {
	if s.asked {
		return nil
	}
	if _, err := s.queue.Add(nil, s.room[:]); err != nil {
		return err
	}
	s.asked = true
	if _, err := s.queue.Arm(); err != nil {
		return err
	}
	return s.device.Kick(s.queue)
}

// Take copies what the device has answered to b and gives its length, 0 if it hasn't yet.
// What finds no room in b is lost. A device that answers with nothing breaks the
// protocol (5.4.6.2).
func (s *Source) Take(b []byte) (n int, err error) {
	u, ok, err := s.queue.Used()
	if err != nil || !ok {
		return 0, err
	}
	s.asked = false
	if u.Length == 0 {
		return 0, s.queue.Broken(0, BufferSize)
	}
	n = copy(b, s.buffer.Bytes()[:u.Length])
	clear(s.buffer.Bytes()) // nobody else is to see them
	return n, nil
}
