// SPDX-License-Identifier: Apache-2.0

package console

import "loam/user/virtio"

// stream is a queue with buffers of one size, by slots.
type stream struct {
	device *virtio.Device
	queue  *virtio.Queue
	memory virtio.Memory
	size   int      // bytes of a slot
	byID   []uint16 // the slot of a buffer
}

func (s *stream) open(d *virtio.Device, index int, o Options, a *virtio.Arena) (err error) {
	s.device, s.size = d, o.BufferSize
	if s.queue, err = d.Queue(index, o.Buffers, 0, a); err != nil {
		return err
	}
	s.byID = make([]uint16, s.queue.Size())
	s.memory, err = a.Cut(o.BufferSize * s.queue.Size())
	return err
}

// slots tells how many buffers there are.
func (s *stream) slots() int { return len(s.byID) }

func (s *stream) bytes(slot uint16) []byte { return s.memory.Bytes()[int(slot)*s.size:][:s.size] }

// input is a receiveq (5.3.2): all of its slots are with the device but the one that
// is being read, and those that wait to be.
type input struct {
	stream
	slot    uint16 // that is being read
	at, end int    // what of it has not been read
	reading bool
	waiting bool // slots were given back, and the device doesn't know
}

// fill gives the device all slots; it learns of them by kick.
func (in *input) fill() error {
	for i := range in.slots() {
		if err := in.give(uint16(i)); err != nil {
			return err
		}
	}
	return nil
}

// give gives the device a slot.
func (in *input) give(slot uint16) error {
	room := [1]virtio.Element{in.memory.Element(int(slot)*in.size, in.size)}
	id, err := in.queue.Add(nil, room[:])
	if err != nil {
		return err
	}
	in.byID[id] = slot
	in.waiting = true
	return nil
}

func (in *input) kick() error {
	in.waiting = false
	return in.device.Kick(in.queue)
}

// next begins to read the next buffer that has come, if there is one.
func (in *input) next() (ok bool, err error) {
	u, ok, err := in.queue.Used()
	if err != nil || !ok {
		return false, err
	}
	in.slot, in.at, in.end, in.reading = in.byID[u.ID], 0, int(u.Length), true
	return true, nil
}

// rest gives what has not been read of the buffer that is being read.
func (in *input) rest() []byte { return in.bytes(in.slot)[in.at:in.end] }

// done gives the buffer that was being read back to the device.
func (in *input) done() error {
	in.reading = false
	return in.give(in.slot)
}

// read copies what has come to b. It looks at each buffer once at most, so a device
// that sends as fast as it is read holds nobody up.
func (in *input) read(b []byte) (n int, err error) {
	for range in.slots() {
		if n == len(b) {
			break
		}
		if !in.reading {
			if ok, err := in.next(); err != nil {
				return n, err
			} else if !ok {
				break
			}
		}
		k := copy(b[n:], in.rest())
		n, in.at = n+k, in.at+k
		if in.at < in.end {
			break
		}
		if err := in.done(); err != nil {
			return n, err
		}
	}
	if in.waiting {
		err = in.kick()
	}
	return n, err
}

// discard gives back what has come and was not read.
func (in *input) discard() error {
	for range in.slots() {
		if !in.reading {
			if ok, err := in.next(); err != nil || !ok {
				return err
			}
		}
		if err := in.done(); err != nil {
			return err
		}
	}
	return nil
}

// output is a transmitq.
type output struct {
	stream
	free    []uint16 // slots
	blocked bool     // somebody found no room, or waits for the end
}

func (out *output) fill() {
	out.free = make([]uint16, 0, out.slots())
	for i := range out.slots() {
		out.free = append(out.free, uint16(i))
	}
}

// reclaim takes back what the device has done with.
func (out *output) reclaim() error {
	for {
		u, ok, err := out.queue.Used()
		if err != nil || !ok {
			return err
		}
		out.free = append(out.free, out.byID[u.ID])
	}
}

// add adds up to a slot of bytes.
func (out *output) add(b []byte) (n int, err error) {
	slot := out.free[len(out.free)-1]
	n = copy(out.bytes(slot), b)
	data := [1]virtio.Element{out.memory.Element(int(slot)*out.size, n)}
	id, err := out.queue.Add(data[:], nil)
	if err != nil {
		return 0, err
	}
	out.byID[id] = slot
	out.free = out.free[:len(out.free)-1]
	return n, nil
}

// write hands bytes to the device, as many as there is room for.
func (out *output) write(b []byte) (n int, err error) {
	if err := out.reclaim(); err != nil {
		return 0, err
	}
	for n < len(b) && len(out.free) > 0 {
		k, err := out.add(b[n:])
		if err != nil {
			return n, err
		}
		n += k
	}
	out.blocked = n < len(b)
	if n == 0 {
		return 0, nil
	}
	return n, out.device.Kick(out.queue)
}

// unsent tells how many slots the device has not done with.
func (out *output) unsent() (int, error) {
	err := out.reclaim()
	n := out.slots() - len(out.free)
	out.blocked = out.blocked || n > 0
	return n, err
}
