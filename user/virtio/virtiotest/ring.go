// SPDX-License-Identifier: Apache-2.0

// Package virtiotest is the other side of package virtio, for tests: the device's side
// of a queue, and devices behind registers and behind PCI. It is honest, checks what
// the driver owes to a device, and is written after the specification (OASIS, Virtual
// I/O Device, version 1.2) and not after package virtio.
package virtiotest

import (
	"encoding/binary"
	"fmt"

	"loam/user/sys"
)

// Guest is the machine's memory.
type Guest struct {
	Bytes   []byte
	Address uint64 // physical, of the first byte
}

// At gives n bytes of memory; a driver that names others has a bug.
func (g Guest) At(address uint64, n int) ([]byte, error) {
	at := address - g.Address
	if address < g.Address || n < 0 || at > uint64(len(g.Bytes)) || uint64(n) > uint64(len(g.Bytes))-at {
		return nil, fmt.Errorf("the driver gave %d bytes at %#x, which are not memory", n, address)
	}
	return g.Bytes[at : at+uint64(n)], nil
}

// Chain is an available buffer.
type Chain struct {
	ID                 uint16
	Readable, Writable [][]byte
	entries            int
}

// Room gives how many bytes the device may write.
func (c Chain) Room() int { return size(c.Writable) }

// Read gives all that the device may read.
func (c Chain) Read() (b []byte) {
	for _, e := range c.Readable {
		b = append(b, e...)
	}
	return b
}

// Write writes to the device-writable elements, from an offset on, and gives how much
// found room.
func (c Chain) Write(at int, b []byte) (n int) {
	for _, e := range c.Writable {
		if at >= len(e) {
			at -= len(e)
			continue
		}
		k := copy(e[at:], b[n:])
		n, at = n+k, 0
	}
	return n
}

func size(elements [][]byte) (n int) {
	for _, e := range elements {
		n += len(e)
	}
	return n
}

// Ring is the device's side of a queue.
type Ring struct {
	Guest                       Guest
	Size                        int
	Packed, EventIndex          bool
	Indirect                    bool
	Descriptors, Driver, Device uint64 // addresses

	taken, used, told uint16 // split: of available, used buffers; used ones when last asked
	slot, usedSlot    int    // packed
	wrap, usedWrap    bool
	usedSome          int // entries since last asked
	deviceFlags       uint32
}

// Start makes it as after a reset.
func (r *Ring) Start() error {
	sizes := [3]int{16 * r.Size, 4 + 2*r.Size + 2, 4 + 8*r.Size + 2}
	aligns := [3]uint64{16, 2, 4}
	if r.Packed {
		sizes, aligns = [3]int{16 * r.Size, 4, 4}, [3]uint64{16, 4, 4}
	} else if r.Size&(r.Size-1) != 0 {
		return fmt.Errorf("a split queue of %d entries", r.Size)
	}
	for i, a := range [3]uint64{r.Descriptors, r.Driver, r.Device} {
		b, err := r.Guest.At(a, sizes[i])
		if err != nil {
			return err
		}
		if a%aligns[i] != 0 {
			return fmt.Errorf("part %d of the queue is at %#x", i, a)
		}
		for _, c := range b {
			if c != 0 {
				return fmt.Errorf("part %d of the queue is not zeroed", i)
			}
		}
	}
	r.wrap, r.usedWrap = true, true
	return nil
}

func (r *Ring) load(address uint64) uint32 {
	b, at := r.word(address)
	return sys.LoadShared(b, at)
}

func (r *Ring) store(address uint64, v uint32) {
	b, at := r.word(address)
	sys.StoreShared(b, at, v)
}

func (r *Ring) word(address uint64) ([]byte, int) {
	return r.Guest.Bytes, int(address - r.Guest.Address)
}

func get16(b []byte) uint16 { return binary.LittleEndian.Uint16(b) }
func get32(b []byte) uint32 { return binary.LittleEndian.Uint32(b) }
func get64(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

// add adds the element that a descriptor is to the chain.
func (c *Chain) add(g Guest, d []byte, write bool) error {
	n := get32(d[8:])
	b, err := g.At(get64(d), int(n))
	switch {
	case err != nil:
		return err
	case n == 0:
		return fmt.Errorf("buffer %d has an empty element", c.ID)
	case write:
		c.Writable = append(c.Writable, b)
	case len(c.Writable) > 0:
		return fmt.Errorf("buffer %d has a readable element behind a writable one", c.ID)
	default:
		c.Readable = append(c.Readable, b)
	}
	return nil
}

// Next takes the next available buffer.
func (r *Ring) Next() (c Chain, ok bool, err error) {
	if r.Packed {
		return r.nextPacked()
	}
	return r.nextSplit()
}

func (r *Ring) nextSplit() (c Chain, ok bool, err error) {
	idx := uint16(r.load(r.Driver) >> 16)
	if idx == r.taken {
		return c, false, nil
	}
	if int(idx-r.taken) > r.Size {
		return c, false, fmt.Errorf("%d buffers are available in a queue of %d", idx-r.taken, r.Size)
	}
	ring, err := r.Guest.At(r.Driver+4, 2*r.Size)
	if err != nil {
		return c, false, err
	}
	c.ID = get16(ring[2*(int(r.taken)%r.Size):])
	r.taken++
	table, err := r.Guest.At(r.Descriptors, 16*r.Size)
	if err != nil {
		return c, false, err
	}
	return c, true, c.follow(r, table, int(c.ID), r.Indirect)
}

// follow walks a chain of split descriptors.
func (c *Chain) follow(r *Ring, table []byte, i int, indirect bool) error {
	for n := 0; ; n++ {
		if 16*i >= len(table) || n >= r.Size {
			return fmt.Errorf("chain %d leads to descriptor %d, %d long", c.ID, i, n)
		}
		d := table[16*i:][:16]
		flags := get16(d[12:])
		if flags&4 != 0 {
			t, err := r.Guest.At(get64(d), int(get32(d[8:])))
			if err != nil || !indirect || flags != 4 || len(t)%16 != 0 || len(t) == 0 {
				return fmt.Errorf("a table of %d bytes, flags %#x: %v", len(t), flags, err)
			}
			return c.follow(r, t, 0, false)
		}
		if err := c.add(r.Guest, d, flags&2 != 0); err != nil {
			return err
		}
		if flags&1 == 0 {
			return nil
		}
		i = int(get16(d[14:]))
	}
}

func (r *Ring) nextPacked() (c Chain, ok bool, err error) {
	for {
		at := r.Descriptors + 16*uint64(r.slot)
		w := r.load(at + 12)
		flags := w >> 16
		if (flags&0x80 != 0) != r.wrap || (flags&0x8000 != 0) == r.wrap {
			if c.entries > 0 {
				return c, false, fmt.Errorf("a list that breaks off after %d entries, flags %#x", c.entries, flags)
			}
			return c, false, nil
		}
		d, err := r.Guest.At(at, 16)
		if err != nil {
			return c, false, err
		}
		c.ID = uint16(w)
		if flags&4 != 0 {
			err = c.indirectPacked(r, d, flags)
		} else {
			err = c.add(r.Guest, d, flags&2 != 0)
		}
		if err != nil {
			return c, false, err
		}
		c.entries++
		if r.slot++; r.slot == r.Size {
			r.slot, r.wrap = 0, !r.wrap
		}
		if flags&1 == 0 {
			return c, true, nil
		}
		if c.entries >= r.Size {
			return c, false, fmt.Errorf("a list without end")
		}
	}
}

func (c *Chain) indirectPacked(r *Ring, d []byte, flags uint32) error {
	t, err := r.Guest.At(get64(d), int(get32(d[8:])))
	if err != nil || !r.Indirect || flags&3 != 0 || c.entries > 0 || len(t)%16 != 0 || len(t) == 0 || len(t)/16 > r.Size {
		return fmt.Errorf("a table of %d bytes, flags %#x: %v", len(t), flags, err)
	}
	for ; len(t) > 0; t = t[16:] {
		if get16(t[14:])&^2 != 0 {
			return fmt.Errorf("flags %#x in a table", get16(t[14:]))
		}
		if err := c.add(r.Guest, t, get16(t[14:])&2 != 0); err != nil {
			return err
		}
	}
	return nil
}

// Use gives a buffer back, with the number of bytes that were written.
func (r *Ring) Use(c Chain, length int) {
	if !r.Packed {
		b, _ := r.Guest.At(r.Device+4+8*uint64(int(r.used)%r.Size), 8)
		binary.LittleEndian.PutUint32(b, uint32(c.ID))
		binary.LittleEndian.PutUint32(b[4:], uint32(length))
		r.used++
		r.store(r.Device, uint32(r.used)<<16|r.deviceFlags)
		return
	}
	flags := uint32(0)
	if r.usedWrap {
		flags = 0x8080
	}
	if length > 0 {
		flags |= 2
	}
	at := r.Descriptors + 16*uint64(r.usedSlot)
	b, _ := r.Guest.At(at, 16)
	binary.LittleEndian.PutUint32(b[8:], uint32(length))
	r.store(at+12, uint32(c.ID)|flags<<16)
	r.usedSome += c.entries
	if r.usedSlot += c.entries; r.usedSlot >= r.Size {
		r.usedSlot, r.usedWrap = r.usedSlot-r.Size, !r.usedWrap
	}
}

// Answer uses the next available buffer, which it is told all about, and which it
// doesn't look at.
func (r *Ring) Answer(id uint16, entries, length int) {
	r.taken++
	if r.slot += entries; r.slot >= r.Size {
		r.slot, r.wrap = r.slot-r.Size, !r.wrap
	}
	r.Use(Chain{ID: id, entries: entries}, length)
}

// passes is vring_need_event of the specification's appendix A.
func passes(event, now, old uint16) bool { return now-event-1 < now-old }

// Interrupts reports whether the driver wants to be notified of what was used since it
// was asked last.
func (r *Ring) Interrupts() bool {
	if !r.Packed {
		old := r.told
		r.told = r.used
		switch {
		case r.used == old:
			return false
		case !r.EventIndex:
			return r.load(r.Driver)&1 == 0
		}
		return passes(r.half(r.Driver+4+2*uint64(r.Size)), r.used, old)
	}
	n := r.usedSome
	r.usedSome = 0
	w := r.load(r.Driver)
	switch flags := w >> 16 & 3; {
	case n == 0 || flags == 1:
		return false
	case flags == 0 || !r.EventIndex:
		return true
	}
	event := uint16(w & 0x7fff)
	if (w&0x8000 != 0) != r.usedWrap {
		event -= uint16(r.Size)
	}
	return passes(event, uint16(r.usedSlot), uint16(r.usedSlot-n))
}

// half loads 2 bytes.
func (r *Ring) half(address uint64) uint16 {
	return uint16(r.load(address&^3) >> (8 * (address & 3)))
}

// Listen asks the driver for notifications, or for none. After it has asked for them
// the device looks once more for buffers.
func (r *Ring) Listen(on bool) {
	switch {
	case !r.Packed && r.EventIndex:
		event := r.taken
		if !on {
			event--
		}
		r.store(r.Device+4+8*uint64(r.Size), uint32(event))
	case !r.Packed:
		r.deviceFlags = 1
		if on {
			r.deviceFlags = 0
		}
		r.store(r.Device, uint32(r.used)<<16|r.deviceFlags)
	case !on:
		r.store(r.Device, 1<<16)
	case r.EventIndex:
		w := uint32(r.slot) | 2<<16
		if r.wrap {
			w |= 0x8000
		}
		r.store(r.Device, w)
	default:
		r.store(r.Device, 0)
	}
}
