// SPDX-License-Identifier: Apache-2.0

package object

import (
	"math"

	"loam/abi"
	"loam/kernel/memory"
	"loam/kernel/pool"
)

// Account is what the objects of a process are charged to.
type Account struct {
	handle pool.Handle
	above  int32 // the creator's, pool.Nil for the first
	owner  int32 // header of the process
	closed bool  // the process has ended

	used   abi.Limits // with what is charged to accounts below; no pages
	limits abi.Limits
	pages  memory.Account // their frames
}

// OpenAccount makes the account of the process with the header owner, to which
// it keeps a reference, below another one; pool.Nil makes the first. A limit of
// abi.LimitDefault is half of the one above, rounded up, but for pages all of it.
// EDQUOT: more than the one above has.
func (o *Objects) OpenAccount(above, owner int32, limits *abi.Limits) (int32, abi.Errno) {
	l := *limits
	if above != pool.Nil {
		most := &o.accounts.Index(above).limits
		for i := range l {
			switch {
			case l[i] == abi.LimitDefault && i == abi.LimitPages:
				l[i] = most[i]
			case l[i] == abi.LimitDefault:
				l[i] = (most[i] + 1) / 2
			case l[i] > most[i]:
				return pool.Nil, abi.EDQUOT
			}
		}
	}
	handle, a, ok := o.accounts.Get()
	if !ok { // there are more processes than Init was told of
		return pool.Nil, abi.ENOSPC
	}
	*a = Account{handle: handle, above: above, owner: owner, limits: l,
		pages: memory.Account{Limit: uint64(l[abi.LimitPages])}}
	if above != pool.Nil {
		a.pages.Above = o.Pages(above)
	}
	o.Refer(owner)
	return handle.Index, 0
}

// Usage tells what is charged to an account and what may be.
func (o *Objects) Usage(i int32) (used, limits abi.Limits) {
	a := o.accounts.Index(i)
	used = a.used
	used[abi.LimitPages] = uint32(a.pages.Used)
	return used, a.limits
}

// Pages gives what the frames of memory objects are charged to. It stays as long
// as the headers of such objects are charged to account i.
func (o *Objects) Pages(i int32) *memory.Account { return &o.accounts.Index(i).pages }

// UnlimitPages has account i, the first one, refuse no more frames. When it is only
// the machine's memory that stands behind its limit, the frame allocator knows
// better when that is used up: what is charged may be more than there is, since
// clones of memory objects are charged for what they share; else
// somebody who wants a page would be refused it because others share much.
func (o *Objects) UnlimitPages(i int32) { o.Pages(i).Limit = math.MaxUint64 }

// Tightest gives the limit of frames that stands in the way of account i: that of
// the account, of itself and those above it, that has the least left.
func (o *Objects) Tightest(i int32) (limit uint64) {
	least := ^uint64(0)
	for p := &o.accounts.Index(i).pages; p != nil; p = p.Above {
		left := p.Limit - min(p.Used, p.Limit)
		if left < least {
			least, limit = left, p.Limit
		}
	}
	return limit
}

// OwnPages tells of each account i what is charged to it and not to one below it:
// own[i], in frames. own has a place for every account that there can be.
func (o *Objects) OwnPages(own []uint64) {
	clear(own)
	for i := o.accounts.Next(pool.Nil); i != pool.Nil; i = o.accounts.Next(i) {
		a := o.accounts.Index(i)
		own[i] += a.pages.Used
		if a.above != pool.Nil {
			own[a.above] -= a.pages.Used
		}
	}
}

// Accounts gives how many accounts there are.
func (o *Objects) Accounts() int { return o.accounts.Len() }

// charge adds an object to account i and all above. EDQUOT: i has as many as it
// may have; ENOSPC: one above has.
func (o *Objects) charge(i int32, kind abi.Kind) abi.Errno {
	for j := i; j != pool.Nil; {
		a := o.accounts.Index(j)
		if a.used.Of(kind) >= a.limits.Of(kind) {
			if j == i {
				return abi.EDQUOT
			}
			return abi.ENOSPC
		}
		j = a.above
	}
	for j := i; j != pool.Nil; {
		a := o.accounts.Index(j)
		a.used[kind-1]++
		j = a.above
	}
	return 0
}

// refund takes an object off account i and all above. If i is a closed account
// that has nothing any more, it goes, and so does its reference to its process's
// header; the result is that header if it is to be freed, else pool.Nil.
func (o *Objects) refund(i int32, kind abi.Kind) (free int32) {
	for j := i; j != pool.Nil; {
		a := o.accounts.Index(j)
		a.used[kind-1]--
		j = a.above
	}
	if i == pool.Nil {
		return pool.Nil
	}
	return o.dropAccount(i)
}

// dropAccount frees account i if it is closed and empty, see refund.
func (o *Objects) dropAccount(i int32) (free int32) {
	a := o.accounts.Index(i)
	if !a.closed || a.used != (abi.Limits{}) || a.pages.Used != 0 {
		return pool.Nil
	}
	owner := a.owner
	o.accounts.Put(a.handle)
	h := o.headers.Index(owner)
	h.refs--
	if h.refs > 0 {
		return pool.Nil
	}
	return owner
}

// CloseAccount says that the process of account i has ended. Accounts below it
// move up; it goes itself when nothing is charged to it any more.
func (o *Objects) CloseAccount(i int32) {
	a := o.accounts.Index(i)
	for j := o.accounts.Next(pool.Nil); j != pool.Nil; j = o.accounts.Next(j) {
		if below := o.accounts.Index(j); below.above == i {
			o.moveUp(a, below)
		}
	}
	a.closed = true
	if free := o.dropAccount(i); free != pool.Nil {
		o.Free(free)
	}
}

// moveUp makes a's creator the payer of the account below a and of its process's
// header. The accounts above a pay already.
func (o *Objects) moveUp(a, below *Account) {
	for n, used := range below.used {
		a.used[n] -= used
	}
	a.pages.Used -= below.pages.Used
	below.above, below.pages.Above = a.above, a.pages.Above
	h := o.headers.Index(below.owner)
	a.used[h.kind-1]--
	h.account = a.above
}
