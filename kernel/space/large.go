// SPDX-License-Identifier: Apache-2.0

package space

import (
	"loam/machine/frame"
	"loam/machine/paging"
)

// Large pages, of 2 MiB: one translation instead of 512, and one fault for every
// fillPages pages. When they are taken says wantsLarge.

const (
	largeSize  = 1 << 21 // paging.Span(1)
	largePages = largeSize / PageSize

	// fillPages is how many pages of a large one a fault zeroes: as much work as a
	// piece of any other call.
	fillPages = 64

	// dense is how many pages of 512 have to be in use for their neighbours to be
	// thought of as wanted.
	dense = largePages - largePages/8

	// margin is how many frames user owners must still be able to take before a
	// large page is made, itself included: on a small machine, or one that runs
	// short, memory goes to those who touch it.
	margin = 4 * largePages
)

// fill is a large page on its way. Zeroing one takes some 100,000 instructions, so
// each fault does a piece and is taken again; nothing is mapped before the end. There
// is one at a time in a space: faults that want another bring it forward, so that it
// is done even if the thread that began it never runs again. Whatever empties or
// changes its range drops it.
type fill struct {
	va   uint64
	pa   uint64 // a run of largePages frames, charged; 0: there is none
	done uint64 // bytes that are zeroed
}

// wantsLarge reports whether the fault on page, without a table or with a large page
// there, goes on with the large page that is being made, which it may begin.
//
// A large page is made where memory is used densely: where of the 2 MiB before or
// behind, in the same area, seven eighths are in use. So a large area that is used
// sparsely, such as a hash table or the arena index of Go's runtime, costs no more
// than what is touched; the first 2 MiB of a heap never are one, so that a small
// program is as small as without; and what a space has in excess of what it has
// touched is bounded by an eighth and one large page for each dense part. A program
// that knows better says so (wish).
func (s *Space) wantsLarge(page uint64, a *Area) bool {
	low := page &^ (largeSize - 1)
	first := a.Start // of what the area has that is zero
	if a.Kind == Archive {
		first += roundUp(a.Bytes)
	}
	if low < first || low+largeSize > a.End || s.move.phase != resting {
		return false
	}
	switch want := s.wished(low); {
	case want == SmallPages:
		return false
	case s.fill.pa != 0:
		return true
	case want != LargePages && !s.denseAround(low, first, a.End):
		return false
	}
	if _, _, _, mapped := s.tables.Leaf(s.env, low); mapped {
		return false // this is a large page already
	}
	return s.startFill(low)
}

// denseAround reports whether what an area, from first to end, has next to the
// large page at low is in use.
func (s *Space) denseAround(low, first, end uint64) bool {
	return low-first >= largeSize && s.tables.Filled(s.env, low-largeSize) >= dense ||
		end-low >= 2*largeSize && s.tables.Filled(s.env, low+largeSize) >= dense
}

// startFill takes the frames of a large page at low.
func (s *Space) startFill(low uint64) bool {
	if s.env.Frames.Spare() < margin || !s.grant(largePages) {
		return false
	}
	pa, code := s.env.Frames.AllocN(largePages, largeSize, 0, frame.User)
	if code != frame.OK {
		s.refund(0) // what was granted
		return false
	}
	s.frames += largePages
	s.fill = fill{va: low, pa: pa}
	return true
}

// fillPiece zeroes a piece of the large page, and maps it with the last one.
func (s *Space) fillPiece() Outcome {
	f := &s.fill
	for range fillPages {
		s.env.Mem.Zero(f.pa + f.done)
		f.done += PageSize
	}
	if f.done < largeSize {
		return Resolved
	}
	prot := paging.Prot(s.areas.at(f.va).area.Prot) | paging.User
	if _, code := s.tables.MapRange(s.env, f.va, f.pa, largeSize, prot, 1); code != paging.OK {
		s.dropFill(s.low, s.high) // the kernel has touched a page there meanwhile, or there is no table
		return Resolved
	}
	s.fill = fill{}
	s.large++
	s.made++
	return Resolved
}

// dropFill gives up the large page that is being made if it lies in the range.
func (s *Space) dropFill(start, end uint64) {
	if s.fill.pa != 0 && s.fill.va < end && start < s.fill.va+largeSize {
		s.giveUpFill()
	}
}

func (s *Space) giveUpFill() {
	s.env.Frames.FreeN(s.fill.pa, largePages, frame.User)
	s.fill = fill{}
	s.refund(largePages)
}

// purpose says why a large page is split.
type purpose bool

const (
	// unmapping: a part of it goes. The table that it takes may come from the
	// reserve and exceed what the space may have, for more is given back.
	unmapping purpose = false
	keeping   purpose = true
)

// cut splits the large pages that the ends of a range lie in. It is false when there
// is no frame for a table; one end may be done then, which nobody sees.
func (s *Space) cut(start, end uint64, why purpose) bool {
	return s.large == 0 || s.cutAt(start, why) && s.cutAt(end, why)
}

func (s *Space) cutAt(va uint64, why purpose) bool {
	return va%largeSize == 0 || s.cutLeaf(va, why)
}

// cutLeaf splits the large page that va lies in, if it does.
func (s *Space) cutLeaf(va uint64, why purpose) bool {
	pa, _, level, ok := s.tables.Leaf(s.env, va)
	if !ok || level == 0 {
		return true
	}
	if why == keeping && (s.env.Frames.Scarce() || s.frames >= s.granted && !s.grant(1)) {
		return false
	}
	va &^= largeSize - 1
	if s.tables.Split(s.env, va) != paging.OK {
		return false
	}
	s.env.Frames.Split(pa&^(largeSize-1), largePages, frame.User)
	s.large--
	s.settleUp()
	s.mustFlush(va, va+largeSize)
	s.forget()
	return true
}
