// SPDX-License-Identifier: Apache-2.0

package streamd

import (
	"loam/user/streams/ring"
	"loam/user/virtio"
)

// input is a ring of slots, which the device fills where they lie. Its queue has as many entries:
// buffer n is slot first+n of the stream, and the device has all slots but those that the client has.
type input struct {
	m      *mover
	ring   ring.Ring
	index  int // of the queue
	q      *virtio.KeptQueue
	fill   *ring.Fill
	data   virtio.Memory
	filled uint32 // slots that were given to the client,
	given  uint32 // and to the device
	broken bool
}

// begin begins with a device that was opened. What the client has not taken it keeps.
func (in *input) begin() {
	r := in.m.record
	in.filled = in.fill.Filled()
	if _, err := in.fill.Held(in.filled); err != nil {
		in.filled = in.fill.Done() // its own words don't fit together: what it has is lost
		in.fill.SetFilled(in.filled)
	}
	in.given = in.filled
	length, start := in.fill.Entry(in.filled - 1)
	r.put(starts(in.ring, in.filled), length+start)
	r.put(atFirst+4*int(in.ring), in.filled)
	r.put(atFilled+4*int(in.ring), in.filled)
}

// adopt goes on with what a predecessor left.
func (in *input) adopt() error {
	r := in.m.record
	first := r.get(atFirst + 4*int(in.ring))
	in.filled = r.get(atFilled + 4*int(in.ring))
	// The queue counts modulo 65536. At most as many slots were given to the device as there are, and
	// none was that the client hadn't been given before.
	n := uint32(uint16(first) + in.q.Offered() - uint16(in.filled))
	if n > uint32(in.ring.Slots()) {
		return virtio.ErrNotKept
	}
	in.given = in.filled + n
	if used := uint32(uint16(first) + in.q.Used() - uint16(in.filled)); used > n {
		return virtio.ErrNotKept
	} else if err := in.publish(used); err != nil {
		return err
	}
	in.m.step()
	in.fill.SetFilled(in.filled)
	return nil
}

// publish gives the client the next n slots, which the device has used. Done again, it
// does the same.
func (in *input) publish(n uint32) error {
	r := in.m.record
	first := r.get(atFirst + 4*int(in.ring))
	for range n {
		length, err := in.q.Length(uint16(in.filled-first), ring.SlotSize)
		if err != nil {
			return err
		}
		start := r.get(starts(in.ring, in.filled))
		in.m.step()
		in.fill.Describe(in.filled, length, start)
		in.m.step()
		r.put(starts(in.ring, in.filled+1), start+length)
		in.filled++
	}
	in.m.step()
	r.put(atFilled+4*int(in.ring), in.filled)
	in.m.step()
	in.fill.SetFilled(in.filled)
	return nil
}

// work gives the client what has come, and the device the slots that the client is done with.
func (in *input) work() (did bool, err error) {
	before := in.q.Used()
	used, err := in.q.Look()
	if err != nil {
		return false, err
	}
	if used != before {
		did = true
		if err := in.publish(uint32(used - before)); err != nil {
			return false, err
		}
	}
	held, ok := in.held()
	if !ok {
		return did, nil
	}
	if held > 0 && in.fill.Wanted() {
		in.m.wake = true
	}
	n := in.filled - held + uint32(in.ring.Slots()) - in.given
	if n == 0 {
		return did, nil
	}
	for i := range n {
		slot := in.given + i
		at := int(slot) % in.ring.Slots() * ring.SlotSize
		in.m.step()
		in.q.Set(in.q.Offered()+uint16(i), in.data.Element(at, ring.SlotSize), true)
	}
	in.given += n
	in.m.offer(in.q, in.index, int(n))
	return true, nil
}

// held tells how many slots the client has. It never goes back to one that it was done with.
func (in *input) held() (n uint32, ok bool) {
	if in.broken {
		return 0, false
	}
	n, err := in.fill.Held(in.filled)
	if slots := uint32(in.ring.Slots()); err != nil || in.filled-n+slots-in.given > slots {
		in.broken = true
		in.m.log("the client broke a ring: it is served no more")
		return 0, false
	}
	return n, true
}

// rest has the client and the device say when there is something to do, and reports whether
// there is already. While the client is behind it is neither told of each slot, nor asked to
// give back each.
func (in *input) rest() (more bool, err error) {
	held, ok := in.held()
	if !ok {
		return false, nil
	}
	slots := uint32(in.ring.Slots())
	wake := in.filled - held + slots/2
	in.fill.WakeAt(wake)
	behind := held > 1 && !in.fill.Waits()
	in.fill.Rest(behind)
	if behind && in.fill.Waits() {
		return true, nil
	}
	if h, ok := in.held(); ok && in.filled-h-wake < slots { // it has passed by
		return true, nil
	}
	flight := uint16(in.q.InFlight())
	if flight == 0 {
		return false, nil
	}
	before := in.q.Used()
	at := before
	if behind {
		at += min(flight, uint16(slots/2)) - 1
	}
	in.q.Arm(at)
	after, err := in.q.Look()
	if err != nil || after == before {
		return false, err
	}
	return true, in.publish(uint32(after - before))
}
