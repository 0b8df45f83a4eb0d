// SPDX-License-Identifier: Apache-2.0

package object

import (
	"loam/abi"
	"loam/kernel/pool"
)

// Process is what a process has here.
type Process struct {
	Object  int32 // its header; the kernel's reference is the record's, until DropRecord
	Space   int32 // header of its address space, with a reference of the kernel's
	Account int32
}

// NewProcess makes the headers of a process and its space, with the indices of
// their records, and its account below another one (pool.Nil: it is the first).
// The process is charged to that one, the space to its own. EDQUOT, ENOSPC: see
// the package comment; nothing has changed.
func (o *Objects) NewProcess(record, space, above int32, limits *abi.Limits) (p Process, errno abi.Errno) {
	if p.Object, errno = o.New(abi.KindProcess, record, above); errno != 0 {
		return p, errno
	}
	if p.Account, errno = o.OpenAccount(above, p.Object, limits); errno != 0 {
		o.DropRecord(p.Object)
		return p, errno
	}
	if p.Space, errno = o.New(abi.KindSpace, space, p.Account); errno != 0 {
		o.CloseAccount(p.Account)
		o.DropRecord(p.Object)
		return p, errno
	}
	return p, 0
}

// Furnish gives a process the handles that each begins with, in an empty table:
// to itself, its space and its first thread.
func (o *Objects) Furnish(t *Table, p *Process, thread int32) {
	for _, object := range [3]int32{p.Object, p.Space, thread} {
		o.Refer(object)
		if _, e := o.Insert(t, object, abi.RightsOf(o.At(object).kind)); e != 0 {
			panic("object: a table that has no room for the first handles")
		}
	}
}

// DropRecord says that the record behind a process or thread is no more, and
// gives back the kernel's reference.
func (o *Objects) DropRecord(i int32) {
	o.At(i).Record = pool.Nil
	if o.Release(i) {
		panic("object: somebody waits for the end of what has ended")
	}
}

// EndProcess says that all that a process had is given back, its table is
// closed and its space gone.
func (o *Objects) EndProcess(p *Process) {
	o.DropRecord(p.Space)
	o.CloseAccount(p.Account)
}
