// SPDX-License-Identifier: Apache-2.0

package object

import (
	"loam/abi"
	"loam/kernel/pool"
	"loam/machine/tables"
)

// Header is what the kernel knows of every object. Its index in Objects names
// it. The fields that begin with a capital letter are the owner's to change.
type Header struct {
	handle  pool.Handle
	id      uint64
	kind    abi.Kind
	refs    uint32
	account int32 // that pays

	receivers uint32 // endpoint: handles with abi.RightWait

	Record  int32            // index of the record in the pool of its kind, pool.Nil when there is none (any more)
	Bits    uint64           // notification: the bits that are set
	Bound   int32            // notification: the thread that it is bound to plus 1, 0: none
	State   abi.ProcessState // process
	Status  abi.ExitStatus   // process that is ending or has ended: how
	Waiters pool.List        // threads that wait for the object
	Waiting int32            // how many
}

// Kind gives the object's kind.
func (h *Header) Kind() abi.Kind { return h.kind }

// ID gives the number that only this object ever has.
func (h *Header) ID() uint64 { return h.id }

// References gives how many references there are.
func (h *Header) References() uint32 { return h.refs }

// Receivers gives how many handles there are that one may receive from an endpoint by.
func (h *Header) Receivers() uint32 { return h.receivers }

// received counts a handle with these rights in, n 1, or out, n -1.
func (h *Header) received(rights abi.Rights, n int32) {
	if h.kind == abi.KindEndpoint && rights.Has(abi.RightWait) {
		h.receivers += uint32(n)
	}
}

// Objects is the pool of headers and accounts, and the tables of handles.
type Objects struct {
	headers  *pool.Pool[Header]
	accounts *pool.Pool[Account]
	ids      uint64

	tables  []Table
	entries []Entry // of all tables, one after the other
	places  int32   // of each table
}

// Init makes the pools and the tables, which is all that the package ever allocates;
// headers and the places of the tables come from a source (nil: the Go heap). The
// limits bound each kind; accounts is the most processes that there can be, each
// with a table of so many places, at most 1<<abi.HandleIndexBits.
func (o *Objects) Init(from *tables.Source, limits *abi.Limits, accounts, places int) {
	n := 0
	for _, l := range limits[:abi.NumKinds] {
		n += int(l)
	}
	o.headers = pool.In[Header](from, n+1) // the first process is charged to nobody
	o.accounts = pool.New[Account](accounts)
	o.places = int32(places)
	o.entries = tables.Make[Entry](from, accounts*places)
	o.tables = make([]Table, accounts)
}

// Tables gives the tables, all of them without places at first: Table gives them some.
func (o *Objects) Tables() []Table { return o.tables }

// Table gives table i, which has its places from now on and is empty, if it had none.
// There may be thousands of tables and few processes, so this isn't done for all of
// them in advance. No place is touched before its first use.
func (o *Objects) Table(i int32) *Table {
	t := &o.tables[i]
	if t.entries == nil {
		at := i * o.places
		t.entries, t.base = o.entries[at:at+o.places:at+o.places], at
	}
	return t
}

// New makes the header of an object with one reference, the caller's, and
// charges the account; pool.Nil is nobody's, for what comes before the first
// account. EDQUOT, ENOSPC: see Charge.
func (o *Objects) New(kind abi.Kind, record, account int32) (int32, abi.Errno) {
	if e := o.charge(account, kind); e != 0 {
		return pool.Nil, e
	}
	handle, h, ok := o.headers.Get()
	if !ok { // the first account's limits are too high
		o.refund(account, kind)
		return pool.Nil, abi.ENOSPC
	}
	o.ids++
	h.handle, h.id, h.kind, h.refs, h.account, h.Record = handle, o.ids, kind, 1, account, record
	return handle.Index, 0
}

// At gives the header of an object that the caller has a reference to.
func (o *Objects) At(i int32) *Header { return o.headers.Index(i) }

// Len gives how many objects there are.
func (o *Objects) Len() int { return o.headers.Len() }

// Orphaned reports whether object i, to which there is a reference, is an endpoint
// that nobody can receive from any more: no handle with abi.RightWait is left, and
// none can be made of another one. Whoever waits there for an answer waits in vain.
func (o *Objects) Orphaned(i int32) bool {
	h := o.headers.Index(i)
	return h.kind == abi.KindEndpoint && h.receivers == 0
}

// Refer adds a reference to object i.
func (o *Objects) Refer(i int32) { o.headers.Index(i).refs++ }

// Release gives back a reference to object i. It reports true when that was the
// last one and the owner has something to do before it calls Free: give back
// the record, or wake who waits. Otherwise everything is done.
func (o *Objects) Release(i int32) (last bool) {
	h := o.headers.Index(i)
	if h.refs == 0 {
		panic("object: a reference too many is given back")
	}
	h.refs--
	if h.refs > 0 {
		return false
	}
	if h.Record != pool.Nil || !h.Waiters.Empty() {
		return true
	}
	o.Free(i)
	return false
}

// Free gives back the header of object i, which has no references, record or
// waiters any more. What that leaves unused above it goes too: the account of a
// process that has ended, and then the header of that process.
func (o *Objects) Free(i int32) {
	for i != pool.Nil {
		h := o.headers.Index(i)
		kind, account := h.kind, h.account
		if h.refs != 0 || !h.Waiters.Empty() {
			panic("object: freed while in use")
		}
		o.headers.Put(h.handle)
		i = o.refund(account, kind)
	}
}
