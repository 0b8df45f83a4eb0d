// SPDX-License-Identifier: Apache-2.0

package space

// What a space may have, and who pays for it. The hot path, a page fault, asks
// one thing: whether frames is below granted. The account is charged for granted,
// some frames in advance (advance), so that it is rarely asked; what remains of
// them is no more than twice that. Without an account granted is the limit.

// advance is how many frames more than needed are charged, if they can be had.
const advance = 16

// grant makes room for n more frames, or reports that the space may not have them.
func (s *Space) grant(n uint64) bool {
	if s.frames > s.limit || n > s.limit-s.frames {
		return false
	}
	if s.frames+n <= s.granted {
		return true
	}
	need := s.frames + n - s.granted
	more := min(max(need, advance), s.limit-s.granted)
	if s.account.Charge(more) != 0 {
		if more = need; s.account.Charge(more) != 0 {
			return false
		}
	}
	s.granted += more
	return true
}

// settleUp accounts for tables that have been made. There is no way back then:
// up to three of them, and what is freed soon, may exceed what the account has.
func (s *Space) settleUp() {
	s.peak = max(s.peak, s.frames)
	if s.account == nil || s.frames <= s.granted {
		return
	}
	s.overcharge(s.frames - s.granted)
}

// overcharge charges n frames whether the account may have them or not.
func (s *Space) overcharge(n uint64) {
	s.account.Overcharge(n)
	s.granted += n
}

// Lend lets the space have n frames more than it has now, even if its account may
// not, so that a program that is told of its limit can act upon it; unless an
// account has more than it may already. They are taken back when frames go.
func (s *Space) Lend(n uint64) {
	if s.account == nil || s.granted >= s.frames+n || s.account.Exceeded() {
		return
	}
	s.overcharge(s.frames + n - s.granted)
}

// refund takes frames off that have been given back.
func (s *Space) refund(n uint64) {
	s.frames -= n
	if s.account == nil || s.granted <= s.frames {
		return
	}
	keep := uint64(advance)
	switch spare := s.granted - s.frames; {
	case s.account.Used > s.account.Limit: // a table had to be
		keep = 0
	case spare <= 2*advance:
		return
	}
	s.account.Refund(s.granted - s.frames - keep)
	s.granted = s.frames + keep
}

// full reports whether a fault that needs a table for page is one too many.
func (s *Space) full(page uint64) bool {
	return s.frames >= s.granted && !s.grant(1) && !s.tables.HasTable(s.env, page)
}
