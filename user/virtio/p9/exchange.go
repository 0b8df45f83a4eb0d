// SPDX-License-Identifier: Apache-2.0

package p9

import (
	"loam/user/ninep"
	"loam/user/sys"
	"loam/user/virtio"
)

// MaxMessage gives the size of the largest message, which has Options.Message bytes of data.
func (d *Device) MaxMessage() uint32 { return uint32(d.message + overhead) }

// Room tells how many bytes of data one message carries: fewer where they need a buffer.
func (d *Device) Room(p []byte) int {
	if d.elsewhere(p) {
		return d.data
	}
	return d.message
}

// Memory gives memory of the arena for a client's fields.
func (d *Device) Memory(n int) ([]byte, error) { return d.Data(n) }

// Data gives memory of the arena for data, which need not be copied then.
func (d *Device) Data(n int) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	m, err := d.arena.Cut(n)
	if err != nil {
		return nil, err
	}
	d.regions = append(d.regions, m)
	return m.Bytes(), nil
}

// Share has data that lies in this memory, which the arena hasn't, go without a copy, too.
func (d *Device) Share(m virtio.Memory) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.regions = append(d.regions, m)
}

// Forget has nothing to do: the device gives back the buffer of a flushed request, too.
func (d *Device) Forget(*ninep.Exchange) {}

// Start gives an exchange to the device. It waits for a buffer, if its data needs one and
// others have them all.
func (d *Device) Start(x *ninep.Exchange) error {
	buffer := noBuffer
	if d.elsewhere(x.Request[1]) || d.elsewhere(x.Reply[1]) {
		var err error
		if buffer, err = d.takeBuffer(x); err != nil {
			return err
		}
		copy(d.buffer(buffer), x.Request[1])
	}
	err := d.start(x, buffer)
	if err != nil && buffer != noBuffer {
		d.free <- buffer
	}
	return err
}

// elsewhere reports whether data is in memory that the device doesn't reach.
func (d *Device) elsewhere(data []byte) bool {
	if len(data) == 0 {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	_, ok := d.element(data)
	return !ok
}

// takeBuffer takes a buffer for an exchange's data, which is a request's or a reply's.
func (d *Device) takeBuffer(x *ninep.Exchange) (int, error) {
	switch {
	case cap(d.free) == 0 || len(x.Request[1]) > 0 && len(x.Reply[1]) > 0:
		return noBuffer, ErrMemory
	case len(x.Request[1]) > d.data || len(x.Reply[1]) > d.data:
		return noBuffer, ErrRoom
	}
	select {
	case i := <-d.free:
		return i, nil
	case <-d.ended:
		return noBuffer, d.Err()
	}
}

// start makes a buffer of the queue of an exchange. From Kick on the device has it.
func (d *Device) start(x *ninep.Exchange, buffer int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return d.err
	}
	pieces := [elements][]byte{x.Request[0], x.Request[1], x.Reply[0], x.Reply[1]}
	n, readable := 0, 0
	for i, piece := range pieces {
		if i == 2 {
			readable = n
		}
		if len(piece) == 0 {
			continue
		}
		e, ok := d.element(piece)
		if i&1 != 0 && buffer != noBuffer {
			e, ok = d.buffers.Element(buffer*d.data, len(piece)), true
		}
		if !ok {
			return ErrMemory
		}
		d.chain[n] = e
		n++
	}
	id, err := d.queue.Add(d.chain[:readable], d.chain[readable:n])
	if err != nil {
		return err
	}
	d.under[id] = under{x: x, buffer: buffer, since: d.ticks}
	return d.device.Kick(d.queue)
}

// element gives the element that bytes are, ok if they are memory that was given out. It is
// called with the mutex.
func (d *Device) element(b []byte) (virtio.Element, bool) {
	for _, m := range d.regions {
		at := sys.Address(b) - sys.Address(m.Bytes())
		if n := uint64(m.Size()); at < n && uint64(len(b)) <= n-at {
			return m.Element(int(at), len(b)), true
		}
	}
	return virtio.Element{}, false
}
