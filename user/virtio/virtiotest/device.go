// SPDX-License-Identifier: Apache-2.0

package virtiotest

import (
	"fmt"
	"slices"
)

// Bits of the device status field (2.1).
const (
	acknowledge = 1
	driver      = 2
	driverOK    = 4
	featuresOK  = 8
	needsReset  = 64
)

// Device is a device, whatever the transport. It does its work when it is notified, in
// the notifier's goroutine.
type Device struct {
	Type     uint32
	Guest    Guest
	Features uint64 // that it offers
	Refuse   uint64 // of which it takes none, when it comes to it
	Max      []int  // the most entries of each queue
	Config   []byte // device-specific configuration
	// Serve does what a buffer asks for, and gives how many bytes it has written; with
	// done false the device keeps the buffer, until Finish.
	Serve func(queue int, c Chain) (length int, done bool)
	// Written is told of writes to the configuration; nil: nobody cares.
	Written func(at, n int)
	Asleep  bool  // it does nothing when it is notified
	Err     error // the first thing that the driver did wrong

	Accepted   uint64
	Generation uint32
	status     uint8
	causes     uint8
	queues     []queue
	Notified   int // how often
}

type queue struct {
	size, enabled               int
	descriptors, driver, device uint64
	vector                      uint16
	ring                        *Ring
	active                      bool
}

// wrong notes what the driver did wrong.
func (d *Device) wrong(format string, args ...any) {
	if d.Err == nil {
		d.Err = fmt.Errorf(format, args...)
	}
}

// setStatus is a write of the status field.
func (d *Device) setStatus(v uint8) {
	if v == 0 {
		d.Accepted, d.status, d.causes = 0, 0, 0
		d.queues = make([]queue, len(d.Max))
		for i := range d.queues {
			d.queues[i] = queue{size: d.Max[i], vector: 0xffff}
		}
		return
	}
	if d.status&^v&^needsReset != 0 {
		d.wrong("status %#x, with less than %#x", v, d.status)
	}
	if v&driver != 0 && v&acknowledge == 0 || v&featuresOK != 0 && v&driver == 0 || v&driverOK != 0 && v&featuresOK == 0 {
		d.wrong("status %#x, out of order", v)
	}
	if v&featuresOK != 0 && d.status&featuresOK == 0 && (d.Accepted&^d.Features != 0 || d.Accepted&d.Refuse != 0 || d.Accepted&(1<<32) == 0) {
		v &^= featuresOK
	}
	d.status = v | d.status&needsReset
}

// accept is a write of 32 features.
func (d *Device) accept(i, v uint32) {
	if d.status&featuresOK != 0 {
		d.wrong("features after FEATURES_OK")
	}
	if i < 2 {
		d.Accepted = d.Accepted&^(0xffffffff<<(32*i)) | uint64(v)<<(32*i)
	}
}

// offered is a read of 32 features.
func (d *Device) offered(i uint32) uint32 {
	if i > 1 {
		return 0
	}
	return uint32(d.Features >> (32 * i))
}

// queue gives the queue that is selected; one that doesn't exist is a queue of its own.
func (d *Device) queue(i uint32) *queue {
	if i >= uint32(len(d.queues)) {
		return &queue{}
	}
	return &d.queues[i]
}

// enable begins a queue.
func (d *Device) enable(i uint32) {
	q := d.queue(i)
	if d.status&featuresOK == 0 || d.status&driverOK != 0 || q.enabled != 0 || int(i) >= len(d.Max) || q.size > d.Max[i] {
		d.wrong("queue %d of %d entries enabled, at status %#x", i, q.size, d.status)
		return
	}
	q.enabled = 1
	q.ring = &Ring{Guest: d.Guest, Size: q.size, Packed: d.Accepted>>34&1 != 0, EventIndex: d.Accepted>>29&1 != 0, Indirect: d.Accepted>>28&1 != 0,
		Descriptors: q.descriptors, Driver: q.driver, Device: q.device}
	if err := q.ring.Start(); err != nil {
		d.wrong("queue %d: %v", i, err)
		q.ring = nil
	}
}

// notify is the driver's doorbell.
func (d *Device) notify(i uint32) {
	if d.status&driverOK == 0 || d.queue(i).ring == nil {
		d.wrong("queue %d notified, at status %#x", i, d.status)
		return
	}
	d.Notified++
	q := d.queue(i)
	if d.Asleep || q.active { // by a Serve that has the driver do something
		return
	}
	q.active = true
	d.work(int(i), q)
	q.active = false
}

// work takes what is available, with notifications off, until there is nothing more.
func (d *Device) work(i int, q *queue) {
	q.ring.Listen(false)
	for listening := false; ; {
		c, ok, err := q.ring.Next()
		if err != nil {
			d.wrong("queue %d: %v", i, err)
			return
		}
		if ok {
			if n, done := d.Serve(i, c); done {
				d.Finish(i, c, n)
			}
			continue
		}
		if listening {
			return
		}
		q.ring.Listen(true)
		listening = true
	}
}

// Finish gives a buffer back, and notifies the driver if that wants.
func (d *Device) Finish(i int, c Chain, length int) {
	r := d.queues[i].ring
	r.Use(c, length)
	if r.Interrupts() {
		d.causes |= 1
	}
}

// Change changes the configuration, and notifies the driver.
func (d *Device) Change(f func(config []byte)) {
	f(d.Config)
	d.Generation++
	d.causes |= 2
}

// Break has the device say that it needs a reset.
func (d *Device) Break() {
	d.status |= needsReset
	d.causes |= 2
}

// Pending reports whether the device has its interrupt raised.
func (d *Device) Pending() bool { return d.causes != 0 }

// readConfig and writeConfig are accesses to the configuration.
func (d *Device) readConfig(at, n int) (v uint32) {
	if at < 0 || at+n > len(d.Config) || at%n != 0 {
		d.wrong("%d bytes at %d of the configuration, which has %d", n, at, len(d.Config))
		return 0
	}
	for i, b := range d.Config[at : at+n] {
		v |= uint32(b) << (8 * i)
	}
	return v
}

func (d *Device) writeConfig(at, n int, v uint32) {
	if at < 0 || at+n > len(d.Config) || at%n != 0 || d.Written == nil {
		d.wrong("%d bytes written at %d of the configuration, which has %d", n, at, len(d.Config))
		return
	}
	for i := range n {
		d.Config[at+i] = byte(v >> (8 * i))
	}
	d.Written(at, n)
}

// half sets one half of an address.
func half(a *uint64, upper bool, v uint32) {
	if upper {
		*a = *a&0xffffffff | uint64(v)<<32
	} else {
		*a = *a&^0xffffffff | uint64(v)
	}
}

// MMIO is a Device behind registers (4.2).
type MMIO struct {
	*Device
	Version                                 uint32 // 2, or 1 for a legacy device
	deviceSelect, driverSelect, queueSelect uint32
}

// NewMMIO makes one, after its reset.
func NewMMIO(d *Device) *MMIO {
	d.setStatus(0)
	return &MMIO{Device: d, Version: 2}
}

// Size is for virtio.Registers, and so are the others.
func (m *MMIO) Size() int { return 0x100 + len(m.Config) }

// Read32 reads a control register or a part of the configuration.
func (m *MMIO) Read32(at int) uint32 {
	q := m.queue(m.queueSelect)
	switch at {
	case 0x00:
		return 0x74726976
	case 0x04:
		return m.Version
	case 0x08:
		return m.Type
	case 0x10:
		return m.offered(m.deviceSelect)
	case 0x34:
		if m.queueSelect < uint32(len(m.Max)) {
			return uint32(m.Max[m.queueSelect])
		}
		return 0
	case 0x44:
		return uint32(q.enabled)
	case 0x60:
		return uint32(m.causes)
	case 0x70:
		return uint32(m.status)
	case 0xfc:
		return m.Generation
	}
	if at < 0x100 {
		m.wrong("register %#x read", at)
		return 0
	}
	return m.readConfig(at-0x100, 4)
}

// Write32 writes a control register or a part of the configuration.
func (m *MMIO) Write32(at int, v uint32) {
	q := m.queue(m.queueSelect)
	if slices.Contains([]int{0x38, 0x80, 0x84, 0x90, 0x94, 0xa0, 0xa4}, at) && q.enabled != 0 {
		m.wrong("register %#x of a queue in use written", at)
	}
	switch at {
	case 0x14:
		m.deviceSelect = v
	case 0x20:
		m.accept(m.driverSelect, v)
	case 0x24:
		m.driverSelect = v
	case 0x30:
		m.queueSelect = v
	case 0x38:
		q.size = int(v)
	case 0x44:
		m.enable(m.queueSelect)
	case 0x50:
		m.notify(v)
	case 0x64:
		if v&^3 != 0 {
			m.wrong("acknowledgement %#x", v)
		}
		m.causes &^= uint8(v)
	case 0x70:
		m.setStatus(uint8(v))
	case 0x80, 0x84:
		half(&q.descriptors, at&4 != 0, v)
	case 0x90, 0x94:
		half(&q.driver, at&4 != 0, v)
	case 0xa0, 0xa4:
		half(&q.device, at&4 != 0, v)
	default:
		if at < 0x100 {
			m.wrong("register %#x written", at)
			return
		}
		m.writeConfig(at-0x100, 4, v)
	}
}

// Read8 reads of the configuration.
func (m *MMIO) Read8(at int) uint8 { return uint8(m.readConfig(at-0x100, 1)) }

// Read16 reads of the configuration.
func (m *MMIO) Read16(at int) uint16 { return uint16(m.readConfig(at-0x100, 2)) }

// Write8 writes to the configuration.
func (m *MMIO) Write8(at int, v uint8) { m.writeConfig(at-0x100, 1, uint32(v)) }

// Write16 writes to the configuration.
func (m *MMIO) Write16(at int, v uint16) { m.writeConfig(at-0x100, 2, uint32(v)) }
