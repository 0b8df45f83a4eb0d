// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"encoding/binary"
	"slices"

	"loam/abi"
	"loam/user/linux/lx"
	"loam/user/linux/poll"
	"loam/user/linux/vfs"
)

// inotifyFile tells of what this server's calls do to files: what a host changes in its folders nobody
// hears of.
type inotifyFile struct {
	anonymous
	s       *Server
	watches map[int32]*inWatch
	last    int32 // the number that was given last
	events  []inEvent
	bytes   int // of events
	queue   poll.Queue
}

// inWatch is a file that one watches.
type inWatch struct {
	by     *inotifyFile
	node   vfs.Node
	number int32
	mask   uint32
}

// inEvent is an event that wasn't read yet.
type inEvent struct {
	number       int32
	bits, cookie uint32
	name         string
}

// Bits of inotify_add_watch(2) and of events beside those of package vfs.
const (
	inAll        = 0xfff
	inOverflow   = 0x4000
	inIgnored    = 0x8000
	inOnlyDir    = 0x100_0000
	inDontFollow = 0x200_0000
	inExclUnlink = 0x400_0000
	inMaskCreate = 0x1000_0000
	inMaskAdd    = 0x2000_0000
	inOneShot    = 0x8000_0000
	inKnown      = inAll | 0x2000 | inOverflow | inIgnored | inOnlyDir | inDontFollow | inExclUnlink | inMaskCreate | inMaskAdd | vfs.InIsDir | inOneShot
	mostInEvents = 16_384 // fs.inotify.max_queued_events
	mostWatched  = 1 << 16
)

// size is how many bytes an event has when it is read.
func (e *inEvent) size() int {
	if e.name == "" {
		return 16
	}
	return 16 + (len(e.name)+1+15)&^15
}

// Queue is for poll.File.
func (f *inotifyFile) Queue() *poll.Queue { return &f.queue }

// Events is for poll.File.
func (f *inotifyFile) Events() uint32 {
	if len(f.events) > 0 {
		return abi.EPOLLIN | abi.EPOLLRDNORM
	}
	return 0
}

func (f *inotifyFile) write(*Server, lx.Buffer) (int, abi.Errno) { return 0, abi.EBADF }

func (f *inotifyFile) read(_ *Server, b lx.Buffer) (done int, e abi.Errno) {
	if len(f.events) == 0 {
		return 0, lx.Wait
	}
	for len(f.events) > 0 {
		v := &f.events[0]
		n := v.size()
		if n > b.Len() {
			if done == 0 {
				e = abi.EINVAL
			}
			break
		}
		le := binary.LittleEndian
		p := le.AppendUint32(le.AppendUint32(le.AppendUint32(le.AppendUint32(nil, uint32(v.number)), v.bits), v.cookie), uint32(n-16))
		p = append(append(p, v.name...), make([]byte, n-16-len(v.name))...)
		f.events, f.bytes = f.events[1:], f.bytes-n
		if _, e = b.Put(p); e != 0 {
			break
		}
		done += n
	}
	return done, e
}

func (f *inotifyFile) close() {
	for _, w := range f.watches {
		f.s.unwatch(w)
	}
}

// add queues an event, unless it is as the last.
func (f *inotifyFile) add(e inEvent) {
	n := len(f.events)
	switch {
	case n >= mostInEvents:
		e = inEvent{number: -1, bits: inOverflow}
		if f.events[n-1].bits == inOverflow {
			return
		}
	case n > 0:
		if l := &f.events[n-1]; l.number == e.number && l.bits == e.bits && l.name == e.name && e.bits != inIgnored {
			return
		}
	}
	f.events = append(f.events, e)
	f.bytes += e.size()
	f.queue.Tell(abi.EPOLLIN | abi.EPOLLRDNORM)
}

// unwatch forgets a watch.
func (s *Server) unwatch(w *inWatch) {
	delete(w.by.watches, w.number)
	all := slices.DeleteFunc(s.watched[w.node], func(x *inWatch) bool { return x == w })
	if s.watched[w.node] = all; len(all) == 0 {
		delete(s.watched, w.node)
	}
	if len(s.watched) == 0 {
		s.events.Tell = nil
	}
}

// happened is for vfs.Events: who watches the directory is told first.
func (s *Server) happened(e vfs.Event) {
	if e.Moved != nil {
		s.follow(&e)
	}
	if e.Dir != nil {
		s.tellWatches(e.Dir, e.Bits, e.Cookie, e.Name)
	}
	if e.Node == nil {
		return
	}
	if e.Bits&(vfs.InDeleteSelf|vfs.InMoveSelf) != 0 {
		e.Bits &^= vfs.InIsDir
	}
	s.tellWatches(e.Node, e.Bits, e.Cookie, "")
	if e.Bits&vfs.InDeleteSelf != 0 {
		for _, w := range slices.Clone(s.watched[e.Node]) {
			w.by.add(inEvent{number: w.number, bits: inIgnored})
			s.unwatch(w)
		}
	}
}

// follow has open files of what was renamed be in their new place.
func (s *Server) follow(e *vfs.Event) {
	for _, p := range s.processes {
		p.table.Each(0, func(_ int32, f *file) {
			if f.path.Node == e.Moved && f.dir == e.OldDir && f.leaf == e.OldName {
				f.dir, f.leaf = e.Dir, e.Name
			}
		})
	}
}

func (s *Server) tellWatches(n vfs.Node, bits, cookie uint32, name string) {
	for _, w := range slices.Clone(s.watched[n]) {
		if w.mask&bits&inAll == 0 {
			continue
		}
		w.by.add(inEvent{w.number, bits, cookie, name})
		if w.mask&inOneShot != 0 {
			w.by.add(inEvent{number: w.number, bits: inIgnored})
			s.unwatch(w)
		}
	}
}

// did tells what was done to an open file.
func (s *Server) did(f *file, bits uint32) {
	if s.events.Tell != nil && f.open != nil {
		s.didTo(f.dir, f.leaf, f.path.Node, bits)
	}
}

// didPath tells what was done to what a process's last path led to.
func (s *Server) didPath(p *process, n vfs.Node, bits uint32) {
	if s.events.Tell != nil {
		s.didTo(p.view.Dir, p.view.Leaf, n, bits)
	}
}

func (s *Server) didTo(dir vfs.Node, name string, n vfs.Node, bits uint32) {
	if vfs.IsDir(n) {
		bits |= vfs.InIsDir
	}
	s.happened(vfs.Event{Bits: bits, Dir: dir, Name: name, Node: n})
}

// changeBits gives what a change of attributes is told as.
func changeBits(c *vfs.Change) (bits uint32) {
	if c.Valid&(vfs.SetMode|vfs.SetUID|vfs.SetGID) != 0 {
		bits |= vfs.InAttrib
	}
	if c.Valid&vfs.SetSize != 0 {
		bits |= vfs.InModify
	}
	switch c.Valid & (vfs.SetAtime | vfs.SetMtime) {
	case vfs.SetAtime | vfs.SetMtime:
		bits |= vfs.InAttrib
	case vfs.SetAtime:
		bits |= vfs.InAccess
	case vfs.SetMtime:
		bits |= vfs.InModify
	}
	return bits
}

// sysInotifyInit makes one.
func sysInotifyInit(s *Server, t *task) uint64 { return s.inotify(t, 0) }

// sysInotifyInit1: flags.
func sysInotifyInit1(s *Server, t *task) uint64 {
	if uint32(t.Args[0])&^uint32(abi.O_CLOEXEC|abi.O_NONBLOCK) != 0 {
		return abi.EINVAL.Result()
	}
	return s.inotify(t, t.Args[0])
}

func (s *Server) inotify(t *task, flags uint64) uint64 {
	f := &inotifyFile{s: s, watches: map[int32]*inWatch{}}
	return s.enter(t, s.newDevice(f, uint32(flags)&abi.O_NONBLOCK), flags)
}

// sysInotifyAddWatch: inotify, path, mask.
func sysInotifyAddWatch(s *Server, t *task) uint64 {
	mask := uint32(t.Args[2])
	if mask&^inKnown != 0 || mask&inKnown == 0 {
		return abi.EINVAL.Result()
	}
	f, e := deviceOf[*inotifyFile](s, t)
	switch {
	case e == abi.EBADF:
		return fail(e)
	case mask&inMaskAdd != 0 && mask&inMaskCreate != 0:
		return abi.EINVAL.Result()
	case e != 0:
		return fail(e)
	}
	flags := uint64(0)
	if mask&inDontFollow != 0 {
		flags = abi.AT_SYMLINK_NOFOLLOW
	}
	held := t.held
	t.held = nil // the path isn't about it
	p, e := s.lookup(t, here, t.Args[1], flags)
	t.held = held
	switch {
	case e != 0:
		return fail(e)
	case mask&inOnlyDir != 0 && !vfs.IsDir(p.Node):
		return abi.ENOTDIR.Result()
	}
	keep := mask & (inAll | inOneShot | inExclUnlink)
	for _, w := range s.watched[p.Node] {
		if w.by != f {
			continue
		}
		switch {
		case mask&inMaskCreate != 0:
			return abi.EEXIST.Result()
		case mask&inMaskAdd != 0:
			w.mask |= keep
		default:
			w.mask = keep
		}
		return uint64(w.number)
	}
	if len(f.watches) >= mostWatched {
		return abi.ENOSPC.Result()
	}
	f.last++
	w := &inWatch{by: f, node: p.Node, number: f.last, mask: keep}
	f.watches[w.number] = w
	s.watched[p.Node] = append(s.watched[p.Node], w)
	s.events.Tell = s.happened
	return uint64(w.number)
}

// sysInotifyRmWatch: inotify, number of a watch.
func sysInotifyRmWatch(s *Server, t *task) uint64 {
	f, e := deviceOf[*inotifyFile](s, t)
	if e != 0 {
		return fail(e)
	}
	w := f.watches[int32(t.Args[1])]
	if w == nil {
		return abi.EINVAL.Result()
	}
	s.unwatch(w)
	f.add(inEvent{number: w.number, bits: inIgnored})
	return 0
}
