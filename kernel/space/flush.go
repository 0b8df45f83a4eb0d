// SPDX-License-Identifier: Apache-2.0

package space

// Flush is a range of addresses whose translations processors may have kept.
type Flush struct {
	Start uint64
	End   uint64 // exclusive

	// Tables: entries that lead to tables have changed, which a processor may keep
	// apart from those that lead to pages (metal.PagesApart).
	Tables bool
}

// Any reports whether there is anything to flush.
func (f Flush) Any() bool { return f.Start < f.End }

// Pages is the number of pages in the range. From a few dozen on it is
// cheaper to flush all.
func (f Flush) Pages() uint64 { return (f.End - f.Start) / PageSize }

// With returns a range that holds both f and g.
func (f Flush) With(g Flush) Flush {
	if !f.Any() {
		return g
	}
	if !g.Any() {
		return f
	}
	return Flush{min(f.Start, g.Start), max(f.End, g.End), f.Tables || g.Tables}
}

// TakeFlush returns what every processor must forget, and forgets it: for
// Config.Shoot, or without that, with TakeLocal's, for the one processor before
// it enters the space.
func (s *Space) TakeFlush() Flush {
	f := s.flush
	s.flush = Flush{}
	if s.shoot == nil {
		f = f.With(s.TakeLocal())
	}
	return f
}

// TakeLocal returns what only the processor that took the last fault need
// forget, and forgets it: rights were added, and another processor that doesn't
// know of them faults once more.
func (s *Space) TakeLocal() Flush {
	f := s.local
	s.local = Flush{}
	return f
}

// FlushDue reports whether TakeFlush or TakeLocal has something to say.
func (s *Space) FlushDue() bool { return s.flush.Any() || s.local.Any() }

const noPage = 1

// mustFlush adds a range to what every processor must forget, the space's own
// cached translation included: whatever makes that one stale comes through here.
func (s *Space) mustFlush(start, end uint64) {
	s.hot = translation{page: noPage}
	s.flush = s.flush.With(Flush{Start: start, End: end})
	s.Changes++
}

// mustFlushHere is mustFlush for rights that were only added.
func (s *Space) mustFlushHere(start, end uint64) {
	s.local = s.local.With(Flush{Start: start, End: end})
	s.tell()
}

// forget makes every processor forget what mustFlush has collected. From then
// on what the old translations led to can be given to others.
//
//loam:indirect loam/kernel/core.shoot
func (s *Space) forget() {
	if s.shoot == nil || !s.Loaded {
		s.tell()
		return
	}
	s.shoot(s)
}

// tell lets the owner know that TakeFlush or TakeLocal has something to say.
func (s *Space) tell() {
	if s.dirty != nil {
		*s.dirty |= s.dirtyBits
	}
}
