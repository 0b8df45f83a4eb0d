// SPDX-License-Identifier: Apache-2.0

package virtio

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"loam/user/virtio/virtiotest"
)

// expected is the oracle's record of a buffer: what the device has to find, and where
// what it writes has to be.
type expected struct {
	slots []int // of data memory
	read  []byte
	write []piece
	room  int
	sent  []byte // what the device wrote; nil: it has not used the buffer
}

type piece struct{ at, n int }

// slotSize is a piece of data memory, which one buffer has at a time.
const slotSize = 64

// world is a random run of a driver and an honest device that both go by
// notifications alone.
type world struct {
	*pair
	t          *testing.T
	rng        *rand.Rand
	live       map[uint16]*expected
	taken      [testData / slotSize]bool
	order      []uint16           // what the device has not seen yet, as it was offered
	staged     []uint16           // and what was not offered
	held       []virtiotest.Chain // by the device
	doorbell   bool
	interrupt  bool
	added      int
	kicks      int
	interrupts int
	used       int
}

// buffer makes up a buffer.
func (w *world) buffer() (e *expected, readable, writable []Element) {
	e = &expected{}
	for range w.rng.IntN(min(6, w.queue.Size()) + 1) {
		slot := w.rng.IntN(len(w.taken))
		if w.taken[slot] {
			continue
		}
		w.taken[slot] = true
		e.slots = append(e.slots, slot)
		p := piece{slot * slotSize, 1 + w.rng.IntN(slotSize)}
		if w.rng.IntN(2) == 0 {
			w.fill(p)
			e.read = append(e.read, w.data.Bytes()[p.at:][:p.n]...)
			readable = append(readable, w.data.Element(p.at, p.n))
		} else {
			e.write = append(e.write, p)
			e.room += p.n
			writable = append(writable, w.data.Element(p.at, p.n))
		}
	}
	return e, readable, writable
}

func (w *world) fill(p piece) {
	b := w.data.Bytes()[p.at:][:p.n]
	for i := range b {
		b[i] = byte(w.rng.Uint32())
	}
}

func (w *world) release(e *expected) {
	for _, slot := range e.slots {
		w.taken[slot] = false
	}
}

// add adds a random buffer.
func (w *world) add() {
	e, readable, writable := w.buffer()
	n := len(readable) + len(writable)
	entries, want := n, error(nil)
	if n > 1 && n <= w.queue.config.Indirect {
		entries = 1
	}
	if n == 0 {
		want = ErrElements
	} else if entries > w.queue.Room() {
		want = ErrFull
	}
	id, err := w.queue.Add(readable, writable)
	if err != want {
		w.t.Fatalf("%d elements with room for %d: %v, not %v", n, w.queue.Room(), err, want)
	}
	if err != nil {
		w.release(e)
		return
	}
	if w.live[id] != nil {
		w.t.Fatalf("id %d is in use", id)
	}
	w.live[id] = e
	w.staged = append(w.staged, id)
	w.added++
}

func (w *world) kick() {
	notify, err := w.queue.Kick()
	if err != nil {
		w.t.Fatal(err)
	}
	w.order = append(w.order, w.staged...)
	w.staged = w.staged[:0]
	if notify {
		w.kicks++
		w.doorbell = true
	}
}

// take has the device take buffers, if it was notified, until there are none and it has
// asked for notifications.
func (w *world) take() {
	if !w.doorbell {
		return
	}
	w.doorbell = false
	w.ring.Listen(false)
	for listening := false; ; {
		c, ok, err := w.ring.Next()
		if err != nil {
			w.t.Fatal(err)
		}
		if !ok {
			if listening {
				return
			}
			w.ring.Listen(true)
			listening = true
			continue
		}
		if len(w.order) == 0 || c.ID != w.order[0] {
			w.t.Fatalf("buffer %d is available, not %v", c.ID, w.order)
		}
		e := w.live[c.ID]
		if !bytes.Equal(c.Read(), e.read) || c.Room() != e.room || len(c.Writable) != len(e.write) {
			w.t.Fatalf("buffer %d: %d bytes to read, %d elements with %d to write: %+v", c.ID, len(c.Read()), len(c.Writable), c.Room(), e)
		}
		w.order = w.order[1:]
		w.held = append(w.held, c)
	}
}

// use has the device use one of the buffers that it holds.
func (w *world) use() {
	if len(w.held) > 0 {
		w.useOne()
	}
	if w.rng.IntN(3) > 0 && w.ring.Interrupts() { // it may also wait with that
		w.interrupt = true
		w.interrupts++
	}
}

func (w *world) useOne() {
	i := w.rng.IntN(len(w.held))
	if w.rng.IntN(4) > 0 {
		i = 0
	}
	c := w.held[i]
	w.held = slices.Delete(w.held, i, i+1)
	e := w.live[c.ID]
	e.sent = make([]byte, w.rng.IntN(e.room+1))
	for i := range e.sent {
		e.sent[i] = byte(w.rng.Uint32())
	}
	c.Write(0, e.sent)
	w.ring.Use(c, len(e.sent))
}

// serve has the driver take used buffers, if it was notified.
func (w *world) serve() {
	if !w.interrupt {
		return
	}
	w.interrupt = false
	if w.rng.IntN(2) == 0 {
		w.queue.Quiet()
	}
	for {
		u, ok, err := w.queue.Used()
		if err != nil {
			w.t.Fatal(err)
		}
		if !ok {
			if w.rng.IntN(2) == 0 {
				w.use() // in the moment before the driver asks for notifications
			}
			if more, err := w.queue.Arm(); err != nil || !more {
				return
			}
			continue
		}
		e := w.live[u.ID]
		if e == nil || e.sent == nil || int(u.Length) != len(e.sent) {
			w.t.Fatalf("buffer %d, %d bytes: %+v", u.ID, u.Length, e)
		}
		w.compare(e)
		w.release(e)
		delete(w.live, u.ID)
		w.used++
	}
}

// compare looks whether what the device wrote is in the buffer.
func (w *world) compare(e *expected) {
	left := e.sent
	for _, p := range e.write {
		n := min(p.n, len(left))
		if !bytes.Equal(w.data.Bytes()[p.at:][:n], left[:n]) {
			w.t.Fatalf("%d bytes at %#x are not what the device wrote", n, p.at)
		}
		left = left[n:]
	}
}

// TestHonest: random sequences of a driver and a device that go by notifications alone.
// Nothing gets lost, each buffer comes back once with what the device wrote, and the
// device finds what was added, in order.
func TestHonest(t *testing.T) {
	for i, c := range configs(1, 2, 3, 8, 64, 100) {
		t.Run(c.String(), func(t *testing.T) {
			w := &world{pair: newPair(t, c), t: t, rng: rand.New(rand.NewPCG(uint64(i), 7)), live: map[uint16]*expected{}}
			for range 40_000 {
				switch w.rng.IntN(8) {
				case 0, 1, 2:
					w.add()
				case 3:
					w.kick()
				case 4:
					w.take()
				case 5, 6:
					w.use()
				default:
					w.serve()
				}
				w.check()
			}
			w.drain()
			if w.used != w.added || w.queue.Room() != c.Size {
				t.Errorf("%d buffers added, %d came back, room for %d", w.added, w.used, w.queue.Room())
			}
			t.Logf("%d buffers, %d kicks, %d interrupts", w.added, w.kicks, w.interrupts)
		})
	}
}

// drain ends a run: nothing new, and all that was added comes back.
func (w *world) drain() {
	w.kick()
	for range 10_000 {
		w.take()
		w.use()
		if w.ring.Interrupts() {
			w.interrupt = true
		}
		w.serve()
		if len(w.live) == 0 {
			return
		}
	}
	w.t.Fatalf("%d buffers never came back: staged %v, offered %v, held %d", len(w.live), w.staged, w.order, len(w.held))
}

// check compares the queue's own books with the oracle's.
func (w *world) check() {
	q := w.queue
	ids := slices.Collect(q.InFlight())
	if len(ids) != len(w.live) {
		w.t.Fatalf("%d buffers in flight, not %d", len(ids), len(w.live))
	}
	entries := 0
	for _, id := range ids {
		if w.live[id] == nil {
			w.t.Fatalf("buffer %d is in flight", id)
		}
		entries += int(q.buffers[id].entries)
	}
	if q.Room() != q.Size()-entries {
		w.t.Fatalf("room for %d of %d, with %d taken", q.Room(), q.Size(), entries)
	}
}
