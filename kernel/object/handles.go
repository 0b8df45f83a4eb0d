// SPDX-License-Identifier: Apache-2.0

package object

import "loam/abi"

// Get gives the object of a handle of t that is of this kind and has these
// rights. EBADF: no such handle; ENOTSUP: another kind; EACCES: a right is
// missing.
func (o *Objects) Get(t *Table, h abi.Handle, kind abi.Kind, need abi.Rights) (int32, abi.Errno) {
	e := t.entry(h)
	switch {
	case e == nil:
		return 0, abi.EBADF
	case o.headers.Index(e.object).kind != kind:
		return 0, abi.ENOTSUP
	case !e.rights.Has(need):
		return 0, abi.EACCES
	}
	return e.object, 0
}

// Duplicate makes another handle of h's object in t. EBADF; EACCES: h lacks
// abi.RightDuplicate or one of the rights; EMFILE.
func (o *Objects) Duplicate(t *Table, h abi.Handle, rights abi.Rights) (abi.Handle, abi.Errno) {
	e := t.entry(h)
	switch {
	case e == nil:
		return 0, abi.EBADF
	case !e.rights.Has(rights | abi.RightDuplicate):
		return 0, abi.EACCES
	}
	object := e.object
	made, errno := t.Insert(object, rights)
	if errno == 0 {
		o.Refer(object)
	}
	return made, errno
}

// Replace makes a handle with these rights in the place of h, which is no more.
// EBADF; EACCES: h lacks one of the rights. EMFILE: the place is used up.
func (t *Table) Replace(h abi.Handle, rights abi.Rights) (abi.Handle, abi.Errno) {
	e := t.entry(h)
	switch {
	case e == nil:
		return 0, abi.EBADF
	case !e.rights.Has(rights):
		return 0, abi.EACCES
	case e.uses == mostUses:
		return 0, abi.EMFILE
	}
	e.uses++
	e.rights = rights
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

// HandOn makes a handle in another table of one of t's. CheckHandOn has said
// yes. EMFILE: the other table has no room, and nothing has changed.
func (o *Objects) HandOn(t, to *Table, on abi.HandOn) (abi.Handle, abi.Errno) {
	e := t.entry(on.Handle)
	made, errno := to.Insert(e.object, on.Rights)
	if errno != 0 {
		return 0, errno
	}
	if on.Flags&abi.HandOnMove != 0 {
		t.remove(on.Handle, e)
	} else {
		o.Refer(e.object)
	}
	return made, 0
}
