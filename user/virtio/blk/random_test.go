// SPDX-License-Identifier: Apache-2.0

package blk

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"loam/user/virtio"
)

// kinds are feature sets of the transport.
var kinds = []uint64{
	virtio.FeatureVersion1, virtio.FeatureVersion1 | virtio.FeatureIndirect | virtio.FeatureEventIndex,
	virtio.FeatureVersion1 | virtio.FeatureRingPacked, virtio.FeatureVersion1 | virtio.FeatureRingPacked | virtio.FeatureIndirect | virtio.FeatureEventIndex,
}

const writable = features &^ featureReadOnly

// TestRandom: random requests, many in flight and done in any order, against a model that
// is a slice. No two in flight touch the same sectors.
func TestRandom(t *testing.T) {
	for i, kind := range kinds {
		w := open(t, kind|writable)
		w.hold = true
		r := &run{world: w, rng: rand.New(rand.NewPCG(uint64(i), 1)), want: make([]byte, len(w.model.disk)), live: map[Tag]*op{}}
		for range 20_000 {
			switch r.rng.IntN(5) {
			case 0, 1:
				r.ask()
			case 2:
				if err := w.disk.Kick(); err != nil {
					t.Fatal(err)
				}
			case 3:
				if len(w.held) > 0 {
					w.finish(r.rng.IntN(len(w.held)))
				}
			default:
				r.done()
			}
		}
		for len(r.live) > 0 {
			_ = w.disk.Kick()
			for len(w.held) > 0 {
				w.finish(0)
			}
			r.done()
		}
		if !bytes.Equal(w.model.disk, r.want) || w.dev.Err != nil || w.disk.InFlight() != 0 {
			t.Errorf("kind %#x: %v, %d in flight", kind, w.dev.Err, w.disk.InFlight())
		}
		t.Logf("kind %#x: %d requests, %d flushes", kind, r.count, w.flushed)
	}
}

type run struct {
	*world
	rng   *rand.Rand
	want  []byte
	live  map[Tag]*op
	busy  [capacity]bool
	count int
}

type op struct {
	kind      int
	sector, n int
	at        int // of its data
	want      []byte
}

// ask makes a random request.
func (r *run) ask() {
	o := &op{kind: r.rng.IntN(6), sector: r.rng.IntN(capacity), n: 1 + r.rng.IntN(7)}
	o.n = min(o.n, capacity-o.sector)
	if o.kind < 4 {
		for s := range o.n {
			if r.busy[o.sector+s] {
				return
			}
		}
	}
	if o.at = r.place(); o.at < 0 {
		return
	}
	size := o.n * SectorSize
	disk := r.want[o.sector*SectorSize:][:size]
	data := r.data.Bytes()[o.at:][:size]
	cut := r.rng.IntN(size)
	elements := []virtio.Element{r.data.Element(o.at, size)}
	if cut > 0 && r.rng.IntN(2) == 0 {
		elements = []virtio.Element{r.data.Element(o.at, cut), r.data.Element(o.at+cut, size-cut)}
	}
	var tag Tag
	var err error
	ranges := []Range{{uint64(o.sector), uint32(o.n)}}
	switch o.kind {
	case 0:
		tag, err = r.disk().Read(uint64(o.sector), elements)
		o.want = bytes.Clone(disk)
	case 1:
		for i := range data {
			data[i] = byte(r.rng.Uint32())
		}
		tag, err = r.disk().Write(uint64(o.sector), elements)
		o.want = bytes.Clone(data)
	case 2:
		tag, err = r.disk().Discard(ranges)
		o.want = make([]byte, size)
	case 3:
		tag, err = r.disk().WriteZeroes(ranges, r.rng.IntN(2) == 0)
		o.want = make([]byte, size)
	case 4:
		tag, err = r.disk().Flush()
	default:
		tag, err = r.disk().AskName()
	}
	if err != nil {
		if !errors.Is(err, virtio.ErrFull) {
			r.t.Fatal(err)
		}
		return
	}
	if r.live[tag] != nil {
		r.t.Fatalf("tag %d is in use", tag)
	}
	r.live[tag] = o
	r.mark(o, true)
	r.count++
}

// place gives memory that no request in flight has, -1 if there is none.
func (r *run) place() int {
	var taken [1 << 4]bool
	for _, o := range r.live {
		taken[o.at/4096] = true
	}
	for i, t := range taken {
		if !t {
			return i * 4096
		}
	}
	return -1
}

func (r *run) disk() *Disk { return r.world.disk }

func (r *run) mark(o *op, busy bool) {
	for s := range o.n {
		if o.kind < 4 {
			r.busy[o.sector+s] = busy
		}
	}
}

// done takes what is done and compares.
func (r *run) done() {
	for {
		d, ok, err := r.disk().Done()
		if err != nil || d.Err != nil {
			r.t.Fatal(err, d)
		}
		if !ok {
			if more, err := r.disk().Arm(); err != nil {
				r.t.Fatal(err)
			} else if !more {
				return
			}
			continue
		}
		o := r.live[d.Tag]
		if o == nil {
			r.t.Fatalf("tag %d is not in flight", d.Tag)
		}
		delete(r.live, d.Tag)
		r.mark(o, false)
		switch {
		case o.kind == 0 && !bytes.Equal(r.data.Bytes()[o.at:][:len(o.want)], o.want):
			r.t.Fatalf("%d sectors at %d are wrong", o.n, o.sector)
		case o.kind > 0 && o.kind < 4:
			copy(r.want[o.sector*SectorSize:], o.want)
		case o.kind == 5 && r.disk().Name(d.Tag) != "a disk":
			r.t.Fatalf("name %q", r.disk().Name(d.Tag))
		}
	}
}
