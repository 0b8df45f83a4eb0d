// SPDX-License-Identifier: Apache-2.0

package space

import (
	"loam/abi"
	"loam/kernel/memory"
	"loam/machine/paging"
)

// DefaultMaxAreas is how many areas a space may have by default, Linux's
// max_map_count.
const DefaultMaxAreas = 65530

// Config is what a space is made from.
type Config struct {
	Env       paging.Env
	Kernel    paging.Tables   // whose kernel part the space shares
	Pool      *Pool           // of nodes
	Objects   *memory.Objects // that areas can map; nil: none
	Low       uint64          // first address of the space, at least a page
	High      uint64          // end of its addresses, at most Env.Format.UserEnd
	MaxAreas  int             // 0: DefaultMaxAreas
	MaxFrames uint64          // frames of user memory, 0: no limit; tables count, but may exceed it by 3

	// Account pays for every frame that the space owns, the root table included,
	// and for a few in advance (advance). nil: nobody does. It has to stay until
	// Destroy is done.
	Account *memory.Account

	// Shoot makes every processor forget what TakeFlush says, and returns when
	// that is so. It is called when translations went or lead elsewhere now,
	// before the frames behind the old ones are given back. nil: with one
	// processor, which does that before it enters the space again.
	Shoot func(*Space)

	// Dirty, if it is not nil, is told by DirtyBits being set in it whenever
	// TakeFlush, without Shoot, or TakeLocal get something to say.
	Dirty     *uint32
	DirtyBits uint32

	// AbsentBits are set in Dirty when the kernel's own access met an absent page.
	AbsentBits uint32
}

// Space is the address space of a process. The zero value is an empty space
// that was destroyed.
type Space struct {
	// Loaded says that some processor has, or had, loaded the space's root: kept by
	// the owner. Only then is the owner's shoot called.
	Loaded bool

	// Changes counts what has made translations wrong: a processor that keeps
	// those of a space that it has left finds out so whether they are still good.
	Changes uint64

	areas   Areas
	wishes  Areas // ranges of which a program has said what they should be made of
	tables  paging.Tables
	env     paging.Env
	objects *memory.Objects
	low     uint64
	high    uint64
	most    bounds
	move    move

	frames  uint64 // charged: user memory and tables, without the root
	granted uint64 // how many those may be before grant is asked
	peak    uint64
	limit   uint64
	account *memory.Account
	faults  uint64

	fill  fill   // a large page that is being made
	large uint64 // large pages that are mapped
	made  uint64 // and those that ever were

	flush     Flush
	local     Flush
	shoot     func(*Space)
	dirty     *uint32
	dirtyBits uint32
	hot       translation
	devices   bool // it has had areas of kind Device
	copies    bool // it has had frames that are another's as well (CopyPiece)

	absentBits uint32
	paged      bool        // it has had areas of an object with a pager
	absent     MissingPage // the last one

	brkStart uint64
	brk      uint64
	cursor   uint64 // of Destroy: the pages below are gone
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
	Large  uint64 // large pages mapped now
	Made   uint64 // large pages that were ever made
}

// Init makes s an empty space. ENOMEM: no frame for its root table. EINVAL: a
// range that the format doesn't have. EDQUOT, ENOSPC: the account, or one above
// it, has all that it may have.
func (s *Space) Init(c *Config) abi.Errno {
	if c.Low < PageSize || c.Low%PageSize != 0 || c.High%PageSize != 0 ||
		c.Low >= c.High || c.High > c.Env.Format.UserEnd {
		return abi.EINVAL
	}
	if errno := c.Account.Charge(1); errno != 0 {
		return errno
	}
	root, code := c.Kernel.NewRoot(c.Env)
	if code != paging.OK {
		c.Account.Refund(1)
		return abi.ENOMEM
	}
	*s = Space{tables: root, env: c.Env, objects: c.Objects, low: c.Low, high: c.High, limit: c.MaxFrames,
		account: c.Account, most: usual, shoot: c.Shoot, dirty: c.Dirty, dirtyBits: c.DirtyBits, absentBits: c.AbsentBits}
	s.env.Made = &s.frames
	if s.limit == 0 {
		s.limit = ^uint64(0)
	}
	if s.account == nil {
		s.granted = s.limit
	}
	maxAreas := c.MaxAreas
	if maxAreas == 0 {
		maxAreas = DefaultMaxAreas
	}
	s.areas.Init(c.Pool, maxAreas)
	s.wishes.Init(c.Pool, maxWishes)
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
	return Stats{s.areas.Len(), s.frames, s.peak, s.faults, s.large, s.made}
}
