// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"slices"

	"loam/abi"
	"loam/user/linux/fd"
)

// What processes share that aren't threads of one: descriptors (CLONE_FILES), and what paths begin at, with the
// umask (CLONE_FS). Threads of one process share all of it, always: what Linux keeps for each thread is the process's.

// descriptors are those of a process, or of several.
type descriptors struct {
	fd.Table[file]
	sharers int  // processes
	locks   bool // there is or was a lock of theirs of a part of a file
}

// newDescriptors makes those of one process: none.
func newDescriptors(limit int) *descriptors {
	return &descriptors{Table: fd.Table[file]{Limit: limit}, sharers: 1}
}

// copy makes others, with the same files.
func (d *descriptors) copy() *descriptors {
	n := newDescriptors(d.Limit)
	n.CopyOf(&d.Table, func(f *file) { f.refs++ })
	return n
}

// ownDescriptors has a process share its descriptors no more.
func (p *process) ownDescriptors() {
	if p.table.sharers > 1 {
		old := p.table
		p.table = old.copy()
		old.sharers--
	}
}

// dropDescriptors takes a process's descriptors away. The last one that has them closes them.
func (s *Server) dropDescriptors(p *process) {
	if p.table.sharers > 1 {
		p.table.sharers--
		p.table = newDescriptors(0)
		return
	}
	p.table.Each(0, func(n int32, f *file) {
		p.table.Remove(n)
		s.letGo(p, f)
	})
}

// sharedView is processes that share where paths begin, and the umask. Each has a view of its own, with the same in it.
type sharedView struct{ members []*process }

// sharePlaces has a new process share those of another.
func (p *process) sharePlaces(with *process) {
	if with.places == nil {
		with.places = &sharedView{[]*process{with}}
	}
	p.places = with.places
	p.places.members = append(p.places.members, p)
}

// ownPlaces has a process share them no more.
func (p *process) ownPlaces() {
	if g := p.places; g != nil {
		i := slices.Index(g.members, p)
		g.members = slices.Delete(g.members, i, i+1)
		p.places = nil
	}
}

// movedPlaces tells those that share them of a change that p has made.
func (p *process) movedPlaces() {
	if p.places == nil {
		return
	}
	for _, q := range p.places.members {
		q.view.Root, q.view.Cwd, q.view.Umask = p.view.Root, p.view.Cwd, p.view.Umask
	}
}

// What unshare(2) takes apart, and what it knows: namespaces nobody may have.
const (
	unshareNamespaces = abi.CLONE_NEWNS | abi.CLONE_NEWCGROUP | abi.CLONE_NEWUTS | abi.CLONE_NEWIPC | abi.CLONE_NEWUSER |
		abi.CLONE_NEWPID | abi.CLONE_NEWNET | abi.CLONE_NEWTIME
	unshareAlone = abi.CLONE_THREAD | abi.CLONE_SIGHAND | abi.CLONE_VM
	unshareKnown = unshareNamespaces | unshareAlone | abi.CLONE_FS | abi.CLONE_FILES | abi.CLONE_SYSVSEM
)

// sysUnshare: flags.
func sysUnshare(s *Server, t *task) uint64 {
	flags := t.Args[0]
	switch {
	case flags&^unshareKnown != 0:
		return abi.EINVAL.Result()
	case flags&unshareAlone != 0 && s.procs != nil && len(s.threads(t.p)) > 1:
		return abi.EINVAL.Result()
	case flags&unshareNamespaces != 0:
		return abi.EPERM.Result()
	}
	if flags&abi.CLONE_FILES != 0 {
		t.p.ownDescriptors()
	}
	if flags&abi.CLONE_FS != 0 {
		t.p.ownPlaces()
	}
	return 0
}
