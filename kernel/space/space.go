// SPDX-License-Identifier: Apache-2.0

package space

import (
	"loam/abi"
	"loam/machine/frame"
	"loam/machine/paging"
)

// DefaultMaxAreas is how many areas a space may have by default, Linux's
// max_map_count.
const DefaultMaxAreas = 65530

// Config is what a space is made from.
type Config struct {
	Env       paging.Env
	Kernel    paging.Tables // whose kernel part the space shares
	Pool      *Pool         // of nodes
	Low       uint64        // first address of the space, at least a page
	High      uint64        // end of its addresses, at most Env.Format.UserEnd
	MaxAreas  int           // 0: DefaultMaxAreas
	MaxFrames uint64        // frames of user memory, 0: no limit; tables count, but may exceed it by 3

	// Dirty, if it is not nil, is told by DirtyBits being set in it whenever
	// TakeFlush gets something to say.
	Dirty     *uint32
	DirtyBits uint32
}

// Space is the address space of a process. The zero value is an empty space
// that was destroyed.
type Space struct {
	areas  Areas
	tables paging.Tables
	env    paging.Env
	low    uint64
	high   uint64

	frames uint64 // charged: user memory and tables, without the root
	peak   uint64
	limit  uint64
	faults uint64

	flush     Flush
	dirty     *uint32
	dirtyBits uint32
	hot       translation

	brkStart uint64
	brk      uint64
	cursor   uint64 // of Destroy
	batch    paging.Batch
}

// translation is the page that the kernel reached last.
type translation struct {
	page  uint64 // 1, which no page is: none
	pa    uint64
	prot  Prot
	pairs uint64 // offsets below it have room for two words; 0 if the page can't be written
}

// Stats are the figures of a space.
type Stats struct {
	Areas  int
	Frames uint64 // owned now, page tables included
	Peak   uint64 // the most there ever were
	Faults uint64 // resolved page faults
}

// Init makes s an empty space. ENOMEM: no frame for its root table. EINVAL: a
// range that the format doesn't have.
func (s *Space) Init(c *Config) abi.Errno {
	if c.Low < PageSize || c.Low%PageSize != 0 || c.High%PageSize != 0 ||
		c.Low >= c.High || c.High > c.Env.Format.UserEnd {
		return abi.EINVAL
	}
	root, code := c.Kernel.NewRoot(c.Env)
	if code != paging.OK {
		return abi.ENOMEM
	}
	*s = Space{tables: root, env: c.Env, low: c.Low, high: c.High, limit: c.MaxFrames,
		dirty: c.Dirty, dirtyBits: c.DirtyBits}
	if s.limit == 0 {
		s.limit = ^uint64(0)
	}
	maxAreas := c.MaxAreas
	if maxAreas == 0 {
		maxAreas = DefaultMaxAreas
	}
	s.areas.Init(c.Pool, maxAreas)
	s.hot = translation{page: noPage}
	s.cursor = s.low
	return 0
}

// Root is the physical address of the root page table.
func (s *Space) Root() uint64 { return s.tables.Root }

// Areas returns the set of areas, for reading.
func (s *Space) Areas() *Areas { return &s.areas }

// Stats returns the figures.
func (s *Space) Stats() Stats {
	return Stats{s.areas.Len(), s.frames, s.peak, s.faults}
}

// Destroy gives back what the space owns, a bounded piece a call, and returns
// true when nothing is left. No processor may use the space any more, nor
// anyone else, from the first call on.
func (s *Space) Destroy() (done bool) {
	if s.tables.Root == 0 {
		return true
	}
	if s.cursor < s.high {
		if s.tables.UnmapRange(s.env, s.cursor, s.high, &s.batch) == paging.More {
			s.cursor = s.batch.Next
		} else {
			s.cursor = s.high
		}
		s.release()
		return false
	}
	const areasAtOnce = 64
	if s.areas.Clear(areasAtOnce) {
		return false
	}
	s.tables.FreeRoot(s.env)
	*s = Space{}
	return true
}

// Flush is a range of addresses whose translations processors may have kept.
type Flush struct {
	Start uint64
	End   uint64 // exclusive
}

// Any reports whether there is anything to flush.
func (f Flush) Any() bool { return f.Start < f.End }

// Pages is the number of pages in the range. From a few dozen on it is
// cheaper to flush all.
func (f Flush) Pages() uint64 { return (f.End - f.Start) / PageSize }

// TakeFlush returns what must be flushed before user code runs in the space
// again, and forgets it.
func (s *Space) TakeFlush() Flush {
	f := s.flush
	s.flush = Flush{}
	return f
}

const noPage = 1

// mustFlush adds a range to what must be flushed, the space's own cached
// translation included: whatever makes that one stale comes through here.
func (s *Space) mustFlush(start, end uint64) {
	s.hot = translation{page: noPage}
	if s.dirty != nil {
		*s.dirty |= s.dirtyBits
	}
	if !s.flush.Any() {
		s.flush = Flush{start, end}
		return
	}
	s.flush.Start = min(s.flush.Start, start)
	s.flush.End = max(s.flush.End, end)
}

// unmapPages gives back the pages of a range. The areas are not its business.
func (s *Space) unmapPages(start, end uint64) {
	for {
		code := s.tables.UnmapRange(s.env, start, end, &s.batch)
		if s.batch.Flush {
			s.mustFlush(start, s.batch.Next)
		}
		s.release()
		if code != paging.More {
			return
		}
		start = s.batch.Next
	}
}

// protectPages changes the rights of the pages that are mapped in a range.
func (s *Space) protectPages(start, end uint64, prot Prot) {
	for {
		code := s.tables.ProtectRange(s.env, start, end, paging.Prot(prot)|paging.User, &s.batch)
		if s.batch.Flush {
			s.mustFlush(start, s.batch.Next)
		}
		if code != paging.More {
			return
		}
		start = s.batch.Next
	}
}

// release gives the frames of the batch back. With several processors, those
// that run this space must have flushed before.
func (s *Space) release() {
	before := s.owned()
	s.batch.Release(s.env.Frames)
	s.charge(before)
}

// owned is the number of frames in use by all spaces. What an operation, under
// the machine lock, adds to it is what the operation cost its space.
func (s *Space) owned() uint64 {
	return s.env.Frames.Owned(frame.User) + s.env.Frames.Owned(frame.PageTable)
}

// charge accounts for the frames taken or given since owned was before.
func (s *Space) charge(before uint64) {
	s.frames += s.owned() - before
	if s.frames > s.peak {
		s.peak = s.frames
	}
}
