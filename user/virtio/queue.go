// SPDX-License-Identifier: Apache-2.0

package virtio

import "iter"

// MaxQueueSize is the most entries that a queue is made with here, whatever the device
// offers: it bounds a queue's memory. The specification ends at 32768 (2.7.13).
const MaxQueueSize = 1024

// QueueConfig is how a queue is.
type QueueConfig struct {
	Index  int  // its number in the device
	Size   int  // entries, 1 to MaxQueueSize, of a split queue a power of two
	Packed bool // VIRTIO_F_RING_PACKED
	// EventIndex is VIRTIO_F_EVENT_IDX: each side says at which buffer it wants to
	// be notified.
	EventIndex bool
	// Indirect is how many elements a table of indirect descriptors has, 0 without
	// VIRTIO_F_INDIRECT_DESC. Buffers of 2 to so many elements take one entry.
	Indirect int
}

// check reports whether a queue can be so.
func (c QueueConfig) check() error {
	switch {
	case c.Size < 1 || c.Size > MaxQueueSize || !c.Packed && c.Size&(c.Size-1) != 0,
		c.Indirect < 0 || c.Indirect > MaxQueueSize, c.Index < 0 || c.Index > 0xffff:
		return ErrMemory
	}
	return nil
}

// areas are where a queue's parts begin in its memory.
type areas struct{ descriptors, driver, device, indirect, size int }

const (
	descriptorSize = 16
	splitHeader    = 4 // flags and idx of both rings
)

// areas lays a queue out: what the driver writes, what the device writes and the
// tables share no cache line.
func (c QueueConfig) areas() areas {
	var a areas
	driver, device := 4, 4 // event suppression of a packed queue (2.8.10)
	if !c.Packed {         // with the event, and a word to reach it by (2.7.6, 2.7.8)
		driver, device = splitHeader+2*c.Size+4, splitHeader+8*c.Size+4
	}
	a.driver = roundUp(descriptorSize*c.Size, cacheLine)
	a.device = roundUp(a.driver+driver, cacheLine)
	a.indirect = roundUp(a.device+device, cacheLine)
	a.size = roundUp(a.indirect+descriptorSize*c.Size*c.Indirect, cacheLine)
	return a
}

// Bytes tells how much memory a queue takes.
func (c QueueConfig) Bytes() int { return c.areas().size }

// buffer is the driver's own record of what it gave the device. What memory that the
// device can reach says of it is never asked.
type buffer struct {
	writable uint32 // bytes that the device may write
	entries  uint16 // of the ring
	last     uint16 // its last descriptor (split)
	inUse    bool   // the id names a buffer
	kick     uint64 // the how manieth Kick tells the device of it
}

// Used is a buffer that the device has used.
type Used struct {
	ID uint16 // as Add gave it
	// Length is how many bytes the device says it has written, from the first
	// device-writable element on: never more than these elements have. What they
	// hold beyond it is unknown (2.7.8.3).
	Length uint32
}

// Queue is a virtqueue, the driver's side. It belongs to one goroutine at a time.
type Queue struct {
	config  QueueConfig
	memory  Memory
	areas   areas
	failed  error    // set once, and then the answer to everything
	buffers []buffer // by id
	next    []uint16 // split: the next descriptor; packed: the next free id
	first   uint16   // of the free list of next
	room    int      // entries that are free
	added   uint16   // how many buffers were added, modulo 65536
	offered uint16   // how many of them the device was told of
	kicks   uint64   // how often it was told
	out     int      // how many it has been told of and has not used yet
	split   splitRing
	packed  packedRing
}

// NewQueue makes a queue in memory of c.Bytes() at least.
func NewQueue(c QueueConfig, m Memory) (*Queue, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	a := c.areas()
	if m.Size() < a.size {
		return nil, ErrMemory
	}
	q := &Queue{config: c, memory: m, areas: a, buffers: make([]buffer, c.Size), next: make([]uint16, c.Size)}
	if c.Packed {
		q.packed.flags = make([]uint16, c.Size)
	}
	q.Reset()
	return q, nil
}

// Reset makes the queue as new, when its device has been reset: the device must not be
// able to reach it any more. All buffers are forgotten.
func (q *Queue) Reset() {
	clear(q.memory.bytes[:q.areas.size])
	clear(q.buffers)
	for i := range q.next {
		q.next[i] = uint16(i + 1)
	}
	q.failed, q.first, q.room, q.added, q.offered, q.kicks, q.out = nil, 0, q.config.Size, 0, 0, 0, 0
	q.split = splitRing{}
	q.packed = packedRing{flags: q.packed.flags, wrap: true, usedWrap: true}
	clear(q.packed.flags)
}

// Index gives its number in the device.
func (q *Queue) Index() int { return q.config.Index }

// addresses gives where the device finds the queue's three areas.
func (q *Queue) addresses() (descriptors, driver, device uint64) {
	a := q.memory.address
	return a + uint64(q.areas.descriptors), a + uint64(q.areas.driver), a + uint64(q.areas.device)
}

// Size gives how many entries it has; ids are less than that.
func (q *Queue) Size() int { return q.config.Size }

// Room gives how many entries are free. A buffer takes as many as it has elements,
// or one by a table of indirect descriptors.
func (q *Queue) Room() int { return q.room }

// Err gives the device's failure, nil while there is none.
func (q *Queue) Err() error { return q.failed }

// InFlight gives the ids of buffers that were added and have not come back: what is to
// be given up after a failure.
func (q *Queue) InFlight() iter.Seq[uint16] {
	return func(yield func(uint16) bool) {
		for i, b := range q.buffers {
			if b.inUse && !yield(uint16(i)) {
				return
			}
		}
	}
}

// Add prepares a buffer: elements that the device reads, then elements that it
// writes. It gives the buffer's id, less than Size, which is the buffer's until Used
// gives it back. The device learns of it by Kick. ErrFull: there is no room now.
func (q *Queue) Add(readable, writable []Element) (id uint16, err error) {
	if q.failed != nil {
		return 0, q.failed
	}
	n := len(readable) + len(writable)
	capacity, ok := total(readable, writable)
	if !ok || n == 0 || n > q.config.Size { // 2.7.5.3.1: of indirect ones too
		return 0, ErrElements
	}
	indirect := n > 1 && n <= q.config.Indirect
	entries := n
	if indirect {
		entries = 1
	}
	if entries > q.room {
		return 0, ErrFull
	}
	id = q.first
	if indirect {
		writable = q.table(id, readable, writable)
		readable = nil
	}
	b := &q.buffers[id]
	*b = buffer{writable: capacity, entries: uint16(entries), inUse: true, kick: q.kicks}
	if q.config.Packed {
		q.addPacked(id, readable, writable, indirect)
	} else {
		q.addSplit(id, readable, writable, indirect)
	}
	q.room -= entries
	q.added++
	return id, nil
}

// total adds up what can be written, and reports whether all elements, and all of them
// together, are of a size that can be (2.7.5.2).
func total(readable, writable []Element) (canWrite uint32, ok bool) {
	var sum, w uint64
	for _, e := range readable {
		if e.length == 0 {
			return 0, false
		}
		sum += uint64(e.length)
	}
	for _, e := range writable {
		if e.length == 0 {
			return 0, false
		}
		w += uint64(e.length)
	}
	return uint32(w), sum+w < 1<<32
}

// Kick offers the device all buffers that were added, and reports whether it wants to
// be notified of that. notify is false when nothing was added.
func (q *Queue) Kick() (notify bool, err error) {
	if q.failed != nil {
		return false, q.failed
	}
	n := q.added - q.offered
	if n == 0 {
		return false, nil
	}
	q.out += int(n)
	if q.config.Packed {
		notify = q.kickPacked()
	} else {
		notify = q.kickSplit(n)
	}
	q.offered = q.added
	q.kicks++
	return notify, nil
}

// Used gives a buffer that the device has used, ok if there is one. It doesn't wait. An
// error is a DeviceError, and the end of the queue until it is Reset.
func (q *Queue) Used() (u Used, ok bool, err error) {
	if q.failed != nil {
		return Used{}, false, q.failed
	}
	if q.config.Packed {
		return q.usedPacked()
	}
	return q.usedSplit()
}

// Arm asks the device for a notification when it next uses a buffer, and reports
// whether it has done so already: then no notification may come, and Used gives that
// buffer, or an error, whatever the device does meanwhile. So a loop of Used until there
// is none, and Arm until there is no more, goes round once for each buffer in flight.
func (q *Queue) Arm() (more bool, err error) {
	if q.failed != nil {
		return false, q.failed
	}
	if q.config.Packed {
		q.armPacked()
		return q.lookPacked()
	}
	q.armSplit()
	return q.lookSplit()
}

// Quiet tells the device that no notifications are wanted until Arm. Some may come
// all the same.
func (q *Queue) Quiet() {
	switch {
	case q.failed != nil:
	case q.config.Packed:
		q.quietPacked()
	default:
		q.quietSplit()
	}
}

// finished checks a buffer that the device says it has used.
func (q *Queue) finished(id, length uint32) (*buffer, error) {
	if id >= uint32(len(q.buffers)) {
		return nil, q.fail(FaultID, uint64(id), uint64(len(q.buffers)-1))
	}
	b := &q.buffers[id]
	if !b.inUse || b.kick == q.kicks {
		return nil, q.fail(FaultNotOffered, uint64(id), 0)
	}
	if length > b.writable {
		return nil, q.fail(FaultLength, uint64(length), uint64(b.writable))
	}
	return b, nil
}

// Broken ends the queue for the driver of a type of device, which has found that an
// answer breaks the type's protocol. It gives the DeviceError.
func (q *Queue) Broken(got, limit uint64) error { return q.fail(FaultProtocol, got, limit) }

// fail ends the queue.
func (q *Queue) fail(f Fault, got, limit uint64) error {
	q.failed = &DeviceError{Fault: f, Queue: q.config.Index, Got: got, Limit: limit}
	return q.failed
}

// needEvent reports whether the step from old to now passes the event that the other
// side waits for, all modulo 65536 (2.7.7.2; vring_need_event in appendix A).
func needEvent(event, now, old uint16) bool { return now-event-1 < now-old }
