// SPDX-License-Identifier: Apache-2.0

package victim

// Candidate is a process as the choice sees it.
type Candidate struct {
	Process int32  // its index, for the caller; the choice doesn't look at it
	Frames  uint64 // charged to it alone
	Born    uint64 // the later made, the higher; no two have the same
	Exempt  bool   // essential, or ending already
}

// Before reports whether a goes before b. It is a strict total order of
// candidates that are not the same.
func Before(a, b *Candidate) bool {
	if a.Frames != b.Frames {
		return a.Frames > b.Frames
	}
	return a.Born > b.Born
}

// Shown is how many candidates a Choice remembers.
const Shown = 5

// Choice collects candidates, in any order, and keeps the first of them. The zero
// value has none.
type Choice struct {
	top [Shown]Candidate
	n   int
}

// Add offers a candidate. One that is exempt or has nothing is none.
func (c *Choice) Add(x Candidate) {
	if x.Exempt || x.Frames == 0 {
		return
	}
	i := c.n
	if i == Shown {
		i--
		if !Before(&x, &c.top[i]) {
			return
		}
	} else {
		c.n++
	}
	for ; i > 0 && Before(&x, &c.top[i-1]); i-- {
		c.top[i] = c.top[i-1]
	}
	c.top[i] = x
}

// Len is how many candidates there are to see, Shown at most.
func (c *Choice) Len() int { return c.n }

// At gives candidate i, below Len; 0 is the one to be ended.
func (c *Choice) At(i int) *Candidate { return &c.top[i] }

// Wait is a thread's waiting for memory. The zero value is a thread that doesn't.
type Wait struct {
	page  uint64 // that it wants, plus 1
	until uint64 // how many pieces have been given back when it waits no longer
}

// Again reports whether the thread that can't get a page is to try again without
// anybody being ended. coming says that memory is on its way back, pieces how many
// pieces of it have ever come back, and most in how many pieces all memory would.
// After false a wait begins anew.
func (w *Wait) Again(page uint64, coming bool, pieces, most uint64) bool {
	if w.page != page+1 {
		*w = Wait{page: page + 1, until: pieces + most}
	}
	if !coming || pieces >= w.until {
		*w = Wait{}
		return false
	}
	return true
}
