// SPDX-License-Identifier: Apache-2.0

package virtio

import "errors"

// KeptQueue is a split queue for a device that uses buffers in the order in which they were offered, as
// one with a stream does. All that is to be known of it lies in its memory, so a driver that is
// started again, in whose hands that memory comes, can go on with it while the device is at work
// (Device.Adopt): what was used meanwhile counts, what is in flight stays so.
//
// Buffers have numbers, modulo 65536, in the order in which they are offered. Buffer n is descriptor
// n modulo the size, alone: so the ring of available descriptors is written once and never again, and what
// the driver says to the device is one word, how many buffers there are (Offer). A driver that was killed
// before that store has said nothing, one that was killed after it has said all.
//
// It needs VIRTIO_F_EVENT_IDX: without it the word that offers buffers says whether interrupts are wanted,
// too. It belongs to one goroutine at a time.
type KeptQueue struct {
	config  QueueConfig
	memory  Memory
	areas   areas
	offered uint16
	used    uint16 // that were looked at
	failed  error
}

// KeptQueueBytes tells how much memory a queue of a size takes.
func KeptQueueBytes(size int) int { return QueueConfig{Size: size}.Bytes() }

func newKept(index, size int, m Memory) (*KeptQueue, error) {
	c := QueueConfig{Index: index, Size: size, EventIndex: true}
	a := c.areas()
	if err := c.check(); err != nil || size < 2 || m.Size() < a.size {
		return nil, ErrMemory
	}
	return &KeptQueue{config: c, memory: m, areas: a}, nil
}

// NewKeptQueue makes a queue of just that many entries, a power of two from 2 on, in memory of
// KeptQueueBytes. The device was opened, and not started yet.
func (d *Device) NewKeptQueue(index, size int, m Memory) (*KeptQueue, error) {
	most, err := d.transport.QueueMax(index)
	if err != nil {
		return nil, err
	}
	if most < size {
		return nil, ErrMemory
	}
	q, err := newKept(index, size, m)
	if err != nil {
		return nil, err
	}
	if !d.Has(FeatureEventIndex) || d.Has(FeatureRingPacked) {
		return nil, ErrFeatures
	}
	clear(m.bytes[:q.areas.size])
	a := m.address
	if err := d.transport.Enable(index, size, a+uint64(q.areas.descriptors), a+uint64(q.areas.driver), a+uint64(q.areas.device)); err != nil {
		return nil, err
	}
	for i := range size {
		m.put16(q.areas.driver+splitHeader+2*i, uint16(i))
	}
	q.Arm(q.used - 1)
	return q, nil
}

// Adopt takes a device over that is at work, without a reset: features are those that were agreed upon
// when it was opened. ErrNotKept: it isn't at work, or not well.
func Adopt(t Transport, id uint32, features uint64) (*Device, error) {
	const working = StatusAcknowledge | StatusDriver | StatusFeaturesOK | StatusDriverOK
	if t.ID() != id {
		return nil, ErrNotVirtio
	}
	if t.Status() != working || features&FeatureVersion1 == 0 || t.Offered()&features != features {
		return nil, ErrNotKept
	}
	return &Device{transport: t, features: features, status: working}, nil
}

// AdoptQueue goes on with a queue of an adopted device, which NewKeptQueue made in the same memory.
// ErrNotKept: what is there isn't one.
func (d *Device) AdoptQueue(index, size int, m Memory) (*KeptQueue, error) {
	q, err := newKept(index, size, m)
	if err != nil {
		return nil, err
	}
	if !inUse(d.transport, index) {
		return nil, ErrNotKept
	}
	if err := d.transport.Resume(index); err != nil {
		return nil, err
	}
	q.offered = uint16(m.load(q.areas.driver) >> idxShift)
	q.used = uint16(m.load(q.areas.device) >> idxShift)
	if !d.Has(FeatureEventIndex) || d.Has(FeatureRingPacked) || q.InFlight() > size {
		return nil, ErrNotKept
	}
	return q, nil
}

// inUse reports whether the device says that a queue is in use.
func inUse(t Transport, index int) bool {
	var e *DeviceError
	_, err := t.QueueMax(index)
	return errors.As(err, &e) && e.Fault == FaultQueueInUse
}

// Size gives how many entries there are.
func (q *KeptQueue) Size() int { return q.config.Size }

// Offered gives the number of the buffer that is offered next.
func (q *KeptQueue) Offered() uint16 { return q.offered }

// Used gives the number of the first buffer that wasn't used when Look looked last, or when
// the queue was adopted.
func (q *KeptQueue) Used() uint16 { return q.used }

// InFlight gives how many buffers the device has, as far as is known.
func (q *KeptQueue) InFlight() int { return int(q.offered - q.used) }

// Set writes the buffer with a number, which is to be offered: one element, which the device writes, or
// reads. At most Size are in flight.
func (q *KeptQueue) Set(n uint16, e Element, write bool) {
	flags := uint16(0)
	if write {
		flags = descWrite
	}
	b := q.memory.bytes[q.areas.descriptors+descriptorSize*q.slot(n):]
	m := Memory{bytes: b[:descriptorSize]}
	m.put64(0, e.address)
	m.put64(8, uint64(e.length)|uint64(flags)<<32)
}

func (q *KeptQueue) slot(n uint16) int { return int(n) & (q.config.Size - 1) }

// Offer offers the next n buffers, which Set has written, and reports whether the device wants to be
// notified (Device.Notify).
func (q *KeptQueue) Offer(n int) (notify bool) {
	old := q.offered
	q.offered += uint16(n)
	q.memory.store(q.areas.driver, uint32(q.offered)<<idxShift)
	event := q.memory.load(q.areas.device + splitHeader + usedEntrySize*q.config.Size)
	return needEvent(uint16(event), q.offered, old)
}

// Look looks which buffers the device has used, and gives what Used gives then.
func (q *KeptQueue) Look() (used uint16, err error) {
	if q.failed != nil {
		return q.used, q.failed
	}
	idx := uint16(q.memory.load(q.areas.device) >> idxShift)
	if n := idx - q.used; int(n) > q.InFlight() {
		return q.used, q.fail(FaultUsedIndex, uint64(idx), uint64(q.offered))
	}
	for n := q.used; n != idx; n++ {
		if id := q.memory.load(q.entry(n)); id != uint32(q.slot(n)) { // or out of order
			return q.used, q.fail(FaultID, uint64(id), uint64(q.slot(n)))
		}
	}
	q.used = idx
	return idx, nil
}

func (q *KeptQueue) entry(n uint16) int {
	return q.areas.device + splitHeader + usedEntrySize*q.slot(n)
}

// Length gives how many bytes the device has written to a buffer that was used, and whose number
// no other has been given since; at most most.
func (q *KeptQueue) Length(n uint16, most uint32) (uint32, error) {
	length := q.memory.load(q.entry(n) + 4)
	if length > most {
		return 0, q.fail(FaultLength, uint64(length), uint64(most))
	}
	return length, nil
}

// Arm asks for an interrupt when the device uses the buffer with a number. Of one that was used already
// there is none: who has asked looks again.
func (q *KeptQueue) Arm(n uint16) {
	q.memory.store(q.areas.driver+splitHeader+2*q.config.Size, uint32(n))
}

func (q *KeptQueue) fail(f Fault, got, limit uint64) error {
	if q.failed == nil {
		q.failed = &DeviceError{Fault: f, Queue: q.config.Index, Got: got, Limit: limit}
	}
	return q.failed
}

// Notify rings the doorbell of a queue.
func (d *Device) Notify(index int) { d.transport.Notify(index) }

// Features gives what was agreed upon, for Adopt.
func (d *Device) Features() uint64 { return d.features }

// Part gives n bytes from an offset on, as they are; ok if they are within the memory.
func (m Memory) Part(at, n int) (part Memory, ok bool) {
	if at < 0 || n < 0 || at > m.Size() || n > m.Size()-at {
		return Memory{}, false
	}
	return Memory{m.bytes[at : at+n : at+n], m.address + uint64(at)}, true
}

// Address gives the physical address.
func (m Memory) Address() uint64 { return m.address }
