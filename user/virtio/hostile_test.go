// SPDX-License-Identifier: Apache-2.0

package virtio

import (
	"encoding/binary"
	"errors"
	"testing"
)

// liar is a queue with three buffers offered, ids in order, of which the first two can
// be written 8 bytes, and one added that is not offered.
func liar(t *testing.T, c QueueConfig) (p *pair, ids [4]uint16) {
	p = newPair(t, c)
	e := []Element{p.data.Element(0, 8)}
	var err error
	for i := range ids {
		readable, writable := []Element(nil), e
		if i == 2 {
			readable, writable = e, nil
		}
		if i == 3 {
			_, _ = p.queue.Kick()
		}
		if ids[i], err = p.queue.Add(readable, writable); err != nil {
			t.Fatal(err)
		}
	}
	return p, ids
}

// lie writes a used buffer as the device's ith, and for a split queue how many there are.
func (p *pair) lie(i int, id, length uint32, used uint16) {
	a := p.queue.areas
	b := p.queue.memory.bytes
	if p.queue.config.Packed {
		at := a.descriptors + 16*i
		binary.LittleEndian.PutUint32(b[at+8:], length)
		binary.LittleEndian.PutUint16(b[at+12:], uint16(id))
		binary.LittleEndian.PutUint16(b[at+14:], used)
		return
	}
	at := a.device + 4 + 8*i
	binary.LittleEndian.PutUint32(b[at:], id)
	binary.LittleEndian.PutUint32(b[at+4:], length)
	binary.LittleEndian.PutUint16(b[a.device+2:], used)
}

// TestLies: each thing that a device can do wrong ends the queue, with what it was.
func TestLies(t *testing.T) {
	const good, bad = 0x8080, 0x8000
	for name, l := range map[string]struct {
		packed bool
		lie    func(p *pair, ids [4]uint16)
		fault  Fault
		first  int // how many good ones come before
	}{
		"index ahead":        {false, func(p *pair, ids [4]uint16) { p.lie(0, uint32(ids[0]), 0, 4) }, FaultUsedIndex, 0},
		"index back":         {false, func(p *pair, ids [4]uint16) { p.lie(0, uint32(ids[0]), 0, 0xffff) }, FaultUsedIndex, 0},
		"no such id":         {false, func(p *pair, ids [4]uint16) { p.lie(0, 8, 0, 1) }, FaultID, 0},
		"a wide id":          {false, func(p *pair, ids [4]uint16) { p.lie(0, uint32(ids[0])|1<<16, 0, 1) }, FaultID, 0},
		"never asked":        {false, func(p *pair, ids [4]uint16) { p.lie(0, 7, 0, 1) }, FaultNotOffered, 0},
		"not offered":        {false, func(p *pair, ids [4]uint16) { p.lie(0, uint32(ids[3]), 0, 1) }, FaultNotOffered, 0},
		"too long":           {false, func(p *pair, ids [4]uint16) { p.lie(0, uint32(ids[0]), 9, 1) }, FaultLength, 0},
		"reads only":         {false, func(p *pair, ids [4]uint16) { p.lie(0, uint32(ids[2]), 1, 1) }, FaultLength, 0},
		"twice":              {false, func(p *pair, ids [4]uint16) { p.lie(0, uint32(ids[0]), 8, 1); p.lie(1, uint32(ids[0]), 8, 2) }, FaultNotOffered, 1},
		"packed no such id":  {true, func(p *pair, ids [4]uint16) { p.lie(0, 8, 0, good) }, FaultID, 0},
		"packed never asked": {true, func(p *pair, ids [4]uint16) { p.lie(0, 7, 0, good) }, FaultNotOffered, 0},
		"packed not offered": {true, func(p *pair, ids [4]uint16) { p.lie(0, uint32(ids[3]), 0, good) }, FaultNotOffered, 0},
		"packed too long":    {true, func(p *pair, ids [4]uint16) { p.lie(0, uint32(ids[0]), 9, good) }, FaultLength, 0},
		"packed twice": {true, func(p *pair, ids [4]uint16) { p.lie(0, uint32(ids[1]), 8, good); p.lie(1, uint32(ids[1]), 8, good) },
			FaultNotOffered, 1},
		"packed flags":      {true, func(p *pair, ids [4]uint16) { p.lie(0, uint32(ids[0]), 8, bad) }, FaultFlags, 0},
		"packed old wrap":   {true, func(p *pair, ids [4]uint16) { p.lie(0, uint32(ids[0]), 8, 0) }, FaultFlags, 0},
		"packed other bits": {true, func(p *pair, ids [4]uint16) { p.lie(0, uint32(ids[0]), 8, 0x80) }, FaultFlags, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p, ids := liar(t, QueueConfig{Index: 5, Size: 8, Packed: l.packed})
			l.lie(p, ids)
			for range l.first {
				if _, ok, err := p.queue.Used(); !ok || err != nil {
					t.Fatal(ok, err)
				}
			}
			_, ok, err := p.queue.Used()
			var d *DeviceError
			if ok || !errors.As(err, &d) || !errors.Is(err, ErrDevice) || d.Fault != l.fault || d.Queue != 5 {
				t.Fatal(ok, err)
			}
			p.isDead(t, err)
		})
	}
}

// isDead: a queue that has failed says the same to everything, until it is reset.
func (p *pair) isDead(t *testing.T, failure error) {
	q := p.queue
	_, _, err1 := q.Used()
	_, err2 := q.Kick()
	_, err3 := q.Add([]Element{p.data.Element(0, 1)}, nil)
	_, err4 := q.Arm()
	q.Quiet()
	if err1 != failure || err2 != failure || err3 != failure || err4 != failure || q.Err() != failure {
		t.Error(err1, err2, err3, err4)
	}
	q.Reset()
	p.ring = p.newRing(t)
	id, err := q.Add(nil, []Element{p.data.Element(0, 1)})
	if _, err := q.Kick(); err != nil || id != 0 {
		t.Error(err)
	}
	c, _, _ := p.ring.Next()
	p.ring.Use(c, 1)
	if u, ok, _ := q.Used(); !ok || u.ID != id || err != nil {
		t.Error(u, ok, err)
	}
}

// TestIgnored: what a device may write without meaning.
func TestIgnored(t *testing.T) {
	p, ids := liar(t, QueueConfig{Size: 8, Packed: true})
	p.lie(0, uint32(ids[2]), 77, 0x8080) // a length where there was no room for one (2.8.4)
	p.lie(1, uint32(ids[0]), 5, 0x8080)  // a length without VIRTQ_DESC_F_WRITE, as QEMU has it
	for _, want := range []Used{{ids[2], 0}, {ids[0], 5}} {
		if u, ok, err := p.queue.Used(); !ok || err != nil || u != want {
			t.Error(u, ok, err)
		}
	}
	// Of a packed queue with nothing in flight nothing is looked at.
	p = newPair(t, QueueConfig{Size: 8, Packed: true})
	p.lie(0, 99, 99, 0x8080)
	if _, ok, err := p.queue.Used(); ok || err != nil {
		t.Error(ok, err)
	}
	if more, err := p.queue.Arm(); more || err != nil {
		t.Error(more, err)
	}
}

// TestTakenBack: a device that says it has used a buffer, and then that it hasn't, is held
// to the first, so that who was told of more finds it.
func TestTakenBack(t *testing.T) {
	for _, packed := range []bool{false, true} {
		p, ids := liar(t, QueueConfig{Size: 8, Packed: packed})
		before := p.queue.memory.load(p.queue.word(0))
		used, back := uint16(1), uint16(0)
		if packed {
			used, back = 0x8080, uint16(before>>16)
		}
		p.lie(0, uint32(ids[0]), 3, used)
		if more, err := p.queue.Arm(); !more || err != nil {
			t.Fatal(more, err)
		}
		p.lie(0, uint32(ids[0]), 3, back)
		if u, ok, err := p.queue.Used(); !ok || err != nil || u != (Used{ids[0], 3}) {
			t.Error(packed, u, ok, err)
		}
		// And one that says at Arm what can't be fails there.
		p.lie(1, 99, 0, 0x4321)
		if more, err := p.queue.Arm(); more || !errors.Is(err, ErrDevice) {
			t.Error(packed, more, err)
		}
	}
}

func TestFaultNames(t *testing.T) {
	for f := Fault(1); f < numFaults; f++ {
		if f.String() == "" {
			t.Errorf("fault %d has no name", f)
		}
	}
	want := "virtio: the device used a buffer that doesn't exist (queue 2): 0x9, not 0x7"
	if s := (&DeviceError{Fault: FaultID, Queue: 2, Got: 9, Limit: 7}).Error(); s != want {
		t.Error(s)
	}
	if s := Fault(99).String(); s != "Fault(99)" {
		t.Error(s)
	}
}

// script reads choices from fuzz data; at its end all are 0.
type script []byte

func (s *script) byte() (b byte) {
	if len(*s) > 0 {
		b, *s = (*s)[0], (*s)[1:]
	}
	return b
}

func (s *script) n(n int) int { return int(s.byte()) % n }
func (s *script) word() uint32 {
	return uint32(s.byte()) | uint32(s.byte())<<8 | uint32(s.byte())<<16 | uint32(s.byte())<<24
}

// fuzzQueue runs a driver against a device that lies as the data says. The oracle knows
// which buffers are in flight and what they can hold: whatever the device writes, one
// comes back at most once, only when it was offered, with no more than it can hold; the
// driver's books stay right; and what it offers is within the buffers.
func fuzzQueue(t *testing.T, packed bool, data []byte) {
	s := script(data)
	how := s.byte()
	c := QueueConfig{Size: 1 << (how & 3), Packed: packed, EventIndex: how&4 != 0, Indirect: int(how >> 3 & 3)}
	if packed && how&32 != 0 {
		c.Size = 3 + int(how>>6)
	}
	p := newPairWith(t, c, 256)
	q := p.queue
	live := map[uint16]int{} // bytes that can be written
	offered := map[uint16]bool{}
	honest := true
	for len(s) > 0 && q.Err() == nil {
		switch op := s.byte(); op & 15 {
		case 0, 1, 2, 3:
			fuzzAdd(t, p, &s, live)
		case 4, 5:
			_, _ = q.Kick()
			for id := range live {
				offered[id] = true
			}
		case 6, 7:
			fuzzUsed(t, q, honest, live, offered)
		case 8: // as a driver goes on until there is nothing more, with lies in between
			for rounds, more := 0, true; more; rounds++ {
				if lie := s.byte(); lie&1 != 0 {
					honest = false
					p.lie(s.n(c.Size), uint32(s.n(c.Size+1)), uint32(s.n(16)), fuzzWord(&s, lie>>1, q))
				}
				if !fuzzUsed(t, q, honest, live, offered) {
					more, _ = q.Arm()
				}
				if rounds > 2*c.Size {
					t.Fatal("it goes on for ever")
				}
			}
		case 9:
			if more, _ := q.Arm(); more && !fuzzUsed(t, q, honest, live, offered) && q.Err() == nil {
				t.Fatal("there was one, and then none")
			}
		case 10:
			q.Quiet()
		case 11, 12: // honest, and only then: a chain of a liar's may be any
			if honest {
				if b, ok, err := p.ring.Next(); err != nil {
					t.Fatal(err)
				} else if ok {
					p.ring.Use(b, s.n(b.Room()+1))
				}
			}
		case 13:
			honest = false
			b := q.memory.bytes[:q.areas.size]
			binary.LittleEndian.PutUint16(b[int(s.word())%(len(b)/2)*2:], uint16(s.word()))
		default:
			honest = false
			p.lie(s.n(c.Size), uint32(s.n(c.Size+1)), uint32(s.n(80)), fuzzWord(&s, op>>4, q))
		}
		checkBooks(t, p, live)
	}
}

// fuzzWord makes up an index, or flags.
func fuzzWord(s *script, how byte, q *Queue) uint16 {
	if how&1 != 0 {
		return uint16(s.n(int(q.added) + 2))
	}
	return []uint16{0, 0x80, 0x8000, 0x8080, 0x8082, 0x81}[s.n(6)]
}

// fuzzUsed takes a used buffer and compares it with what is known.
func fuzzUsed(t *testing.T, q *Queue, honest bool, live map[uint16]int, offered map[uint16]bool) bool {
	u, ok, err := q.Used()
	if err != nil && (honest || !errors.Is(err, ErrDevice)) {
		t.Fatal(err)
	}
	if room, is := live[u.ID]; ok && (!is || !offered[u.ID] || int(u.Length) > room) {
		t.Fatalf("%+v, of buffers %v, offered %v", u, live, offered)
	}
	if ok {
		delete(live, u.ID)
		delete(offered, u.ID)
	}
	return ok
}

// fuzzAdd adds a buffer of elements of up to 16 bytes.
func fuzzAdd(t *testing.T, p *pair, s *script, live map[uint16]int) {
	var readable, writable []Element
	room := 0
	for range s.n(5) {
		n := s.n(16)
		e := p.data.Element(s.n(200), n)
		if s.byte()&1 == 0 {
			readable = append(readable, e)
		} else {
			writable = append(writable, e)
			room += n
		}
	}
	id, err := p.queue.Add(readable, writable)
	if err != nil {
		return
	}
	if _, is := live[id]; is || int(id) >= p.queue.Size() {
		t.Fatalf("id %d is in use", id)
	}
	live[id] = room
}

// checkBooks compares the queue's own records with the oracle's, and looks whether its
// free list still names each descriptor once.
func checkBooks(t *testing.T, p *pair, live map[uint16]int) {
	q := p.queue
	n, entries := 0, 0
	for id := range q.InFlight() {
		if room, is := live[id]; !is || int(q.buffers[id].writable) != room {
			t.Fatalf("buffer %d is in flight, of %v", id, live)
		}
		n++
		entries += int(q.buffers[id].entries)
	}
	if n != len(live) || q.Room() != q.Size()-entries || q.out > n {
		t.Fatalf("%d in flight, of %d; room for %d; the device has %d", n, len(live), q.Room(), q.out)
	}
	free := q.Room()
	if q.config.Packed {
		free = q.Size() - n // ids
	}
	seen := map[uint16]bool{}
	for i, d := 0, q.first; i < free; i, d = i+1, q.next[d] {
		if int(d) >= q.Size() || seen[d] || q.buffers[d].inUse {
			t.Fatalf("the free list has %d, the %dth of %d", d, i, free)
		}
		seen[d] = true
	}
}

func seeds(f *testing.F) {
	for how := range 64 {
		f.Add([]byte{byte(how * 4), 0, 2, 8, 1, 1, 9, 2, 0, 4, 11, 3, 6, 9, 0, 1, 7, 7, 1, 5, 12, 1, 8, 10, 7})
	}
	f.Add([]byte{3, 0, 1, 8, 1, 1, 4, 14, 0, 0, 1, 0, 1, 6, 6})
	f.Add([]byte{35, 0, 1, 8, 1, 1, 4, 15, 0, 0, 1, 3, 6, 6})
	f.Add([]byte{2, 0, 1, 8, 1, 1, 4, 13, 80, 0, 0, 0, 1, 0, 0, 0, 6})
}

// FuzzSplit: a device that writes what it likes to a split queue.
func FuzzSplit(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) { fuzzQueue(t, false, data) })
}

// FuzzPacked: a device that writes what it likes to a packed queue.
func FuzzPacked(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) { fuzzQueue(t, true, data) })
}
