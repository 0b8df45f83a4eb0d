// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"fmt"
	"strings"

	"loam/abi"
	"loam/user/linux/lx"
	"loam/user/linux/vfs"
)

// Descriptors of a process in /proc/PID/fd and /proc/PID/fdinfo.

// Inode numbers of the directories, and of what is in them from there on.
const (
	fdIno     = 1 << 16
	fdInfoIno = 1 << 20
)

// procFDs makes the directory of a process's descriptors.
func (s *Server) procFDs(p *process, now abi.Timespec) vfs.Node {
	d := &vfs.Fixed{Ino: inoOf(p, fdIno), Dev: devProc, Time: now, Kind: procMagic}
	d.Find = func(name string) vfs.Node {
		n := number(name)
		f := p.table.Get(n)
		if f == nil {
			return nil
		}
		return &jumpNode{f: f, linkNode: linkNode{ino: inoOf(p, fdIno+1+uint64(n)), dev: devProc, time: now}, view: &p.view, to: func() (vfs.Path, abi.Errno) {
			f := p.table.Get(n)
			if f == nil {
				return vfs.Path{}, abi.ENOENT
			}
			return f.path, 0
		}}
	}
	d.List = func() (all []vfs.Entry) {
		p.table.Each(0, func(n int32, _ *file) {
			all = append(all, vfs.Entry{Name: itoa(n), Ino: inoOf(p, fdIno+1+uint64(n)), Type: lx.DT_LNK, Next: int64(n) + 1})
		})
		return all
	}
	return d
}

// procFDInfo makes the directory of what is known of a process's descriptors.
func (s *Server) procFDInfo(p *process, now abi.Timespec) vfs.Node {
	d := &vfs.Fixed{Ino: inoOf(p, fdInfoIno), Dev: devProc, Time: now, Kind: procMagic}
	d.Find = func(name string) vfs.Node {
		n := number(name)
		if p.table.Get(n) == nil {
			return nil
		}
		return &textNode{ino: inoOf(p, fdInfoIno+1+uint64(n)), dev: devProc, kind: procMagic, mode: 0o444, time: now, size: -1,
			text: func() []byte { return []byte(s.fdInfo(p, n)) }}
	}
	d.List = func() (all []vfs.Entry) {
		p.table.Each(0, func(n int32, _ *file) {
			all = append(all, vfs.Entry{Name: itoa(n), Ino: inoOf(p, fdInfoIno+1+uint64(n)), Type: lx.DT_REG, Next: int64(n) + 1})
		})
		return all
	}
	return d
}

// fdInfo is the text of a descriptor.
func (s *Server) fdInfo(p *process, n int32) string {
	f := p.table.Get(n)
	if f == nil {
		return ""
	}
	flags := f.flags
	if p.table.CloseExec(n) {
		flags |= abi.O_CLOEXEC
	}
	ino := uint64(0)
	var st abi.Stat
	if _, e := f.attributes.Stat(nil, &st); e == 0 {
		ino = st.Ino
	}
	var b strings.Builder
	fmt.Fprintf(&b, "pos:\t%d\nflags:\t0%o\nmnt_id:\t%d\nino:\t%d\n", f.pos, flags, s.mountNumber(f.path.Mount), ino)
	if d, ok := f.dev.(interface{ info(b *strings.Builder) }); ok {
		d.info(&b)
	}
	return b.String()
}

// mountNumber is the place of a mount among all, which is its number for people.
func (s *Server) mountNumber(m *vfs.Mount) int {
	const first = 20
	for i, other := range s.root.All() {
		if other == m {
			return first + i
		}
	}
	return first
}

func (f *eventFile) info(b *strings.Builder) {
	semaphore := 0
	if f.Semaphore {
		semaphore = 1
	}
	fmt.Fprintf(b, "eventfd-count: %16x\neventfd-id: %d\neventfd-semaphore: %d\n", f.Count, 1, semaphore)
}

func (f *pidFile) info(b *strings.Builder) {
	pid := f.p.pid
	if f.p.zombie && f.p.parent == nil {
		pid = -1
	}
	fmt.Fprintf(b, "Pid:\t%d\nNSpid:\t%d\n", pid, pid)
}

func (f *inotifyFile) info(b *strings.Builder) {
	for n := int32(1); n <= f.last; n++ {
		w := f.watches[n]
		var st abi.Stat
		if w == nil {
			continue
		}
		_, _ = w.node.Stat(nil, &st)
		fmt.Fprintf(b, "inotify wd:%x ino:%x sdev:%x mask:%x ignored_mask:0\n", n, st.Ino, st.Dev, w.mask&^inOneShot)
	}
}
