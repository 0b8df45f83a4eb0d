// SPDX-License-Identifier: Apache-2.0

package frame

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// turnsOf compares ways to do the same: in each iteration every way has one turn
// of n operations, so that what else the computer does falls on all alike. It
// reports the median cost of an operation of each, and how many times that of
// the first way the others' are.
func turnsOf(b *testing.B, n int, names []string, ways []func(n int)) {
	took := make([][]float64, len(ways))
	for _, way := range ways {
		way(n) // warms up
	}
	for b.Loop() {
		for k, way := range ways {
			start := time.Now()
			way(n)
			took[k] = append(took[k], float64(time.Since(start).Nanoseconds())/float64(n))
		}
	}
	b.ReportMetric(0, "ns/op") // says nothing here
	median := func(k int) float64 {
		slices.Sort(took[k])
		return took[k][len(took[k])/2]
	}
	for k, name := range names {
		b.ReportMetric(median(k), name+"-ns")
		if k > 0 {
			b.ReportMetric(median(k)/median(0), name+"/"+names[0])
		}
	}
}

// BenchmarkPairVersusPool compares taking and freeing a frame with what a Go
// program would call cheap.
func BenchmarkPairVersusPool(b *testing.B) {
	a := newAllocator(b, 32*mib)
	p := sync.Pool{New: func() any { return new([64]byte) }}
	turnsOf(b, 20_000, []string{"pool", "pair"}, []func(int){
		func(n int) {
			for range n {
				p.Put(p.Get())
			}
		},
		func(n int) {
			for range n {
				pa, _ := a.Alloc(User)
				a.Free(pa, User)
			}
		},
	})
}

// churn is a contestant with slots for runs of frames, 90% of memory if all
// slots were full. A turn empties one slot after the other, at random, and fills
// it again with a run of another size. A slot for which there is no room stays
// empty until its next turn.
type churn struct {
	c      contestant
	slots  []extent
	size   func(*rand.Rand) uint64
	rng    *rand.Rand
	turns  int
	failed int
}

type extent struct{ first, n uint64 }

// sizes are distributions of run lengths of 1 to 512 frames.
var sizes = []struct {
	name string
	mean float64
	size func(*rand.Rand) uint64
}{
	{"uniform", 256.5, func(r *rand.Rand) uint64 { return r.Uint64N(512) + 1 }},
	{"log", 511 / math.Ln2 / 9, func(r *rand.Rand) uint64 { return uint64(math.Exp2(9 * r.Float64())) }},
}

// newChurn makes a churn of as many slots as hold 90% of c's frames, that has
// gone on for a while. From then on only active slots change; 0: all.
func newChurn(c contestant, mean float64, size func(*rand.Rand) uint64, active int) *churn {
	u := &churn{c: c, size: size, rng: rand.New(rand.NewPCG(3, 4))}
	u.slots = make([]extent, int(float64(c.left())*0.9/mean))
	for k := range u.slots {
		u.fill(&u.slots[k])
	}
	u.turn(10 * len(u.slots)) // what it looks like in the long run
	if active > 0 {
		u.slots = u.slots[:min(active, len(u.slots))]
	}
	u.failed, u.turns = 0, 0
	return u
}

func (u *churn) turn(n int) {
	for range n {
		s := &u.slots[u.rng.IntN(len(u.slots))]
		if s.n != 0 {
			u.c.give(s.first, s.n, Heap)
		}
		u.fill(s)
	}
	u.turns += n
}

func (u *churn) fill(s *extent) {
	var ok bool
	s.n = u.size(u.rng)
	if s.first, ok = u.c.take(s.n, 1, Heap); !ok {
		s.n = 0
		u.failed++
	}
}

// held is the number of frames in runs.
func (u *churn) held() (n uint64) {
	for _, s := range u.slots {
		n += s.n
	}
	return n
}

const gib = 1 << 30 >> 12 // frames of 1 GiB

// BenchmarkMixVersus: 1 to 512 frames at random at 90% occupancy. Beside the
// costs: what part of memory each contestant holds in runs, of the 90% that
// were asked for, and what part of the requests found no room. (A request that
// is refused costs next to nothing: who refuses more looks faster.)
func BenchmarkMixVersus(b *testing.B) {
	for _, size := range []struct {
		name   string
		frames uint64
	}{{"1GiB", gib}, {"16GiB", 16 * gib}} {
		for _, d := range sizes {
			b.Run(size.name+"/"+d.name, func(b *testing.B) { mixVersus(b, size.frames, d.mean, d.size) })
		}
	}
}

func mixVersus(b *testing.B, frames uint64, mean float64, size func(*rand.Rand) uint64) {
	var names []string
	var churns []*churn
	var ways []func(int)
	for _, c := range contestants {
		if frames > gib && strings.HasSuffix(c.name, " fit") {
			continue // tens of microseconds each: known from the smaller one
		}
		u := newChurn(c.make(b, frames), mean, size, 0)
		names, churns, ways = append(names, metricName(c.name)), append(churns, u), append(ways, u.turn)
	}
	turnsOf(b, 5000, names, ways)
	for k, u := range churns {
		b.ReportMetric(float64(u.held())/float64(frames)*100, names[k]+"-held%")
		b.ReportMetric(float64(u.failed)/float64(u.turns)*100, names[k]+"-refused%")
	}
}

// BenchmarkMixBySize: what the same costs more in 64 GiB than in 1 GiB: with all
// slots equally likely to go, of which 64 GiB have 64 times as many, and so many
// more records to have in the processor's caches; and with as many slots that
// come and go as 1 GiB has, for the cost of the way alone.
func BenchmarkMixBySize(b *testing.B) {
	d := sizes[0]
	for _, c := range contestants[:3] {
		for _, active := range []struct {
			name  string
			slots int
		}{{"all", 0}, {"same", 900}} {
			b.Run(metricName(c.name)+"/"+active.name, func(b *testing.B) {
				small := newChurn(c.make(b, gib), d.mean, d.size, active.slots)
				large := newChurn(c.make(b, 64*gib), d.mean, d.size, active.slots)
				turnsOf(b, 10_000, []string{"1GiB", "64GiB"}, []func(int){small.turn, large.turn})
			})
		}
	}
}

// metricName is a name without what a metric's unit may not have.
func metricName(s string) string {
	return string(slices.DeleteFunc([]byte(s), func(c byte) bool { return c == ' ' || c == ',' }))
}
