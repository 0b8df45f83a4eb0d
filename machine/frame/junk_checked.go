//go:build loamcheck

// SPDX-License-Identifier: Apache-2.0

package frame

import "loam/machine/phys"

// Checked builds fill a frame with junk when it is freed, so that memory given out
// without being zeroed is seen, and look whether the junk is still there when the
// frame is given again from the front that it was freed to. Blocks are not looked
// at: to know that all of one was filled would need a record of it.

const (
	checked = true
	junk    = 0xdb // in each byte
	pattern = junk * 0x0101010101010101
)

// filling is off where frames are numbers and not memory, as in benchmarks.
var filling = true

const largePage = 512 // frames

// fill fills n frames from pa on; of a large page a few words in each frame, for it
// comes back with the kernel's lock held, and several may in one piece.
func (a *Allocator) fill(pa, n uint64) {
	if !filling {
		return
	}
	step := 1
	if n >= largePage {
		step = 64
	}
	for end := pa + n<<phys.PageShift; pa < end; pa += phys.PageSize {
		words := a.mem.Table(pa)
		for i := 0; i < len(words); i += step {
			words[i] = pattern
		}
	}
}

// intact says whether nobody has written to a frame since it was freed to the front
// that it is in now.
func (a *Allocator) intact(rec *record, pa uint64) bool {
	if !filling || rec.get() != metaFreed {
		return true
	}
	words := a.mem.Table(pa)
	for i := range words {
		if words[i] != pattern {
			return false
		}
	}
	return true
}

var told func(Report)

// SetTell says who is told of each mistake, at once and with the lock held; it
// need not return.
func SetTell(f func(Report)) { told = f }

func tell(r Report) {
	if told != nil {
		told(r)
	}
}
