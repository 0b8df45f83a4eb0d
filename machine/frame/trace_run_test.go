// SPDX-License-Identifier: Apache-2.0

package frame

import (
	"testing"
	"time"

	"loam/machine/phys"
)

// A surveyed contestant can be asked for its free blocks: what one request could
// take each of.
type surveyed interface {
	contestant
	blocks(yield func(first, n uint64))
}

func (l *loam) blocks(yield func(first, n uint64)) {
	s := l.a.Stats()
	for i := uint64(0); i < s.Total; {
		f := l.a.Frame((loamStart + i) << phys.PageShift)
		if f.State == StateFree || f.State == StateCached {
			yield(i, f.Run)
		}
		i += max(f.Run, 1)
	}
}

func (b *buddy) blocks(yield func(first, n uint64)) {
	for i, order := range b.state {
		if order != 0 {
			yield(uint64(i), 1<<(order-1))
		}
	}
}

func (b *bitmap) blocks(yield func(first, n uint64)) {
	for i := b.zero(0); i < b.n; {
		end := b.one(i)
		yield(i, end-i)
		i = b.zero(end)
	}
}

// alone is loam without the separation by owners.
type alone struct{ *loam }

func (l alone) take(n, align uint64, _ Owner) (uint64, bool) { return l.loam.take(n, align, Heap) }
func (l alone) give(first, n uint64, _ Owner)                { l.loam.give(first, n, Heap) }

// survey is what a contestant's free memory is good for.
type survey struct {
	largest float64 // the largest free block, a part of free memory
	usable  float64 // what could be had in large pages, a part of free memory
}

func look(c surveyed) survey {
	var free, largest, pages uint64
	c.blocks(func(first, n uint64) {
		free += n
		largest = max(largest, n)
		if lo, hi := (first+large-1)/large, (first+n)/large; hi > lo {
			pages += hi - lo
		}
	})
	return survey{float64(largest) / float64(free), float64(pages*large) / float64(free)}
}

// outcome is how a contestant lived through a trace.
type outcome struct {
	mean, worst survey
	requests    int // served
	splinters   int // large pages that had to be taken as single frames
	asked       int // large pages
	refused     int // other requests
	fullest     float64
	wasted      float64 // frames taken beyond what was asked for, of those, at the end
	took        time.Duration
}

// splintered is the part of large pages that were had as single frames.
func (o outcome) splintered() float64 { return float64(o.splinters) / float64(o.asked) }

// cost is the time of a request and its end, in ns.
func (o outcome) cost() float64 { return float64(o.took.Nanoseconds()) / float64(o.requests) }

// replay lets a contestant live through hours of a trace. From the given hour on
// it is looked at every ten minutes.
func replay(c surveyed, frames uint64, from, hours int) outcome {
	r := replayer{c: c, held: map[uint32]taking{}, out: outcome{worst: survey{1, 1}}}
	all := c.left()
	t := newTrace(1, frames, func(q request) { r.requests = append(r.requests, q) })
	looks := 0.0
	for now := 0.0; now < float64(hours)*hour; {
		now += 10 * minute
		t.run(now)
		start := time.Now()
		r.serve()
		r.out.took += time.Since(start)
		r.out.fullest = max(r.out.fullest, 1-float64(c.left())/float64(all))
		if now < float64(from)*hour {
			continue
		}
		s := look(c)
		looks++
		r.out.mean.largest += s.largest
		r.out.mean.usable += s.usable
		r.out.worst.largest = min(r.out.worst.largest, s.largest)
		r.out.worst.usable = min(r.out.worst.usable, s.usable)
	}
	r.out.mean.largest /= looks
	r.out.mean.usable /= looks
	r.out.wasted = float64(all-c.left())/float64(r.frames) - 1
	return r.out
}

// replayer serves the requests that have gathered.
type replayer struct {
	c        surveyed
	held     map[uint32]taking
	requests []request
	frames   uint64 // asked for and held
	out      outcome
}

// taking is what a name stands for.
type taking struct {
	extent
	owner   Owner
	singles []uint64 // in place of a large page
}

func (r *replayer) serve() {
	for _, q := range r.requests {
		if q.n == 0 {
			r.giveBack(q.name)
			continue
		}
		n, align := uint64(q.n), uint64(q.align)
		first, ok := r.c.take(n, align, q.owner)
		got := taking{extent{first, n}, q.owner, nil}
		if align == large {
			r.out.asked++
		}
		switch {
		case !ok && align == large:
			got.singles = r.splinter(q.owner)
			got.n = uint64(len(got.singles))
			r.out.splinters++
		case !ok:
			r.out.refused++
			continue
		}
		r.out.requests++
		r.frames += got.n
		r.held[q.name] = got
	}
	r.requests = r.requests[:0]
}

// splinter takes the frames of a large page one by one.
func (r *replayer) splinter(o Owner) (singles []uint64) {
	for range large {
		if i, ok := r.c.take(1, 1, o); ok {
			singles = append(singles, i)
		}
	}
	return singles
}

func (r *replayer) giveBack(name uint32) {
	got, ok := r.held[name]
	if !ok {
		return // was refused
	}
	delete(r.held, name)
	r.frames -= got.n
	if got.singles == nil {
		r.c.give(got.first, got.n, got.owner)
		return
	}
	for _, i := range got.singles {
		r.c.give(i, 1, got.owner)
	}
}

// livers are the contestants of the day. The indexed buddy stands for both: they
// choose the same frames.
var livers = []struct {
	name string
	make func(t testing.TB, frames uint64) surveyed
}{
	{"loam", func(t testing.TB, n uint64) surveyed { return newLoam(t, n) }},
	{"loam, one owner", func(t testing.TB, n uint64) surveyed { return alone{newLoam(t, n)} }},
	{"buddy, indexed", func(_ testing.TB, n uint64) surveyed { return newBuddy(n, true) }},
	{"buddy, ordered", func(_ testing.TB, n uint64) surveyed { return newOrdered(n) }},
	{"first fit", func(_ testing.TB, n uint64) surveyed { return newBitmap(n, firstFit) }},
	{"next fit", func(_ testing.TB, n uint64) surveyed { return newBitmap(n, nextFit) }},
}

const dayFrames = gib / 2

// BenchmarkDay: what a day leaves of free memory's large blocks.
func BenchmarkDay(b *testing.B) {
	for _, c := range livers {
		b.Run(metricName(c.name), func(b *testing.B) {
			var o outcome
			for b.Loop() {
				o = replay(c.make(b, dayFrames), dayFrames, 6, 24)
			}
			b.ReportMetric(0, "ns/op")
			for name, v := range map[string]float64{
				"largest/free": o.mean.largest, "2MiB/free": o.mean.usable,
				"splintered%": o.splintered() * 100, "refused": float64(o.refused),
				"wasted%": o.wasted * 100, "ns/request": o.cost(),
			} {
				b.ReportMetric(v, name)
			}
		})
	}
}

// TestMorning lets every contestant live through a few hours of a small machine:
// nothing is lost, nothing is taken beyond what was asked for but by who rounds
// up, and the allocator's invariants hold.
func TestMorning(t *testing.T) {
	const frames = gib / 8
	for _, c := range livers {
		l := c.make(t, frames)
		o := replay(l, frames, 1, 8)
		if o.requests < 100_000 || o.fullest < 0.5 || o.asked == 0 {
			t.Fatalf("%s: not much of a morning: %+v", c.name, o)
		}
		if rounds := c.name == "buddy, indexed"; rounds != (o.wasted > 0) {
			t.Errorf("%s: %.2f%% of the frames wasted", c.name, o.wasted*100)
		}
		if x, ok := l.(*loam); ok {
			check(t, x.a)
		}
	}
}
