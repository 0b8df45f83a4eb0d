// SPDX-License-Identifier: Apache-2.0

package asid

import (
	"math/rand/v2"
	"testing"
)

// The model: spaces whose few pages lead somewhere, and CPUs that keep every
// translation they have used until they are told to forget it. What a CPU uses
// must be what the space says.

const (
	modelCPUs   = 3
	modelPages  = 4
	modelSpaces = 12
)

type modelSpace struct {
	number, changes uint64
	pages           [modelPages]uint64 // where each leads, 0: nowhere
	loaded          [modelCPUs]bool
}

type modelCPU struct {
	tags   Tags
	tag    uint64
	space  *modelSpace
	buffer map[uint64]map[int]uint64 // by tag and page
}

type model struct {
	draw   func(n int) int
	spaces [modelSpaces]*modelSpace
	cpus   [modelCPUs]modelCPU
	last   uint64 // number of a space, and what pages lead to
	kept   int    // loads that found something
}

func newModel(draw func(n int) int) *model {
	m := &model{draw: draw}
	for i := range m.spaces {
		m.spaces[i] = m.newSpace()
	}
	for i := range m.cpus {
		m.cpus[i].buffer = map[uint64]map[int]uint64{}
	}
	return m
}

func (m *model) newSpace() *modelSpace {
	m.last++
	return &modelSpace{number: m.last}
}

// load has a CPU load a space.
func (m *model) load(i int, s *modelSpace) {
	c := &m.cpus[i]
	if c.space != nil {
		c.space.loaded[i] = false
	}
	tag, stale := c.tags.Pick(s.number, s.changes)
	if stale {
		delete(c.buffer, tag)
	}
	m.kept += len(c.buffer[tag])
	c.tag, c.space, s.loaded[i] = tag, s, true
}

// change has a page lead elsewhere; those who have the space loaded are told.
func (m *model) change(s *modelSpace, page int) {
	if s.pages[page] != 0 {
		s.changes++
		for i := range m.cpus {
			if c := &m.cpus[i]; s.loaded[i] {
				delete(c.buffer[c.tag], page)
				c.tags.Seen(s.changes)
			}
		}
	}
	m.last++
	s.pages[page] = m.last
	if m.draw(4) == 0 {
		s.pages[page] = 0
	}
}

// use has a CPU use a page of the space that it has loaded.
func (m *model) use(t testing.TB, i, page int) {
	c := &m.cpus[i]
	if c.space == nil {
		return
	}
	if c.buffer[c.tag] == nil {
		c.buffer[c.tag] = map[int]uint64{}
	}
	want := c.space.pages[page]
	got, known := c.buffer[c.tag][page]
	if known && got != want {
		t.Fatalf("CPU %d uses %d for page %d of space %d, which leads to %d", i, got, page, c.space.number, want)
	}
	if want != 0 {
		c.buffer[c.tag][page] = want
	}
}

// end has a space end, and another begin in its place.
func (m *model) end(k int) {
	s := m.spaces[k]
	for i := range m.cpus {
		if s.loaded[i] {
			m.cpus[i].space = nil // the kernel's root
		}
	}
	m.spaces[k] = m.newSpace()
}

func (m *model) step(t testing.TB) {
	s := m.draw(modelSpaces)
	switch m.draw(8) {
	case 0, 1, 2:
		m.load(m.draw(modelCPUs), m.spaces[s])
	case 3:
		m.change(m.spaces[s], m.draw(modelPages))
	case 4:
		if m.draw(8) == 0 {
			m.end(s)
		}
	default:
		m.use(t, m.draw(modelCPUs), m.draw(modelPages))
	}
}

func TestModel(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 0))
		m := newModel(r.IntN)
		for range 50_000 {
			m.step(t)
		}
		if m.kept < 1000 {
			t.Errorf("seed %d: only %d translations were found again", seed, m.kept)
		}
	}
}

func FuzzModel(f *testing.F) {
	f.Add([]byte("\x00\x01\x02\x07\x03\x03\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m := newModel(func(n int) int {
			if len(data) == 0 {
				return 0
			}
			v := int(data[0])
			data = data[1:]
			return v % n
		})
		for len(data) > 0 {
			m.step(t)
		}
	})
}

// TestKeeps: the spaces that were loaded last keep what they have.
func TestKeeps(t *testing.T) {
	var tags Tags
	for s := uint64(1); s <= Count; s++ {
		if _, stale := tags.Pick(s, 7); !stale {
			t.Errorf("space %d finds translations of nobody", s)
		}
	}
	for s := uint64(1); s <= Count; s++ {
		tag, stale := tags.Pick(s, 7)
		if stale || tag == 0 || tag > Count {
			t.Errorf("space %d: tag %d, stale %v", s, tag, stale)
		}
	}
	if _, stale := tags.Pick(3, 8); !stale {
		t.Error("a space that has changed keeps what it had")
	}
	tags.Seen(9)
	if _, stale := tags.Pick(3, 9); stale {
		t.Error("a change that was seen is one again")
	}
	if _, stale := tags.Pick(99, 0); !stale {
		t.Error("another space gets what somebody left")
	}
}

func TestNothingAllocates(t *testing.T) {
	var tags Tags
	n := uint64(0)
	if a := testing.AllocsPerRun(100, func() { n++; tags.Pick(n%9+1, n); tags.Seen(n) }); a != 0 {
		t.Errorf("%v allocations", a)
	}
}
