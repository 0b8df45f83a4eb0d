// SPDX-License-Identifier: Apache-2.0

package ring

// Putter is the client's end of an output. It belongs to one goroutine at a time.
type Putter struct {
	words
	put uint32
}

// NewPutter makes one of a ring in its memory, which goes on where the last one stopped.
func NewPutter(mem []byte, r Ring) *Putter {
	p := &Putter{words: newWords(mem, r)}
	p.put = p.load(clientLine + position)
	return p
}

// Put tells how many bytes have been put, modulo 2^32.
func (p *Putter) Put() uint32 { return p.put }

// used tells how many bytes the ring holds.
func (p *Putter) used() (int, error) {
	n := p.put - p.load(driverLine+position)
	if n > uint32(p.ring.Size()) {
		return p.ring.Size(), ErrBroken
	}
	return int(n), nil
}

// Room tells how many bytes can be put.
func (p *Putter) Room() (int, error) {
	n, err := p.used()
	return p.ring.Size() - n, err
}

// Empty reports whether the device has done with all that was put.
func (p *Putter) Empty() (bool, error) {
	n, err := p.used()
	return n == 0, err
}

// Write puts as much of b as there is room for, and tells how much. signal says that the
// driver is to be signalled. Where b did not fit, the driver wakes the client when there is
// room.
func (p *Putter) Write(b []byte) (n int, signal bool, err error) {
	for again := false; ; again = true {
		room, err := p.Room()
		if err != nil || again && room == 0 { // there was some
			return n, signal, ErrBroken
		}
		if k := min(room, len(b)-n); k > 0 {
			p.copy(b[n : n+k])
			n += k
			p.store(clientLine+position, p.put)
			signal = p.take(driverLine) || signal
		}
		if n == len(b) {
			return n, signal, nil
		}
		if ready, err := p.Arm(); err != nil || !ready {
			return n, true, err // it may not have asked the device to tell it
		}
	}
}

func (p *Putter) copy(b []byte) {
	at := int(p.put) & (p.ring.Size() - 1)
	data := p.mem[p.data:][:p.ring.Size()]
	k := copy(data[at:], b)
	copy(data, b[k:])
	p.put += uint32(len(b))
}

// Arm asks to be woken when there is room, and reports whether there is some already. The
// driver is to be signalled then if not.
func (p *Putter) Arm() (ready bool, err error) {
	p.store(clientLine+wants, 1)
	room, err := p.Room()
	return room > 0, err
}

// Drain is the driver's end of an output. It keeps no position: Sent is its user's to know.
type Drain struct{ words }

// NewDrain makes one of a ring in its memory.
func NewDrain(mem []byte, r Ring) *Drain { return &Drain{newWords(mem, r)} }

// Size tells how many bytes the ring has.
func (d *Drain) Size() int { return d.ring.Size() }

// Pending tells how many bytes were put behind sent, where gone is what the device has
// done with.
func (d *Drain) Pending(sent, gone uint32) (uint32, error) {
	put := d.load(clientLine + position)
	n, all := put-sent, put-gone
	if n > uint32(d.ring.Size()) || all > uint32(d.ring.Size()) {
		return 0, ErrBroken
	}
	return n, nil
}

// Published gives the position that SetGone has stored last, in memory that the client can write.
func (d *Drain) Published() uint32 { return d.load(driverLine + position) }

// Put gives how much the client says that it has put.
func (d *Drain) Put() uint32 { return d.load(clientLine + position) }

// HasRoom reports whether the client can put something, where gone is what the device has done
// with.
func (d *Drain) HasRoom(gone uint32) bool { return d.Put()-gone < uint32(d.ring.Size()) }

// SetGone says that the device has done with the bytes before a position.
func (d *Drain) SetGone(v uint32) { d.store(driverLine+position, v) }

// Rest asks to be signalled when something is put, where on; who has asked looks again.
func (d *Drain) Rest(on bool) { d.store(driverLine+wants, flag(on)) }

// Wanted reports whether the client waits for room, and takes that back.
func (d *Drain) Wanted() bool { return d.take(clientLine) }

// Waits reports whether the client waits for room.
func (d *Drain) Waits() bool { return d.load(clientLine+wants) != 0 }

func flag(on bool) uint32 {
	if on {
		return 1
	}
	return 0
}
