// SPDX-License-Identifier: Apache-2.0

package object

import (
	"sync/atomic"

	"loam/abi"
)

// Get gives the object of a handle of t that is of this kind and has these
// rights. EBADF: no such handle; ENOTSUP: another kind; EACCES: a right is
// missing.
func (o *Objects) Get(t *Table, h abi.Handle, kind abi.Kind, need abi.Rights) (int32, abi.Errno) {
	e := t.entry(h)
	switch {
	case e == nil:
		return 0, abi.EBADF
	case o.headers.Index(e.header()).kind != kind:
		return 0, abi.ENOTSUP
	case !e.rights.Has(need):
		return 0, abi.EACCES
	}
	return e.header(), 0
}

// Insert makes a handle in t to an object with these rights, derived from no
// other; the caller's reference becomes the table's. EMFILE: there is no room,
// and the reference is still the caller's.
func (o *Objects) Insert(t *Table, object int32, rights abi.Rights) (abi.Handle, abi.Errno) {
	return o.insert(t, object, rights, 0)
}

func (o *Objects) insert(t *Table, object int32, rights abi.Rights, badge uint64) (abi.Handle, abi.Errno) {
	h, errno := t.put(object, rights, badge)
	if errno == 0 {
		o.At(object).received(rights, 1)
	}
	return h, errno
}

// derive makes a handle in to of the object that from, t's handle e, has, with a
// reference of its own. EMFILE.
func (o *Objects) derive(t *Table, from abi.Handle, e *Entry, to *Table, rights abi.Rights, badge uint64) (abi.Handle, abi.Errno) {
	object := e.header()
	made, errno := o.insert(to, object, rights, badge)
	if errno == 0 {
		o.adopt(t.index(from), to.index(made))
		o.Refer(object)
	}
	return made, errno
}

// Duplicate makes another handle of h's object in t, derived from h, with h's
// badge. EBADF; EACCES: h lacks abi.RightDuplicate or one of the rights; EMFILE.
func (o *Objects) Duplicate(t *Table, h abi.Handle, rights abi.Rights) (abi.Handle, abi.Errno) {
	e := t.entry(h)
	switch {
	case e == nil:
		return 0, abi.EBADF
	case !e.rights.Has(rights | abi.RightDuplicate):
		return 0, abi.EACCES
	}
	return o.derive(t, h, e, t, rights, e.badge)
}

// Mint is Duplicate for an endpoint or a notification, and gives the new handle a
// badge: what a server is told of whoever calls by it; of a notification the bits
// that it may set. EBADF; ENOTSUP: another kind; EINVAL: the badge is 0, or has
// bits that no notification has; EACCES: as for Duplicate, or h has a badge; EMFILE.
func (o *Objects) Mint(t *Table, h abi.Handle, rights abi.Rights, badge uint64) (abi.Handle, abi.Errno) {
	e := t.entry(h)
	if e == nil {
		return 0, abi.EBADF
	}
	kind := o.headers.Index(e.header()).kind
	switch {
	case kind != abi.KindEndpoint && kind != abi.KindNotification:
		return 0, abi.ENOTSUP
	case badge == 0 || kind == abi.KindNotification && badge&^abi.NotificationBits != 0:
		return 0, abi.EINVAL
	case !e.rights.Has(rights|abi.RightDuplicate) || e.badge != 0:
		return 0, abi.EACCES
	}
	return o.derive(t, h, e, t, rights, badge)
}

// Replace makes a handle with these rights in the place of h, which is no more:
// what was derived from h is derived from it, and it from what h was. An endpoint
// may be Orphaned then. EBADF; EACCES: h lacks one of the rights. EMFILE: the
// place is used up.
func (o *Objects) Replace(t *Table, h abi.Handle, rights abi.Rights) (abi.Handle, abi.Errno) {
	e := t.entry(h)
	switch {
	case e == nil:
		return 0, abi.EBADF
	case !e.rights.Has(rights):
		return 0, abi.EACCES
	case e.uses == mostUses:
		return 0, abi.EMFILE
	}
	o.At(e.header()).received(e.rights&^rights, -1)
	e.rights = rights // first, so that Look never finds the new handle with the old rights
	atomic.StoreUint64(&e.uses, e.uses+1)
	return e.handle(placeOf(h)), 0
}

// CheckHandOn tells whether HandOn would hand on h. EBADF; EACCES: it lacks
// abi.RightTransfer or one of the rights, or it would be copied and lacks
// abi.RightDuplicate. EINVAL: a flag that isn't known.
func (t *Table) CheckHandOn(on abi.HandOn) abi.Errno {
	e := t.entry(on.Handle)
	need := on.Rights | abi.RightTransfer
	if on.Flags&abi.HandOnMove == 0 {
		need |= abi.RightDuplicate
	}
	switch {
	case on.Flags&^abi.HandOnMove != 0:
		return abi.EINVAL
	case e == nil:
		return abi.EBADF
	case !e.rights.Has(need):
		return abi.EACCES
	}
	return 0
}

// HandOn makes a handle in table to, which may be t, of one of t's, with its badge:
// derived from it, or, if it is moved, in its place as Replace's. CheckHandOn has said
// yes. An endpoint may be Orphaned after a move. EMFILE: the other table has no
// room, and nothing has changed.
func (o *Objects) HandOn(t, to *Table, on abi.HandOn) (abi.Handle, abi.Errno) {
	e := t.entry(on.Handle)
	if on.Flags&abi.HandOnMove == 0 {
		return o.derive(t, on.Handle, e, to, on.Rights, e.badge)
	}
	made, errno := o.insert(to, e.header(), on.Rights, e.badge)
	if errno != 0 {
		return 0, errno
	}
	o.move(t.index(on.Handle), to.index(made))
	o.At(e.header()).received(e.rights, -1)
	t.drop(placeOf(on.Handle))
	return made, 0
}

// Remove takes a handle out and gives its reference to the caller. What was derived
// from it is derived from its parent then. An endpoint may be Orphaned. EBADF.
func (o *Objects) Remove(t *Table, h abi.Handle) (object int32, errno abi.Errno) {
	if t.entry(h) == nil {
		return 0, abi.EBADF
	}
	return o.remove(t, placeOf(h)), 0
}

func (o *Objects) remove(t *Table, place int32) (object int32) {
	e := &t.entries[place]
	o.splice(t.base + place)
	o.At(e.header()).received(e.rights, -1)
	return t.drop(place)
}

// Pop is Remove of some handle of a table that is being closed. false: there is
// none, and the table is as Init made it. Nothing may be inserted in between.
func (o *Objects) Pop(t *Table) (object int32, ok bool) {
	t.closing = true
	for t.fresh > 0 {
		t.fresh--
		if t.entries[t.fresh].object != 0 {
			return o.remove(t, t.fresh), true
		}
	}
	t.free, t.lost, t.closing = 0, 0, false
	return 0, false
}

// Derived gives some handle that was derived from h: ref names it to RemoveDerived,
// as long as no handle is made or removed, and table is the index of the table
// that it is in. ok is false when there is none. EBADF.
func (o *Objects) Derived(t *Table, h abi.Handle) (ref, table int32, ok bool, errno abi.Errno) {
	e := t.entry(h)
	if e == nil {
		return 0, 0, false, abi.EBADF
	}
	ref = e.links.first - 1
	if ref < 0 {
		return 0, 0, false, 0
	}
	return ref, ref / o.places, true, 0
}

// RemoveDerived is Remove of a handle that Derived has named.
func (o *Objects) RemoveDerived(ref int32) (object int32) {
	return o.remove(&o.tables[ref/o.places], ref%o.places)
}
