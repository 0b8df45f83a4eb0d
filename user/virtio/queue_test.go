// SPDX-License-Identifier: Apache-2.0

package virtio

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"testing"

	"loam/user/virtio/virtiotest"
)

// testAddress is where tests' memory is.
const testAddress = 0x8_1234_0000

// pair is a queue, the device behind it, and memory for buffers.
type pair struct {
	guest virtiotest.Guest
	queue *Queue
	ring  *virtiotest.Ring
	data  Memory
}

const testData = 1 << 16

func newPair(t testing.TB, c QueueConfig) *pair { return newPairWith(t, c, testData) }

// newPairWith makes a pair with so many bytes of data memory.
func newPairWith(t testing.TB, c QueueConfig, size int) *pair {
	t.Helper()
	b := make([]byte, c.Bytes()+size+2*cacheLine)
	m, err := NewMemory(b, testAddress)
	if err != nil {
		t.Fatal(err)
	}
	arena := NewArena(m)
	area, err := arena.Cut(c.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	data, err := arena.Cut(size)
	if err != nil {
		t.Fatal(err)
	}
	q, err := NewQueue(c, area)
	if err != nil {
		t.Fatal(err)
	}
	p := &pair{guest: virtiotest.Guest{Bytes: b, Address: testAddress}, queue: q, data: data}
	p.ring = p.newRing(t)
	return p
}

// newRing makes the device's side of the queue anew.
func (p *pair) newRing(t testing.TB) *virtiotest.Ring {
	d, driver, device := p.queue.addresses()
	c := p.queue.config
	r := &virtiotest.Ring{Guest: p.guest, Size: c.Size, Packed: c.Packed, EventIndex: c.EventIndex, Indirect: c.Indirect > 0,
		Descriptors: d, Driver: driver, Device: device}
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	return r
}

// configs are all kinds of queues.
func configs(sizes ...int) (all []QueueConfig) {
	for _, size := range sizes {
		for i := range 8 {
			c := QueueConfig{Index: 3, Size: size, Packed: i&1 != 0, EventIndex: i&2 != 0}
			if i&4 != 0 {
				c.Indirect = 4
			}
			if c.Packed || size&(size-1) == 0 {
				all = append(all, c)
			}
		}
	}
	return all
}

func (c QueueConfig) String() string {
	return fmt.Sprintf("size=%d packed=%v event=%v indirect=%d", c.Size, c.Packed, c.EventIndex, c.Indirect)
}

// TestStubborn: a buffer that stays with the device while more than 65536 pass,
// so that every counter of 16 bits goes round, with a ring that isn't a multiple.
func TestStubborn(t *testing.T) {
	for _, c := range configs(4, 7) {
		t.Run(c.String(), func(t *testing.T) {
			p := newPair(t, c)
			stay, _ := p.queue.Add([]Element{p.data.Element(0, 1)}, nil)
			_, _ = p.queue.Kick()
			old, _, _ := p.ring.Next()
			e := []Element{p.data.Element(64, 8)}
			for i := range 70_000 {
				id, err := p.queue.Add(nil, e)
				if err != nil {
					t.Fatal(i, err)
				}
				_, _ = p.queue.Kick()
				b, ok, err := p.ring.Next()
				if !ok || err != nil {
					t.Fatal(i, ok, err)
				}
				p.ring.Use(b, 8)
				u, ok, err := p.queue.Used()
				if !ok || err != nil || u != (Used{id, 8}) {
					t.Fatal(i, u, ok, err)
				}
			}
			p.ring.Use(old, 0)
			if u, ok, err := p.queue.Used(); !ok || err != nil || u.ID != stay {
				t.Fatal(u, ok, err)
			}
		})
	}
}

// TestConcurrent: driver and device on threads of their own. Under the race detector it
// shows that each side's words order what lies behind them.
func TestConcurrent(t *testing.T) {
	for _, c := range configs(16) {
		t.Run(c.String(), func(t *testing.T) {
			p := newPair(t, c)
			const n = 5000
			done := make(chan error, 1)
			go func() { done <- echo(p.ring, n) }()
			in := 0
			for out := 0; in < n; {
				if out < n {
					at := out % 64 * 64
					p.data.Bytes()[at] = byte(out)
					if _, err := p.queue.Add([]Element{p.data.Element(at, 1)}, []Element{p.data.Element(at+1, 1), p.data.Element(at+2, 1)}); err == nil {
						out++
						_, _ = p.queue.Kick()
					}
				}
				u, ok, err := p.queue.Used()
				if err != nil {
					t.Fatal(err)
				}
				if !ok {
					runtime.Gosched()
					continue
				}
				at := in % 64 * 64
				if b := p.data.Bytes()[at:][:3]; u.Length != 2 || b[1] != b[0]+1 || b[2] != b[0]+2 {
					t.Fatalf("%d: % x, %d bytes", in, b, u.Length)
				}
				in++
			}
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}

// echo is a device that answers n buffers in order.
func echo(r *virtiotest.Ring, n int) error {
	for n > 0 {
		c, ok, err := r.Next()
		if err != nil {
			return err
		}
		if !ok {
			runtime.Gosched()
			continue
		}
		x := c.Readable[0][0]
		c.Write(0, []byte{x + 1, x + 2})
		r.Use(c, 2)
		n--
	}
	return nil
}

// TestNoAllocation: in steady state a request allocates nothing.
func TestNoAllocation(t *testing.T) {
	for _, c := range configs(16) {
		if n := testing.AllocsPerRun(1000, roundTrip(t, newPair(t, c))); n != 0 {
			t.Errorf("%v: %v allocations", c, n)
		}
	}
}

// roundTrip gives a function that makes a request of three elements, as a block
// device's are, and answers it.
func roundTrip(t testing.TB, p *pair) func() {
	header, body, status := p.data.Element(0, 16), p.data.Element(512, 512), p.data.Element(1024, 1)
	entries := 3
	if p.queue.config.Indirect > 0 {
		entries = 1
	}
	return func() {
		id, err := p.queue.Add([]Element{header}, []Element{body, status})
		if err != nil {
			t.Fatal(err)
		}
		if _, err = p.queue.Kick(); err != nil {
			t.Fatal(err)
		}
		p.ring.Answer(id, entries, 513)
		if u, ok, err := p.queue.Used(); !ok || err != nil || u.ID != id {
			t.Fatal(u, ok, err)
		}
		if _, err := p.queue.Arm(); err != nil {
			t.Fatal(err)
		}
	}
}

func BenchmarkRequest(b *testing.B) {
	for _, c := range configs(256) {
		b.Run(c.String(), func(b *testing.B) {
			round := roundTrip(b, newPair(b, c))
			b.ReportAllocs()
			for b.Loop() {
				round()
			}
		})
	}
}

func TestElements(t *testing.T) {
	p := newPair(t, QueueConfig{Size: 4})
	before := bytes.Clone(p.guest.Bytes)
	ok := p.data.Element(0, 1)
	for name, e := range map[string][2][]Element{
		"nothing":  {},
		"empty":    {{p.data.Element(0, 0)}},
		"before":   {{p.data.Element(-1, 2)}},
		"behind":   {{ok}, {p.data.Element(p.data.Size(), 1)}},
		"across":   {{ok, p.data.Element(p.data.Size()-1, 2)}},
		"too many": {{ok, ok, ok}, {ok, ok}},
		"too much": {{ok, {testAddress, 1<<32 - 1}}},
	} {
		if _, err := p.queue.Add(e[0], e[1]); !errors.Is(err, ErrElements) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !bytes.Equal(before, p.guest.Bytes) || p.queue.Room() != 4 {
		t.Error("a refused buffer left traces")
	}
	for range 4 {
		if _, err := p.queue.Add([]Element{ok}, nil); err != nil {
			t.Error(err)
		}
	}
	if _, err := p.queue.Add([]Element{ok}, nil); !errors.Is(err, ErrFull) {
		t.Error(err)
	}
}

func TestQueueConfig(t *testing.T) {
	m, _ := NewMemory(make([]byte, 1<<20), testAddress)
	for _, c := range []QueueConfig{
		{}, {Size: 3}, {Size: -1}, {Size: MaxQueueSize * 2}, {Size: MaxQueueSize + 1, Packed: true},
		{Size: 4, Indirect: -1}, {Size: 4, Index: 1 << 16}, {Size: 4, Indirect: MaxQueueSize + 1},
	} {
		if _, err := NewQueue(c, m); !errors.Is(err, ErrMemory) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	c := QueueConfig{Size: 8}
	small := Memory{m.bytes[:c.Bytes()-1], m.address}
	if _, err := NewQueue(c, small); !errors.Is(err, ErrMemory) {
		t.Error(err)
	}
	for _, a := range []uint64{1, 8, 1<<64 - 16} {
		if _, err := NewMemory(make([]byte, 64), a); !errors.Is(err, ErrMemory) {
			t.Errorf("address %#x: %v", a, err)
		}
	}
}

// TestQuiet: a quiet queue isn't notified, an armed one is, once.
func TestQuiet(t *testing.T) {
	for _, c := range configs(8) {
		p := newPair(t, c)
		use := func() bool {
			_, _ = p.queue.Add(nil, []Element{p.data.Element(0, 1)})
			_, _ = p.queue.Kick()
			b, _, _ := p.ring.Next()
			p.ring.Use(b, 0)
			return p.ring.Interrupts()
		}
		for round := range 5 {
			p.queue.Quiet()
			for range 3 {
				if use() {
					t.Errorf("%v: notified though quiet, in round %d", c, round)
				}
			}
			for range 3 {
				if more, err := p.queue.Arm(); !more || err != nil {
					t.Errorf("%v: %v, %v", c, more, err)
				}
				_, _, _ = p.queue.Used()
			}
			if more, _ := p.queue.Arm(); more || !use() {
				t.Errorf("%v: not notified though armed, in round %d", c, round)
			}
			if second := use(); second != !c.EventIndex {
				t.Errorf("%v: notified of the second: %v", c, second)
			}
			for range 2 {
				_, _, _ = p.queue.Used()
			}
		}
	}
}
