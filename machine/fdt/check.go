// SPDX-License-Identifier: Apache-2.0

package fdt

// Start is what a kernel was started with.
type Start struct {
	Image Range  // the kernel's, and what it keeps behind it
	Tree  Range  // the devicetree
	Hart  uint64 // the hart that runs
}

// maxPhysical is where physical addresses end, privileged architecture 4.4.1: what
// entries of Sv39's tables have room for.
const maxPhysical = 1 << 56

const pageSize = 4096

// Check looks whether a kernel that was started so can do with what the devicetree
// says. The boot archive comes last: NoInitrd means that all else is fine.
//
// A machine whose only hart is the one that runs is fine, and so is memory that
// reaches further than a kernel's direct map: it takes what it can use.
func (i *Info) Check(s Start) Code {
	if code := i.checkMemory(); code != OK {
		return code
	}
	switch {
	case !i.inMemory(s.Image):
		return ImageOutside
	case s.Image.overlaps(s.Tree) || i.isReserved(s.Image):
		return ImageTaken
	}
	if code := i.checkHarts(s.Hart); code != OK {
		return code
	}
	if i.Ticks == 0 {
		return NoTicks
	}
	return i.checkInitrd(&s)
}

func (i *Info) memory() []Range   { return i.Memory[:min(i.MemoryCount, MaxRanges)] }
func (i *Info) reserved() []Range { return i.Reserved[:min(i.ReservedCount, MaxRanges)] }

func (i *Info) checkMemory() Code {
	all := i.memory()
	if len(all) == 0 {
		return NoMemory
	}
	for k, r := range all {
		if r.Size > maxPhysical || r.Start > maxPhysical-r.Size {
			return BadMemory
		}
		for _, other := range all[:k] {
			if r.overlaps(other) {
				return BadMemory
			}
		}
	}
	return OK
}

// inMemory reports whether all of a range lies in memory, which may be in pieces.
// Ranges of memory don't overlap.
func (i *Info) inMemory(r Range) bool {
	left := r.Size // of a range that wraps something is left
	for _, m := range i.memory() {
		start, end := max(r.Start, m.Start), min(r.Start+r.Size, m.Start+m.Size)
		if start < end {
			left -= end - start
		}
	}
	return left == 0
}

// anyMemory reports whether a byte of a range is memory.
func (i *Info) anyMemory(r Range) bool {
	for _, m := range i.memory() {
		if r.overlaps(m) {
			return true
		}
	}
	return false
}

func (i *Info) isReserved(r Range) bool {
	for _, other := range i.reserved() {
		if r.overlaps(other) {
			return true
		}
	}
	return false
}

// checkHarts looks for the hart that runs, and whether each is another.
func (i *Info) checkHarts(running uint64) Code {
	all := i.Harts[:min(i.HartCount, MaxHarts)]
	code := NoHart
	for k := range all {
		h := &all[k]
		if h.ID == running && h.Enabled {
			code = OK
		}
		for _, other := range all[:k] {
			if h.ID == other.ID || h.controller == other.controller && h.controller != 0 {
				return BadHarts
			}
		}
	}
	return code
}

func (i *Info) checkInitrd(s *Start) Code {
	switch r := i.Initrd; {
	case r.Size == 0:
		return NoInitrd
	case r.Start%pageSize != 0:
		return BadInitrd
	case !i.inMemory(r):
		return InitrdOutside
	case r.overlaps(s.Image) || r.overlaps(s.Tree):
		return InitrdTaken
	}
	return OK
}

// overlaps reports whether two ranges, which don't wrap, have a byte in common.
func (r Range) overlaps(other Range) bool {
	return r.Size > 0 && other.Size > 0 && r.Start < other.Start+other.Size && other.Start < r.Start+r.Size
}
