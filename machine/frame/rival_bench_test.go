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

// way is one of several ways to do the same.
type way struct {
	name string
	turn func(n int)
}

// turnsOf compares ways: in each round, as long as more says so, every way has
// one turn of n operations, so that what else the computer does falls on all
// alike. It returns the median cost of an operation of each, in ns.
func turnsOf(more func() bool, n int, ways []way) []float64 {
	took := make([][]float64, len(ways))
	for _, w := range ways {
		w.turn(n) // warms up
	}
	for more() {
		for k, w := range ways {
			start := time.Now()
			w.turn(n)
			took[k] = append(took[k], float64(time.Since(start).Nanoseconds())/float64(n))
		}
	}
	medians := make([]float64, len(ways))
	for k := range took {
		slices.Sort(took[k])
		medians[k] = took[k][len(took[k])/2]
	}
	return medians
}

// reportTurns reports what turnsOf finds, and how many times the first way's
// cost the others' are.
func reportTurns(b *testing.B, n int, ways []way) {
	medians := turnsOf(b.Loop, n, ways)
	b.ReportMetric(0, "ns/op") // says nothing here
	for k, m := range medians {
		b.ReportMetric(m, metricName(ways[k].name)+"-ns")
		if k > 0 {
			b.ReportMetric(m/medians[0], metricName(ways[k].name+"/"+ways[0].name))
		}
	}
}

// pairAndPool are taking and freeing a frame, and what a Go program would call
// cheap.
func pairAndPool(t testing.TB) []way {
	a := newAllocator(t, 32*mib)
	p := sync.Pool{New: func() any { return new([64]byte) }}
	return []way{
		{"pool", func(n int) {
			for range n {
				p.Put(p.Get())
			}
		}},
		{"pair", func(n int) {
			for range n {
				pa, _ := a.Alloc(User)
				a.Free(pa, User)
			}
		}},
	}
}

func BenchmarkPairVersusPool(b *testing.B) { reportTurns(b, 20_000, pairAndPool(b)) }

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

const gib = 1 << 30 >> 12 // frames of 1 GiB

// mixture is what churns are compared for.
type mixture struct {
	name   string
	frames uint64
	size   int // of sizes
}

// mixes are 1 to 512 frames at random at 90% occupancy.
var mixes = []mixture{
	{"1GiB/uniform", gib, 0}, {"1GiB/log", gib, 1}, {"16GiB/uniform", 16 * gib, 0}, {"16GiB/log", 16 * gib, 1},
}

// churns are those of all contestants. The bitmaps search for tens of
// microseconds where memory is large, which is known from where it is not.
func (m mixture) churns(t testing.TB) (churns []*churn, ways []way) {
	for _, c := range contestants {
		if m.frames > gib && strings.HasSuffix(c.name, " fit") {
			continue
		}
		u := newChurn(c.make(t, m.frames), sizes[m.size].mean, sizes[m.size].size, 0)
		churns, ways = append(churns, u), append(ways, way{c.name, u.turn})
	}
	return churns, ways
}

// quality is what part of memory a churn holds in runs, of the 90% that were
// asked for, and what part of its requests found no room. (A request that is
// refused costs next to nothing: who refuses more looks faster.)
func (u *churn) quality(frames uint64) (held, refused float64) {
	var n uint64
	for _, s := range u.slots {
		n += s.n
	}
	return float64(n) / float64(frames), float64(u.failed) / float64(u.turns)
}

func BenchmarkMixVersus(b *testing.B) {
	for _, m := range mixes {
		b.Run(m.name, func(b *testing.B) {
			churns, ways := m.churns(b)
			reportTurns(b, 5000, ways)
			for k, u := range churns {
				held, refused := u.quality(m.frames)
				b.ReportMetric(held*100, metricName(ways[k].name)+"-held%")
				b.ReportMetric(refused*100, metricName(ways[k].name)+"-refused%")
			}
		})
	}
}

// bySize are the same in 1 GiB and 64 GiB: with all slots equally likely to go,
// of which 64 GiB have 64 times as many, and so many more records to have in
// the processor's caches; or with as many slots that come and go as 1 GiB has,
// for the cost of the way alone.
func bySize(t testing.TB, make func(testing.TB, uint64) contestant, slots int) []way {
	d := sizes[0]
	return []way{
		{"1GiB", newChurn(make(t, gib), d.mean, d.size, slots).turn},
		{"64GiB", newChurn(make(t, 64*gib), d.mean, d.size, slots).turn},
	}
}

const sameSlots = 900 // about what 1 GiB has

func BenchmarkMixBySize(b *testing.B) {
	for _, c := range contestants[:4] {
		b.Run(metricName(c.name)+"/all", func(b *testing.B) { reportTurns(b, 10_000, bySize(b, c.make, 0)) })
		b.Run(metricName(c.name)+"/same", func(b *testing.B) { reportTurns(b, 10_000, bySize(b, c.make, sameSlots)) })
	}
}

// metricName is a name without what a metric's unit may not have.
func metricName(s string) string {
	return string(slices.DeleteFunc([]byte(s), func(c byte) bool { return c == ' ' || c == ',' }))
}
