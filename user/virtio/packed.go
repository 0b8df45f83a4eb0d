// SPDX-License-Identifier: Apache-2.0

package virtio

// Packed virtqueues (2.8). Of a descriptor's 16 bytes the last 4, id and flags, are one
// word here: the flags are what either side polls, and the id comes with them.

// More flags of descriptors (2.8.1), and those of event suppression (2.8.10).
const (
	descAvail    = 1 << 7
	descUsed     = 1 << 15
	flagsShift   = 16
	eventEnable  = 0
	eventDisable = 1
	eventDesc    = 2
	eventWrap    = 1 << 15
)

// packedRing is what the driver knows of a packed queue beside the buffers.
type packedRing struct {
	flags     []uint16 // which the driver wrote to each entry last
	slot      uint16   // the entry that is filled next
	usedSlot  uint16   // the entry where the device writes next
	wrap      bool     // the driver's ring wrap counter
	usedWrap  bool     // the device's, at usedSlot
	staged    uint16   // entries that were filled and not offered
	firstSlot uint16   // the first of them,
	firstWord uint32   // and what it will hold
	seen      bool     // the device has used a buffer,
	seenWord  uint32   // with this id and these flags
}

// wrapFlags are the flags of an available entry.
func wrapFlags(wrap bool) uint16 {
	if wrap {
		return descAvail
	}
	return descUsed
}

func (q *Queue) word(slot uint16) int {
	return q.areas.descriptors + descriptorSize*int(slot) + 12
}

// addPacked fills entries in ring order. The flags of the first one that the device
// doesn't know of yet are left to Kick: it looks at no entry behind that one.
func (q *Queue) addPacked(id uint16, readable, writable []Element, indirect bool) {
	p := &q.packed
	n := len(readable) + len(writable)
	for i := range n {
		e, flags := element(readable, writable, i)
		if indirect {
			flags = descIndirect
		}
		if i < n-1 {
			flags |= descNext
		}
		flags |= wrapFlags(p.wrap)
		p.flags[p.slot] = flags
		at := q.areas.descriptors + descriptorSize*int(p.slot)
		if p.staged == 0 {
			q.memory.put64(at, e.address)
			q.memory.put32(at+8, e.length)
			p.firstSlot, p.firstWord = p.slot, uint32(id)|uint32(flags)<<flagsShift
		} else {
			q.descriptor(at, e, id, flags) // which has id and flags where a split one has flags and next
		}
		p.staged++
		if p.slot++; int(p.slot) == q.config.Size {
			p.slot, p.wrap = 0, !p.wrap
		}
	}
	q.first = q.next[id]
}

// kickPacked: the store shows the device all entries before the first one's flags,
// and those before its wishes are read. Of an event that can't be, or of the reserved
// kind, the device is notified: that never harms.
func (q *Queue) kickPacked() (notify bool) {
	p := &q.packed
	q.memory.store(q.word(p.firstSlot), p.firstWord)
	n := p.staged
	p.staged = 0
	w := q.memory.load(q.areas.device)
	switch flags := w >> flagsShift & 3; {
	case flags == eventDisable:
		return false
	case flags != eventDesc || !q.config.EventIndex:
		return true
	}
	event := uint16(w) &^ eventWrap
	if (w&eventWrap != 0) != p.wrap {
		event -= uint16(q.config.Size)
	}
	return needEvent(event, p.slot, p.slot-n)
}

// lookPacked reports whether the device has used a buffer: the flags of the entry where
// it says so are then no longer the driver's, and what they have to be. Once it has, that
// is so until usedPacked has taken it.
func (q *Queue) lookPacked() (bool, error) {
	p := &q.packed
	if p.seen || q.out == 0 {
		return p.seen, nil
	}
	word := q.memory.load(q.word(p.usedSlot))
	flags := uint16(word >> flagsShift)
	if flags == p.flags[p.usedSlot] {
		return false, nil
	}
	want := uint16(0)
	if p.usedWrap {
		want = descAvail | descUsed
	}
	if flags&(descAvail|descUsed) != want {
		return false, q.fail(FaultFlags, uint64(flags), uint64(want))
	}
	p.seen, p.seenWord = true, word
	return true, nil
}

// usedPacked takes the length as the device gives it, whether or not the flags have
// VIRTQ_DESC_F_WRITE, without which it would mean nothing (2.8.4): QEMU never sets it.
// Of a buffer without room for an answer it is ignored.
func (q *Queue) usedPacked() (Used, bool, error) {
	p := &q.packed
	if ok, err := q.lookPacked(); !ok {
		return Used{}, false, err
	}
	p.seen = false
	id, length := p.seenWord&0xffff, q.memory.load(q.word(p.usedSlot)-4)
	if int(id) < len(q.buffers) && q.buffers[id].writable == 0 {
		length = 0
	}
	b, err := q.finished(id, length)
	if err != nil {
		return Used{}, false, err
	}
	if p.usedSlot += b.entries; int(p.usedSlot) >= q.config.Size {
		p.usedSlot -= uint16(q.config.Size)
		p.usedWrap = !p.usedWrap
	}
	q.out--
	q.room += int(b.entries)
	q.next[id], q.first = q.first, uint16(id)
	b.inUse = false
	return Used{uint16(id), length}, true, nil
}

func (q *Queue) armPacked() {
	p := &q.packed
	v := uint32(eventEnable) << flagsShift
	if q.config.EventIndex {
		v = uint32(p.usedSlot) | eventDesc<<flagsShift
		if p.usedWrap {
			v |= eventWrap
		}
	}
	q.memory.store(q.areas.driver, v)
}

func (q *Queue) quietPacked() { q.memory.store(q.areas.driver, eventDisable<<flagsShift) }
