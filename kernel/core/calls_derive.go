//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"math"

	"loam/abi"
	"loam/kernel/object"
	"loam/kernel/pool"
	"loam/machine/metal"
)

// Handles that are made of other handles: minting them, handing them on to other
// processes, and taking them back.

func loamHandleMint(r *runner, c *metal.Context) uint64 {
	if c.Arg1() > math.MaxUint32 {
		return abi.EACCES.Result() // no handle has such rights
	}
	h, e := k.objects.Mint(r.handles(), abi.Handle(c.Arg0()), abi.Rights(c.Arg1()), c.Arg2())
	return valueOr(uint64(h), e)
}

// loamHandleRevoke goes in pieces, each a call of its own: what is closed already is
// derived from nothing. Whatever is derived meanwhile goes too.
func loamHandleRevoke(r *runner, c *metal.Context) uint64 {
	const atOnce = 16
	h := abi.Handle(c.Arg0())
	for range atOnce {
		ref, _, ok, e := k.objects.Derived(r.handles(), h)
		if !ok {
			return e.Result()
		}
		i := k.objects.RemoveDerived(ref)
		r.removed(i)
		r.unrefer(i)
	}
	r.work |= workChoose
	return c.Rewind()
}

// removed is called when a handle to object i has been taken out of a table, or
// changed, and its reference isn't given back yet. No CPU uses it any more when it
// returns: calls to endpoints look handles up without the kernel lock, and pairs
// not even that.
func (r *runner) removed(i int32) {
	if k.several && k.objects.At(i).Kind() == abi.KindEndpoint {
		r.barrier(nil)
	}
}

// handOn makes a handle in one table of one in another: a table has the index of a
// space. CheckHandOn has said yes. EMFILE, and nothing has changed.
func (r *runner) handOn(from, to int32, on abi.HandOn) (abi.Handle, abi.Errno) {
	move := on.Flags&abi.HandOnMove != 0
	h, e := k.objects.HandOn(&k.handles[from], &k.handles[to], on)
	if e == 0 && move {
		r.changed(&k.handles[to], h)
	}
	return h, e
}

// changed is removed and checkReceivers for the object of a handle that has taken
// another's place, with fewer rights perhaps.
func (r *runner) changed(t *object.Table, h abi.Handle) {
	if i, _, _, ok := object.Look(t, h); ok {
		r.removed(i)
		r.checkReceivers(i)
	}
}

// checkReceivers is called when there may be one handle less that one can receive by
// from object i.
func (r *runner) checkReceivers(i int32) {
	if k.objects.Orphaned(i) {
		r.forgetNews(i)
		r.noReceivers(i)
	}
}

// noReceivers has the calls to endpoint i that wait end, in pieces (failOrphan):
// nobody can receive them any more.
func (r *runner) noReceivers(i int32) {
	e := k.objects.At(i).Record
	if e == pool.Nil || k.orphanLinks[e].Linked() {
		return
	}
	r.reachHome(k.ipc.Endpoint(e).Home)
	if k.ipc.Empty(e) {
		return
	}
	k.objects.Refer(i)
	k.orphans.PushBack(k.orphanLinks, e)
	r.work |= workChoose
}
