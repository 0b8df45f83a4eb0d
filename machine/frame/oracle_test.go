// SPDX-License-Identifier: Apache-2.0

package frame

import "loam/machine/phys"

// model is the slow oracle: it knows every frame on its own.
type model struct {
	runs   map[uint64]*run // by first frame
	holder map[uint64]*run // by each taken frame
	spans  [][2]uint64     // regions in frames, end exclusive
}

type run struct {
	first, n uint64
	owner    Owner
	count    uint32
}

func newModel() *model {
	return &model{runs: map[uint64]*run{}, holder: map[uint64]*run{}}
}

// adopt learns the regions and what is taken from a fresh allocator.
func (m *model) adopt(a *Allocator) {
	for k := range a.count {
		r := &a.regions[k]
		m.spans = append(m.spans, [2]uint64{r.base, r.base + r.n})
		for pfn := r.base; pfn < r.base+r.n; {
			f := a.Frame(pfn << phys.PageShift)
			if f.Owner != Nobody {
				m.add(pfn, f.Run, f.Owner)
			}
			pfn += f.Run
		}
	}
}

func (m *model) add(first, n uint64, o Owner) {
	r := &run{first, n, o, 1}
	m.runs[first] = r
	for k := range n {
		m.holder[first+k] = r
	}
}

func (m *model) remove(r *run) {
	delete(m.runs, r.first)
	for k := range r.n {
		delete(m.holder, r.first+k)
	}
}

// inRegion says whether frames first up to first+n lie in one region.
func (m *model) inRegion(first, n uint64) bool {
	for _, s := range m.spans {
		if first >= s[0] && first+n <= s[1] {
			return true
		}
	}
	return false
}

// possible says whether an aligned block of the order is free whose first n
// frames end at or below limit.
func (m *model) possible(order int, n, limit uint64) bool {
	size := uint64(1) << order
	for _, s := range m.spans {
	blocks:
		for b := (s[0] + size - 1) / size * size; b+size <= s[1]; b += size {
			if (b+n)<<phys.PageShift-1 > limit {
				break
			}
			for pfn := b; pfn < b+size; pfn++ {
				if m.holder[pfn] != nil {
					continue blocks
				}
			}
			return true
		}
	}
	return false
}

func (m *model) free() uint64 {
	n := uint64(0)
	for _, s := range m.spans {
		n += s[1] - s[0]
	}
	return n - uint64(len(m.holder))
}

// verdict predicts the answer to freeing n frames at pa for the owner.
func (m *model) verdict(pa, n uint64, o Owner) Code {
	h := m.holder[pa>>phys.PageShift]
	switch {
	case pa%phys.PageSize != 0 || !m.inRegion(pa>>phys.PageShift, 1):
		return BadAddress
	case !o.valid():
		return BadOwner
	case h == nil:
		return NotTaken
	case h.first != pa>>phys.PageShift:
		return NotHead
	case h.owner != o:
		return WrongOwner
	case h.n != n:
		return WrongCount
	case h.count != 1:
		return Shared
	}
	return OK
}
