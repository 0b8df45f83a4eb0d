// SPDX-License-Identifier: Apache-2.0

package ring

import "loam/user/sys"

// Taker is the client's end of an input. It belongs to one goroutine at a time.
type Taker struct {
	words
	taken uint32
}

// NewTaker makes one of a ring in its memory, which goes on where the last one stopped.
func NewTaker(mem []byte, r Ring) *Taker {
	t := &Taker{words: newWords(mem, r)}
	t.taken = t.load(clientLine + position)
	return t
}

// filled gives where the driver is.
func (t *Taker) filled() (uint32, error) {
	f := t.load(driverLine + position)
	whole := t.taken &^ (SlotSize - 1) // of the slot that is being taken
	if n := f - whole; f%SlotSize != 0 || n > uint32(t.ring.Size()) || n == 0 && whole != t.taken {
		return whole, ErrBroken
	}
	return f, nil
}

// slot gives the slot that is being taken.
func (t *Taker) slot() (length, start uint32, data []byte, err error) {
	i := t.taken >> slotShift & uint32(t.ring.Slots()-1)
	at := t.entry(i)
	length, start = sys.LoadShared(t.mem, at), sys.LoadShared(t.mem, at+4)
	if length > SlotSize {
		return 0, 0, nil, ErrBroken
	}
	return length, start, t.mem[t.data+int(i)*SlotSize:][:length], nil
}

// Read takes what has come, up to len(b) bytes. With n 0 there is nothing, and the driver
// wakes the client when something comes. signal says that the driver is to be signalled.
func (t *Taker) Read(b []byte) (n int, signal bool, err error) {
	before, idle := t.taken, 0
	for n < len(b) {
		f, err := t.filled()
		if err != nil {
			return n, signal, err
		}
		if f == t.taken&^(SlotSize-1) {
			if n > 0 {
				break
			}
			ready, wake, err := t.Arm()
			signal = signal || wake
			if err != nil || !ready {
				return t.done(n, before, signal, err)
			}
		}
		if idle++; n == 0 && idle > 2*t.ring.Slots() { // nothing but slots of no bytes
			return n, signal, ErrBroken
		}
		length, _, data, err := t.slot()
		if err != nil {
			return n, signal, err
		}
		offset := t.taken % SlotSize
		if offset > length {
			return n, signal, ErrBroken
		}
		k := copy(b[n:], data[offset:])
		n += k
		t.advance(length, uint32(k))
	}
	return t.done(n, before, signal, nil)
}

// advance goes on by k bytes in a slot of a length.
func (t *Taker) advance(length, k uint32) {
	if t.taken%SlotSize+k < length {
		t.taken += k
		return
	}
	t.taken = t.taken&^(SlotSize-1) + SlotSize
}

// done says what was taken, since before.
func (t *Taker) done(n int, before uint32, signal bool, err error) (int, bool, error) {
	if t.taken == before {
		return n, signal, err
	}
	t.store(clientLine+position, t.taken)
	if e := t.load(driverLine + event); e-before-1 < t.taken-before {
		signal = true
	}
	return n, signal, err
}

// Arm asks to be woken when something comes, and reports whether something has already; if
// not, signal says that the driver is to be signalled.
func (t *Taker) Arm() (ready, signal bool, err error) {
	t.store(clientLine+wants, 1)
	if ready, err = t.Ready(); err != nil || ready {
		return ready, false, err
	}
	return false, t.take(driverLine), nil
}

// Ready reports whether a slot is there to be taken. It may be one of no bytes.
func (t *Taker) Ready() (bool, error) {
	f, err := t.filled()
	return f != t.taken&^(SlotSize-1), err
}

// Count tells how many bytes of the stream have been taken, modulo 2^32.
func (t *Taker) Count() (uint32, error) {
	for {
		ready, err := t.Ready()
		if err != nil {
			return 0, err
		}
		if ready {
			_, start, _, err := t.slot()
			return start + t.taken%SlotSize, err
		}
		// What was taken last: it stays as long as nothing comes, which may be now.
		at := t.entry((t.taken - 1) >> slotShift & uint32(t.ring.Slots()-1))
		n := sys.LoadShared(t.mem, at) + sys.LoadShared(t.mem, at+4)
		if ready, err := t.Ready(); err != nil || !ready {
			return n, err
		}
	}
}

// Fill is the driver's end of an input.
type Fill struct{ words }

// NewFill makes one of a ring in its memory.
func NewFill(mem []byte, r Ring) *Fill { return &Fill{newWords(mem, r)} }

// Slots tells how many there are.
func (f *Fill) Slots() int { return f.ring.Slots() }

// Held tells how many slots of those before filled, which have been given to the client, it is not
// done with.
func (f *Fill) Held(filled uint32) (uint32, error) {
	t := f.load(clientLine+position) >> slotShift
	n := (filled - t) & (1<<(32-slotShift) - 1)
	if n > uint32(f.ring.Slots()) {
		return 0, ErrBroken
	}
	return n, nil
}

// Entry gives what Describe has said of a slot, in memory that the client can write.
func (f *Fill) Entry(slot uint32) (length, start uint32) {
	at := f.entry(slot & uint32(f.ring.Slots()-1))
	return sys.LoadShared(f.mem, at), sys.LoadShared(f.mem, at+4)
}

// Describe says how many bytes a slot has, before SetFilled gives it to the client, and how
// many the stream has before it.
func (f *Fill) Describe(slot, length, start uint32) {
	at := f.entry(slot & uint32(f.ring.Slots()-1))
	sys.StoreShared(f.mem, at, length)
	sys.StoreShared(f.mem, at+4, start)
}

// SetFilled gives the client the slots before a count.
func (f *Fill) SetFilled(count uint32) { f.store(driverLine+position, count<<slotShift) }

// Filled gives what SetFilled has stored last, in memory that the client can write.
func (f *Fill) Filled() uint32 { return f.load(driverLine+position) >> slotShift }

// Done gives how many slots the client says that it is done with, modulo 2^20.
func (f *Fill) Done() uint32 { return f.load(clientLine+position) >> slotShift }

// WakeAt asks to be signalled when the client is done with the slot before a count.
func (f *Fill) WakeAt(count uint32) { f.store(driverLine+event, count<<slotShift) }

// Rest asks to be signalled when the client waits, where on; who has asked looks again.
func (f *Fill) Rest(on bool) { f.store(driverLine+wants, flag(on)) }

// Wanted reports whether the client waits, and takes that back.
func (f *Fill) Wanted() bool { return f.take(clientLine) }

// Waits reports whether the client waits.
func (f *Fill) Waits() bool { return f.load(clientLine+wants) != 0 }
