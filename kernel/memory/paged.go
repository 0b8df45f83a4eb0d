// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"loam/abi"
	"loam/kernel/pool"
)

// Absent is what is answered about a page that a pager is to bring: the caller
// sees to it that the pager is asked, and does the same again when it has answered.
// No program sees it.
const Absent abi.Errno = 514

// NewPaged is New for an object whose absent pages aren't zero but come from
// outside, by Supply. It can't be cloned.
func (o *Objects) NewPaged(pages uint64, a *Account) (int32, abi.Errno) {
	i, errno := o.New(pages, a)
	if errno == 0 {
		o.pool.Index(i).paged = true
	}
	return i, errno
}

// Paged reports whether object i was made by NewPaged.
func (o *Objects) Paged(i int32) bool { return o.pool.Index(i).paged }

// HandleOf names object i for good: no other object ever has the same handle.
func (o *Objects) HandleOf(i int32) pool.Handle { return o.pool.Index(i).handle }

// Wanted reports whether a page of the object with that handle is still absent.
// There is nothing to wait for in an object that is no more.
func (o *Objects) Wanted(h pool.Handle, page uint64) bool {
	now, ok := o.pool.HandleOf(h.Index)
	if !ok || now != h {
		return false
	}
	x := o.pool.Index(h.Index)
	return page < x.size && o.find(x, x.base+page) == 0
}

// Supply gives a page of object i, if it is absent, a frame with that content, at
// most PageSize bytes and zeroes behind them. A page that is there stays as it is:
// somebody may have it in page tables. EINVAL: the object is smaller. EDQUOT,
// ENOSPC: its account, or one above, has all it may have. ENOMEM: the machine has no
// frame.
func (o *Objects) Supply(i int32, page uint64, content []byte) abi.Errno {
	x := o.pool.Index(i)
	if page >= x.size {
		return abi.EINVAL
	}
	if o.find(x, x.base+page) != 0 {
		return 0
	}
	_, errno := o.fill(x, x.base+page, content)
	return errno
}
