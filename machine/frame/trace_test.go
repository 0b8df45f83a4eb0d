// SPDX-License-Identifier: Apache-2.0

package frame

import (
	"container/heap"
	"math"
	"math/rand/v2"
)

// A day of a machine, as requests for frames: programs that start, grow, give
// back and end, with sizes and lives distributed log-normally and more of them
// at noon than at midnight; page tables; kernel objects, stacks and buffers; and
// a cache of files that takes what is left up to a mark. What is asked for does
// not depend on the allocator: who refuses a request is spared its end.

// request is one event: n frames taken under a name, or the name given back.
type request struct {
	name  uint32
	n     uint32 // 0: give back
	align uint32
	owner Owner
}

const (
	second  = 1.0
	minute  = 60 * second
	hour    = 60 * minute
	day     = 24 * hour
	pageRun = 16  // frames that the file cache reads ahead at most
	large   = 512 // frames of a large page

	// Parts of all frames.
	maxPrograms = 0.60 // beyond it no program is started
	maxFile     = 0.30 // of the file cache
	lowMark     = 0.86 // what it shrinks to
	highMark    = 0.88 // when that much is held
)

// trace makes the requests.
type trace struct {
	rng    *rand.Rand
	frames float64 // the machine's
	do     func(request)
	now    float64
	events events
	names  uint32
	sizes  map[uint32]uint32 // what is held, by name
	held   float64           // frames in it
	file   float64           // of them the file cache's
	cache  []uint32          // its names, oldest first
}

// program is one that runs.
type program struct {
	end     float64
	size    float64  // frames it will have asked for
	pages   []uint32 // names, by address
	objects []uint32 // names of page tables and kernel objects
	mapped  int      // frames that page tables were taken for
}

type event struct {
	at float64
	do func()
}

type events []event

func (e events) Len() int           { return len(e) }
func (e events) Less(i, j int) bool { return e[i].at < e[j].at }
func (e events) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)        { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

// newTrace is a trace for a machine with a number of frames.
func newTrace(seed, frames uint64, do func(request)) *trace {
	t := &trace{rng: rand.New(rand.NewPCG(seed, 7)), frames: float64(frames), do: do, sizes: map[uint32]uint32{}}
	for range 24 { // drivers' buffers, for ever
		t.take(16<<t.rng.IntN(5), 1, DMA)
	}
	t.at(0, t.arrive)
	t.at(0, t.transfer)
	t.at(0, t.objects)
	return t
}

// run goes on until a time.
func (t *trace) run(until float64) {
	for len(t.events) > 0 && t.events[0].at <= until {
		e := heap.Pop(&t.events).(event)
		t.now = e.at
		e.do()
	}
	t.now = until
}

func (t *trace) at(when float64, do func()) { heap.Push(&t.events, event{when, do}) }

// load is how busy the machine is at a time of the day, 0.2 to 1.
func (t *trace) load() float64 { return 0.6 - 0.4*math.Cos(2*math.Pi*t.now/day) }

// wait is the time to the next of something that happens, in a machine of 512 MiB
// at its busiest, every so often; a machine has work for the memory it has.
func (t *trace) wait(often float64) float64 {
	return t.rng.ExpFloat64() * often / t.load() * (512 << 20 >> 12) / t.frames
}

// logNormal draws around a median; half of all are within 0.67 sigma of it.
func (t *trace) logNormal(median, sigma float64) float64 {
	return median * math.Exp(sigma*t.rng.NormFloat64())
}

func (t *trace) take(n, align int, o Owner) uint32 {
	t.names++
	t.sizes[t.names] = uint32(n)
	t.held += float64(n)
	t.do(request{t.names, uint32(n), uint32(align), o})
	return t.names
}

func (t *trace) give(names ...uint32) {
	for _, name := range names {
		t.held -= float64(t.sizes[name])
		delete(t.sizes, name)
		t.do(request{name: name})
	}
}

// arrive starts a program and waits for the next.
func (t *trace) arrive() {
	t.at(t.now+t.wait(4*second), t.arrive)
	p := &program{size: min(t.logNormal(400, 1.7), t.frames/16)}
	if t.held-t.file+p.size > maxPrograms*t.frames {
		return // would not fit
	}
	p.end = t.now + min(t.logNormal(2*minute, 1.8), day/2)
	p.objects = append(p.objects, t.take(4, 1, Stack), t.take(1, 1, Context))
	for range 4 {
		p.objects = append(p.objects, t.take(1, 1, PageTable))
	}
	t.read()
	bursts := 1 + t.rng.IntN(8)
	for k := range bursts {
		when := t.now + (p.end-t.now)*float64(k)/float64(bursts)*t.rng.Float64()
		t.at(when, func() { t.grow(p, int(p.size)/bursts+1) })
	}
	t.at(p.end, func() {
		t.give(p.pages...)
		t.give(p.objects...)
		p.pages = nil
	})
}

// grow has a program touch n more frames. Some programs then give a part of
// what they have back.
func (t *trace) grow(p *program, n int) {
	if t.now >= p.end {
		return
	}
	for n > 0 {
		k, align := 1, 1
		if n >= large && t.rng.IntN(2) == 0 {
			k, align = large, large
		}
		p.pages = append(p.pages, t.take(k, align, User))
		n -= k
		for p.mapped += k; p.mapped >= large; p.mapped -= large {
			p.objects = append(p.objects, t.take(1, 1, PageTable))
		}
	}
	if t.rng.IntN(3) == 0 {
		lo := t.rng.IntN(len(p.pages))
		hi := lo + t.rng.IntN(len(p.pages)-lo)
		t.give(p.pages[lo:hi]...)
		p.pages = append(p.pages[:lo], p.pages[hi:]...)
	}
	t.read()
	t.shrink()
}

// read brings a file into the cache.
func (t *trace) read() {
	for n := int(min(t.logNormal(60, 1.8), 20_000)); n > 0; {
		k := min(n, pageRun)
		t.cache = append(t.cache, t.take(k, 1, UserFile))
		t.file += float64(k)
		n -= k
	}
	t.shrink()
}

// shrink drops what was read first from the cache when it is large or memory
// nearly full. A third of it has been read again since and stays.
func (t *trace) shrink() {
	low := lowMark * t.frames
	if t.held < highMark*t.frames {
		low = t.held // only what is too much
	}
	for (t.held > low || t.file > maxFile*t.frames) && len(t.cache) > 0 {
		name := t.cache[0]
		t.cache = t.cache[1:]
		if t.rng.IntN(3) == 0 {
			t.cache = append(t.cache, name)
			continue
		}
		t.file -= float64(t.sizes[name])
		t.give(name)
	}
}

// transfer is a device's buffer, of any length, for a moment.
func (t *trace) transfer() {
	t.at(t.now+t.wait(second/2), t.transfer)
	buffer := t.take(1+t.rng.IntN(64), 1, DMA)
	t.at(t.now+t.rng.ExpFloat64()*second, func() { t.give(buffer) })
}

// objects are what the kernel keeps for a while: pages of slabs, and of its heap.
func (t *trace) objects() {
	t.at(t.now+t.wait(second), t.objects)
	owner := Slab
	if t.rng.IntN(2) == 0 {
		owner = Heap
	}
	page := t.take(1, 1, owner)
	t.at(t.now+min(t.logNormal(10*minute, 2), day/2), func() { t.give(page) })
}
