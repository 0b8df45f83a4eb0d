//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"loam/abi"
	"loam/machine/metal"
)

// request is a process that a program asks for, its parts still in k.request.
type request struct {
	head  abi.ProcessCreate
	hands []byte
	name  []byte
	args  []byte
}

// item gives item i of the list of handles.
func (q *request) item(i int) abi.HandOn { return abi.GetHandOn(q.hands[i*abi.HandOnSize:]) }

// readRequest copies a request from the caller's memory and takes it apart.
func (r *runner) readRequest(addr, size uint64) (q request, e abi.Errno) {
	if size < abi.ProcessCreateSize {
		return q, abi.EINVAL
	}
	b := k.request[:min(size, abi.MaxProcessRequest)]
	if e := r.as.ReadUser(abi.UserAddr(addr), b); e != 0 {
		return q, e
	}
	q.head = abi.GetProcessCreate(b)
	switch h := &q.head; {
	case !flagsFit(h), h.Handles > abi.MaxHandOn, h.Size() != size:
		return q, abi.EINVAL
	case h.Name > abi.MaxProcessName:
		return q, abi.ENAMETOOLONG
	case h.Args > abi.MaxProcessArgs:
		return q, abi.E2BIG
	}
	b = b[abi.ProcessCreateSize:]
	hands := int(q.head.Handles) * abi.HandOnSize
	name := hands + int(q.head.Name)
	q.hands, q.name, q.args = b[:hands], b[hands:name], b[name:]
	if q.head.Flags&abi.ProcessBootArgs != 0 {
		args, _ := k.files.Lookup([]byte("args"))
		q.args = args.Data
	}
	return q, 0
}

// flagsFit tells whether the flags of a request can be, with what the request has.
func flagsFit(h *abi.ProcessCreate) bool {
	switch h.Flags &^ abi.ProcessEssential {
	case 0, abi.ProcessHeld:
		return true
	case abi.ProcessEmpty:
		return h.Name|h.Args == 0
	case abi.ProcessBootArgs, abi.ProcessBootArgs | abi.ProcessHeld:
		return h.Args == 0
	}
	return false
}

// checkHands tells whether the current process may hand on what the list names.
func (r *runner) checkHands(q *request) abi.Errno {
	for i := range int(q.head.Handles) {
		on := q.item(i)
		if e := r.handles().CheckHandOn(on); e != 0 {
			return e
		}
		if on.Flags&abi.HandOnMove == 0 {
			continue
		}
		for j := range int(q.head.Handles) {
			if j != i && q.item(j).Handle == on.Handle {
				return abi.EINVAL
			}
		}
	}
	return 0
}

// createProcess makes the process, without what is handed on. Its first thread is
// not runnable yet.
func (k *kernel) createProcess(q *request, from *origin) (*Process, abi.Errno) {
	if q.head.Flags&abi.ProcessEmpty == 0 {
		var why line
		return k.startProgram(q.name, q.args, from, &why)
	}
	p, e := k.newProcess(from)
	if e != 0 {
		return nil, e
	}
	k.notBegun(p.leader, k.threads.Index(p.leader))
	return p, 0
}

// loamProcessCreate: request, its length, where to put a Created.
func loamProcessCreate(r *runner, c *metal.Context) uint64 {
	q, e := r.readRequest(c.Arg0(), c.Arg1())
	if e == 0 {
		e = r.checkHands(&q)
	}
	if e == 0 {
		e = r.writable(c.Arg2(), abi.CreatedSize)
	}
	essential := q.head.Flags&abi.ProcessEssential != 0
	switch {
	case e != 0:
		return e.Result()
	case essential && !r.p.essential:
		return abi.EACCES.Result()
	case q.head.Priority > r.p.highest:
		return abi.EPERM.Result()
	case r.handles().Room() < 3:
		return abi.EMFILE.Result()
	case k.frames.Low():
		return abi.ENOMEM.Result()
	}
	from := origin{account: r.p.objects.Account, limits: q.head.Limits, essential: essential, highest: q.head.Priority}
	p, e := k.createProcess(&q, &from)
	if e != 0 {
		return e.Result()
	}
	// Nothing fails from here on: the list is shorter than the child's table.
	for i := range int(q.head.Handles) {
		if _, e := r.handOn(r.p.space, p.space, q.item(i)); e != 0 {
			panic("core: no room for a handle that is handed on")
		}
	}
	leader := k.threads.Index(p.leader)
	made := abi.Created{
		Process: r.handleTo(p.objects.Object),
		Space:   r.handleTo(p.objects.Space),
		Thread:  r.handleTo(leader.object),
	}
	r.inputChanged() // the child's standard input is as ready as everybody's
	leader.held = q.head.Flags&abi.ProcessHeld != 0
	if leader.wait != forStart {
		r.ready(p.leader, leader)
	}
	var b [abi.CreatedSize]byte
	made.Put(b[:])
	return r.put(c.Arg2(), b[:])
}
