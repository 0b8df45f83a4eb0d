// SPDX-License-Identifier: Apache-2.0

// Package claim keeps account of who has which numbers of a range: I/O ports, or
// addresses of registers, of which each belongs to the kernel, to one object, or to
// nobody.
//
// A set is a table of few ranges that don't overlap, looked through from its
// beginning: that is done when a range is claimed, which drivers do when they start,
// and not when a number is used. Rejected: a bit for each number, which for 65,536 ports is
// 8 KiB of every machine's memory.
package claim

// Range is Count numbers from First on. It may end with the highest number, and not go
// on from 0.
type Range struct{ First, Count uint64 }

// Has reports whether r has all of x, which may not be empty.
func (r Range) Has(x Range) bool {
	behind := x.First - r.First // more than r.Count if x begins before r
	return x.Count > 0 && behind < r.Count && x.Count <= r.Count-behind
}

// overlaps reports whether a number is in both: the one that begins later begins in the
// other.
func (r Range) overlaps(x Range) bool {
	return r.Count > 0 && x.Count > 0 && (x.First-r.First < r.Count || r.First-x.First < x.Count)
}

// None is no place.
const None = int32(-1)

// Size is how many ranges a Set holds.
const Size = 64

// Set is claimed ranges. Its zero value has none.
type Set struct {
	claims [Size]Range // a free place has Count 0
}

// Code is why a range was not claimed.
type Code uint8

// The codes.
const (
	OK   Code = iota
	Busy      // a number of it is claimed
	Full      // there are Size claims
)

// Claim claims a range of at least one number: it is at that place until Release.
func (s *Set) Claim(r Range) (place int32, code Code) {
	place = None
	for i := range s.claims {
		switch c := &s.claims[i]; {
		case c.overlaps(r):
			return None, Busy
		case c.Count == 0 && place == None:
			place = int32(i)
		}
	}
	if place == None {
		return None, Full
	}
	s.claims[place] = r
	return place, OK
}

// At gives what is claimed at a place.
func (s *Set) At(place int32) Range { return s.claims[place] }

// Release gives a claim up.
func (s *Set) Release(place int32) { s.claims[place] = Range{} }

// Len is how many claims there are.
func (s *Set) Len() (n int) {
	for i := range s.claims {
		if s.claims[i].Count > 0 {
			n++
		}
	}
	return n
}

// Overlaps reports whether a number of x is claimed.
func (s *Set) Overlaps(x Range) bool { return Any(s.claims[:], x) }

// Any reports whether a number of x is in one of the ranges.
func Any(ranges []Range, x Range) bool {
	for _, r := range ranges {
		if r.overlaps(x) {
			return true
		}
	}
	return false
}
