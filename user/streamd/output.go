// SPDX-License-Identifier: Apache-2.0

package streamd

import (
	"loam/user/streams/ring"
	"loam/user/virtio"
)

// maxPiece is the most bytes of a buffer: so a large ring is several, and has room again before all
// of it is gone.
const maxPiece = 32 << 10

// output is a ring of bytes, of which the device is given pieces where they lie.
//
// Buffer n ends at the stream's byte ends[n], which is recorded before the buffer is offered. One
// entry of the queue is never in use, so the record of the buffer that was used last stays; and
// what is gone is the end of that one, whenever one looks.
type output struct {
	m      *mover
	ring   ring.Ring
	index  int // of the queue
	q      *virtio.KeptQueue
	drain  *ring.Drain
	data   virtio.Memory
	gone   uint32 // the device has done with so much,
	sent   uint32 // and was given so much
	broken bool   // the client's words can't be
}

func (o *output) end(n uint16) uint32 { return o.m.record.get(ends(o.ring, n)) }

// begin begins with a device that was opened: with what it was not known to have done with.
func (o *output) begin() {
	o.gone = o.drain.Published()
	if _, err := o.drain.Pending(o.gone, o.gone); err != nil {
		o.gone = o.drain.Put()
		o.drain.SetGone(o.gone)
	}
	o.sent = o.gone
	for n := range uint16(entries) {
		o.m.record.put(ends(o.ring, n), o.gone)
	}
}

// adopt goes on with what a predecessor left.
func (o *output) adopt() error {
	o.gone, o.sent = o.end(o.q.Used()-1), o.end(o.q.Offered()-1)
	if o.sent-o.gone > uint32(o.drain.Size()) || o.q.InFlight() >= entries {
		return virtio.ErrNotKept
	}
	o.m.step()
	o.drain.SetGone(o.gone)
	return nil
}

// work tells the client what the device has done with, and gives the device what there is.
func (o *output) work() (did bool, err error) {
	used, err := o.q.Look()
	if err != nil {
		return false, err
	}
	if gone := o.end(used - 1); gone != o.gone {
		o.m.step()
		o.gone, did = gone, true
		o.drain.SetGone(gone)
	}
	n, ok := o.pending()
	if !ok {
		return did, nil
	}
	count := 0
	for n > 0 && o.q.InFlight()+count < entries-1 {
		at := o.sent & uint32(o.drain.Size()-1)
		piece := min(n, maxPiece, uint32(o.drain.Size())-at)
		b := o.q.Offered() + uint16(count)
		o.m.step()
		o.q.Set(b, o.data.Element(int(at), int(piece)), false)
		o.sent, n = o.sent+piece, n-piece
		o.m.step()
		o.m.record.put(ends(o.ring, b), o.sent)
		count++
	}
	if count == 0 {
		return did, nil
	}
	o.m.offer(o.q, o.index, count)
	return true, nil
}

// pending tells how much the device hasn't been given.
func (o *output) pending() (n uint32, ok bool) {
	if o.broken {
		return 0, false
	}
	n, err := o.drain.Pending(o.sent, o.gone)
	if err != nil {
		o.broken = true
		o.m.log("the client broke a ring: it is served no more")
	}
	return n, err == nil
}

// rest has the client and the device say when there is something to do, and reports whether
// there is already.
func (o *output) rest() (more bool, err error) {
	o.drain.Rest(true)
	n, ok := o.pending()
	if ok && n > 0 && o.q.InFlight() < entries-1 {
		return true, nil
	}
	if ok && o.drain.HasRoom(o.gone) && o.drain.Wanted() {
		o.m.wake = true
	}
	flight := uint16(o.q.InFlight())
	waits := ok && o.drain.Waits()
	before := o.q.Used()
	switch {
	case flight == 0:
		return false, nil
	case ok && n > 0, len(o.m.drains) > 0: // there was no entry for it; somebody waits for the end
		o.q.Arm(before)
	case waits:
		o.q.Arm(before + (flight-1)/2) // not for each piece
	default:
		return false, nil // the client signals when it wants anything
	}
	after, err := o.q.Look()
	return after != before, err
}
