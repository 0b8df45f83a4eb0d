// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"bytes"

	"loam/abi"
	"loam/user/linux/lx"
	"loam/user/linux/vfs"
)

// inoOf gives the inode number of a file about a process.
func inoOf(p *process, file uint64) uint64 { return p.badge<<32 | file }

// procProcess gives the directory of a process, which is made when somebody asks for it.
func (s *Server) procProcess(p *process, parent *vfs.Fixed, now abi.Timespec) vfs.Node {
	if p.proc != nil {
		return p.proc
	}
	d := newProcFolder(inoOf(p, 1), now)
	d.Within(parent, itoa(p.pid))
	s.procFiles(d, p, 0)
	d.Add("task", s.procTasks(p, now))
	p.proc = d.Fixed
	return d.Fixed
}

// procTasks makes the directory of a process's threads.
func (s *Server) procTasks(p *process, now abi.Timespec) vfs.Node {
	d := &vfs.Fixed{Ino: inoOf(p, 1000), Dev: devProc, Time: now, Kind: procMagic}
	d.Find = func(name string) vfs.Node {
		tid := number(name)
		for _, t := range s.threads(p) {
			if int32(t.ID) == tid {
				f := newProcFolder(inoOf(p, 1<<24+uint64(tid)<<6), now)
				f.Within(d, name)
				s.procFiles(f, p, tid)
				return f.Fixed
			}
		}
		return nil
	}
	d.List = func() (all []vfs.Entry) {
		for _, t := range s.threads(p) {
			all = append(all, vfs.Entry{Name: itoa(int32(t.ID)), Ino: inoOf(p, 1<<24+uint64(t.ID)<<6), Type: lx.DT_DIR, Next: int64(t.ID)})
		}
		return all
	}
	return d
}

// procFiles adds the files about a process, or about a thread of it if tid isn't 0.
func (s *Server) procFiles(d *procFolder, p *process, tid int32) {
	d.text("cmdline", func() string { return p.commandLine() })
	d.text("comm", func() string { return s.comm(p) + "\n" })
	d.secret("environ", 0o400, func() string { return string(p.env) })
	d.secret("io", 0o400, func() string { return p.moved.text() })
	d.text("limits", func() string { return p.limits.text() })
	d.text("maps", func() string { return s.mapsText(p) })
	d.text("mountinfo", s.mountInfo)
	d.text("mounts", s.mounts)
	network := newProcFolder(inoOf(p, 2000), d.Time)
	d.Add("net", network.Fixed)
	s.procNet(network)
	d.text("oom_score", func() string { return "0\n" })
	d.text("stat", func() string { return s.statLine(p, tid) })
	d.text("statm", func() string { return s.statmLine(p) })
	d.text("status", func() string { return s.statusText(p, tid) })
	jump := func(name string, to func() (vfs.Path, abi.Errno)) {
		d.Add(name, &jumpNode{linkNode: linkNode{ino: d.next, dev: devProc, time: d.Time}, view: &p.view, to: to})
		d.next++
	}
	jump("cwd", func() (vfs.Path, abi.Errno) { return p.view.Cwd, 0 })
	jump("root", func() (vfs.Path, abi.Errno) { return p.view.Root, 0 })
	d.Add("exe", p.exeLink(d.next, d.Time))
	d.next++
	d.Add("fd", s.procFDs(p, d.Time))
	d.Add("fdinfo", s.procFDInfo(p, d.Time))
}

// exeLink leads to a process's program.
func (p *process) exeLink(ino uint64, now abi.Timespec) vfs.Node {
	l := linkNode{ino: ino, dev: devProc, time: now, target: func() (string, abi.Errno) {
		if p.zombie {
			return "", abi.ENOENT
		}
		return p.exe, 0
	}}
	if p.file.Node == nil {
		return &l
	}
	return &jumpNode{linkNode: l, view: &p.view, name: p.exe, to: func() (vfs.Path, abi.Errno) { return p.file, 0 }}
}

func (p *process) commandLine() string {
	switch {
	case p.zombie:
		return ""
	case p.args == nil:
		return p.exe + "\x00"
	}
	return string(p.args)
}

// What the kernel knows of a process, as far as it has not ended.

func (s *Server) use(p *process) (u abi.ProcessUse) {
	switch {
	case p.zombie:
		u.Time = uint64(p.time)
	case s.procs != nil:
		u = s.procs.Use(p.pid)
	}
	return u
}

func (s *Server) areas(p *process) []abi.ProcessArea {
	if s.procs == nil || p.zombie {
		return nil
	}
	return s.procs.Areas(p.pid)
}

// threads gives a process's threads: of one that has ended, and where nobody knows, the first.
func (s *Server) threads(p *process) []abi.ThreadInfo {
	if s.procs == nil || p.zombie {
		return []abi.ThreadInfo{{ID: uint32(p.pid)}}
	}
	return s.procs.Threads(p.pid)
}

// comm is the name that a process has given itself, or its program's.
func (s *Server) comm(p *process) string {
	u := s.use(p)
	if name, _, _ := bytes.Cut(u.Name[:], []byte{0}); len(name) > 0 {
		return string(name)
	}
	return p.name
}
