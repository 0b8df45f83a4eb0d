// SPDX-License-Identifier: Apache-2.0

package memory

import "loam/abi"

// Account is what the frames of objects are charged to. It stays while Used
// isn't 0.
type Account struct {
	Used  uint64   // frames, those charged to accounts below it included
	Limit uint64   // frames
	Above *Account // which is charged too; nil: none
}

// Charge adds n frames to a and all above. EDQUOT: a may not have them; ENOSPC:
// one above may not.
func (a *Account) Charge(n uint64) abi.Errno {
	errno := abi.EDQUOT
	for x := a; x != nil; x = x.Above {
		if x.Used > x.Limit || n > x.Limit-x.Used {
			return errno
		}
		errno = abi.ENOSPC
	}
	a.Overcharge(n)
	return 0
}

// Overcharge adds n frames to a and all above, whether they may have them or not.
func (a *Account) Overcharge(n uint64) {
	for x := a; x != nil; x = x.Above {
		x.Used += n
	}
}

// Exceeded reports whether a, or one above it, has more than it may.
func (a *Account) Exceeded() bool {
	for x := a; x != nil; x = x.Above {
		if x.Used > x.Limit {
			return true
		}
	}
	return false
}

// Refund takes n frames off a and all above.
func (a *Account) Refund(n uint64) {
	for x := a; x != nil; x = x.Above {
		x.Used -= n
	}
}
