// SPDX-License-Identifier: Apache-2.0

package virtio

import "encoding/binary"

// Split virtqueues (2.7). A buffer's id is its first descriptor's number.
//
// The two rings begin with flags and idx, 2 bytes each, and end with the other side's
// event. Each pair is one word of 4 bytes here: the driver writes both halves of its
// own, and takes the half that it wants of the device's.

// Flags of descriptors (2.7.5, 2.8.6), and of the two rings (2.7.6, 2.7.8).
const (
	descNext      = 1
	descWrite     = 2
	descIndirect  = 4
	noInterrupt   = 1 // VIRTQ_AVAIL_F_NO_INTERRUPT
	noNotify      = 1 // VIRTQ_USED_F_NO_NOTIFY
	idxShift      = 16
	usedEntrySize = 8
)

// splitRing is what the driver knows of a split queue beside the buffers.
type splitRing struct {
	used  uint16     // how many used buffers were taken
	seen  uint16     // how many there are, as far as is known
	flags uint16     // of the available ring
	table [1]Element // of the buffer that is being added, if it is indirect
}

// descriptor writes a descriptor as two words.
func (q *Queue) descriptor(at int, e Element, flags, next uint16) {
	b := (*[descriptorSize]byte)(q.memory.bytes[at:])
	binary.LittleEndian.PutUint64(b[:8], e.address)
	binary.LittleEndian.PutUint64(b[8:], uint64(e.length)|uint64(flags)<<32|uint64(next)<<48)
}

// table writes the elements of a buffer to its table of indirect descriptors, and
// gives the element that the table itself is (2.7.5.3; 2.8.7: there id and next
// mean nothing, and the descriptors are in order).
func (q *Queue) table(id uint16, readable, writable []Element) []Element {
	n := len(readable) + len(writable)
	start := q.areas.indirect + descriptorSize*q.config.Indirect*int(id)
	at := start
	for i := range n {
		e, flags := element(readable, writable, i)
		if q.config.Packed {
			q.descriptor(at, e, 0, flags) // id and flags; a chain's flags don't count here
		} else if i < n-1 {
			q.descriptor(at, e, flags|descNext, uint16(i+1))
		} else {
			q.descriptor(at, e, flags, 0)
		}
		at += descriptorSize
	}
	q.split.table[0] = Element{q.memory.address + uint64(start), uint32(at - start)}
	return q.split.table[:]
}

// element gives the ith element and its flag.
func element(readable, writable []Element, i int) (Element, uint16) {
	if i < len(readable) {
		return readable[i], 0
	}
	return writable[i-len(readable)], descWrite
}

// addSplit takes descriptors from the free list, in its order, and puts the first one's
// number behind what is in the ring. Nothing there is still to be read: of the Size
// buffers before this one the device has used one at least, and it reads them in order.
func (q *Queue) addSplit(id uint16, readable, writable []Element, indirect bool) {
	n := len(readable) + len(writable)
	d, last := id, id
	for i := range n {
		e, flags := element(readable, writable, i)
		if indirect {
			flags = descIndirect
		}
		if i < n-1 {
			flags |= descNext
		}
		next := q.next[d]
		q.descriptor(q.areas.descriptors+descriptorSize*int(d), e, flags, next)
		last, d = d, next
	}
	q.buffers[id].last = last
	q.first = d
	q.memory.put16(q.areas.driver+splitHeader+2*(int(q.added)&(q.config.Size-1)), id)
}

// kickSplit: the store shows the device descriptors and ring before idx, and idx
// before its wishes are read.
func (q *Queue) kickSplit(n uint16) (notify bool) {
	q.memory.store(q.areas.driver, uint32(q.added)<<idxShift|uint32(q.split.flags))
	if !q.config.EventIndex {
		return q.memory.load(q.areas.device)&noNotify == 0
	}
	event := q.memory.load(q.areas.device + splitHeader + usedEntrySize*q.config.Size)
	return needEvent(uint16(event), q.added, q.added-n)
}

// lookSplit reports whether the device has used a buffer. Once it has, that is so until
// usedSplit has taken it: a device that takes its word back isn't heard.
func (q *Queue) lookSplit() (bool, error) {
	s := &q.split
	if s.used != s.seen {
		return true, nil
	}
	idx := uint16(q.memory.load(q.areas.device) >> idxShift)
	if n := idx - s.used; int(n) > q.out {
		return false, q.fail(FaultUsedIndex, uint64(idx), uint64(s.used)+uint64(q.out))
	}
	s.seen = idx
	return s.used != s.seen, nil
}

func (q *Queue) usedSplit() (Used, bool, error) {
	s := &q.split
	if ok, err := q.lookSplit(); !ok {
		return Used{}, false, err
	}
	at := q.areas.device + splitHeader + usedEntrySize*(int(s.used)&(q.config.Size-1))
	id, length := q.memory.load(at), q.memory.load(at+4)
	b, err := q.finished(id, length)
	if err != nil {
		return Used{}, false, err
	}
	s.used++
	q.out--
	q.room += int(b.entries)
	q.next[b.last], q.first = q.first, uint16(id)
	b.inUse = false
	return Used{uint16(id), length}, true, nil
}

// event is where the driver's event lies. In a queue of one entry it shares its word
// with the ring, which is 0 for ever.
func (q *Queue) event() (at int, shift uint) {
	at = q.areas.driver + splitHeader + 2*q.config.Size
	return at &^ 3, uint(at&3) * 8
}

func (q *Queue) armSplit() {
	if q.config.EventIndex {
		at, shift := q.event()
		q.memory.store(at, uint32(q.split.used)<<shift)
	} else {
		q.split.flags = 0
		q.memory.store(q.areas.driver, uint32(q.offered)<<idxShift)
	}
}

// quietSplit puts the event behind what the device can reach: 65535 buffers away.
func (q *Queue) quietSplit() {
	if q.config.EventIndex {
		at, shift := q.event()
		q.memory.store(at, uint32(q.split.used-1)<<shift)
		return
	}
	q.split.flags = noInterrupt
	q.memory.store(q.areas.driver, uint32(q.offered)<<idxShift|noInterrupt)
}
