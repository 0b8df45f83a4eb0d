// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"fmt"
	"sort"
	"strconv"
	"strings"

	"loam/abi"
	"loam/user/linux/lx"
	"loam/user/linux/vfs"
)

// textNode is a file of /proc, whose text is made when it is opened, or a file of the boot archive.
type textNode struct {
	vfs.Base
	ino  uint64
	dev  uint64
	kind uint64 // of its file system
	mode uint32
	time abi.Timespec
	text func() []byte
	size int64 // -1: it isn't told
}

// Mode is for vfs.Node.
func (n *textNode) Mode() uint32 { return abi.S_IFREG | n.mode }

// Stat is for vfs.Node.
func (n *textNode) Stat(_ vfs.Waiter, s *abi.Stat) (abi.Timespec, abi.Errno) {
	*s = abi.Stat{Dev: n.dev, Ino: n.ino, Nlink: 1, Mode: n.Mode(), Size: max(n.size, 0), Blksize: 4096, Atim: n.time, Mtim: n.time, Ctim: n.time}
	s.Blocks = (s.Size + 511) / 512
	return abi.Timespec{}, 0
}

// Statfs is for vfs.Node.
func (n *textNode) Statfs(_ vfs.Waiter, s *lx.Statfs) abi.Errno {
	*s = lx.Statfs{Type: n.kind, Bsize: 4096, Namelen: lx.NameMax}
	return 0
}

// Open is for vfs.Node.
func (n *textNode) Open(_ vfs.Waiter, flags uint32) (vfs.Open, abi.Errno) {
	if flags&abi.O_ACCMODE != abi.O_RDONLY {
		return nil, abi.EACCES
	}
	return &textOpen{text: n.text()}, 0
}

type textOpen struct {
	vfs.BaseOpen
	text []byte
}

// Read is for vfs.Open.
func (o *textOpen) Read(_ vfs.Waiter, b lx.Buffer, off int64) (int, abi.Errno) {
	if off >= int64(len(o.text)) {
		return 0, 0
	}
	p := o.text[off:]
	n, e := b.Put(p[:min(len(p), b.Len())])
	if n > 0 {
		e = 0
	}
	return n, e
}

// Seek finds data everywhere.
func (o *textOpen) Seek(_ vfs.Waiter, off int64, whence int) (int64, abi.Errno) {
	switch {
	case off < 0 || off >= int64(len(o.text)):
		return 0, abi.ENXIO
	case whence == lx.SeekHole:
		return int64(len(o.text)), 0
	}
	return off, 0
}

// boot makes the directory of the boot archive, which has the program in it.
func (s *Server) boot(now abi.Timespec) vfs.Node {
	d := &vfs.Fixed{Ino: 1, Dev: devBoot, Time: now, Kind: tmpfsMagic}
	if b := s.machine.File("program"); b != nil {
		d.Add("program", &textNode{ino: 2, dev: devBoot, kind: tmpfsMagic, mode: 0o555, time: now,
			text: func() []byte { return b }, size: int64(len(b))})
	}
	return d
}

// proc makes /proc.
func (s *Server) proc(now abi.Timespec) vfs.Node {
	d := &vfs.Fixed{Ino: 1, Dev: devProc, Time: now, Kind: procMagic}
	ino := uint64(1)
	add := func(to *vfs.Fixed, name string, text func() string) {
		ino++
		to.Add(name, &textNode{ino: ino, dev: devProc, kind: procMagic, mode: 0o444, time: now,
			text: func() []byte { return []byte(text()) }, size: -1})
	}
	link := func(name string, target func(p *process) string) {
		ino++
		d.Add(name, &linkNode{ino: ino, dev: devProc, time: now, target: func() (string, abi.Errno) {
			if s.current == nil {
				return "", abi.ENOENT
			}
			return target(s.current), 0
		}})
	}
	link("self", func(p *process) string { return strconv.Itoa(int(p.pid)) })
	link("thread-self", func(p *process) string { return strconv.Itoa(int(p.pid)) })
	add(d, "cpuinfo", s.cpuinfo)
	add(d, "meminfo", s.meminfo)
	add(d, "mounts", s.mounts)
	add(d, "filesystems", func() string { return "nodev\ttmpfs\nnodev\tproc\nnodev\tdevtmpfs\nnodev\t9p\n" })
	add(d, "stat", s.procStat)
	add(d, "uptime", func() string {
		up := float64(s.kernel.Now()) / 1e9
		return fmt.Sprintf("%.2f %.2f\n", up, 0.0)
	})
	add(d, "loadavg", func() string { return fmt.Sprintf("0.00 0.00 0.00 1/%d 1\n", len(s.processes)) })
	add(d, "version", func() string { return "Linux version 5.10.0-loam (Loam)\n" })
	system := &vfs.Fixed{Ino: 1 << 20, Dev: devProc, Time: now, Kind: procMagic}
	kernel := &vfs.Fixed{Ino: 1<<20 + 1, Dev: devProc, Time: now, Kind: procMagic}
	d.Add("sys", system)
	system.Add("kernel", kernel)
	add(kernel, "hostname", func() string { return "loam\n" })
	add(kernel, "osrelease", func() string { return "5.10.0-loam\n" })
	add(kernel, "ostype", func() string { return "Linux\n" })
	add(kernel, "pid_max", func() string { return "32768\n" })
	d.Find = func(name string) vfs.Node {
		for _, p := range s.processes {
			if strconv.Itoa(int(p.pid)) == name {
				return s.procProcess(p, d, now)
			}
		}
		return nil
	}
	d.List = func() (all []vfs.Entry) {
		for _, p := range s.processes {
			all = append(all, vfs.Entry{Name: strconv.Itoa(int(p.pid)), Ino: inoOf(p, 0), Type: lx.DT_DIR, Next: int64(p.pid)})
		}
		return all
	}
	return d
}

// inoOf gives the inode number of a file about a process.
func inoOf(p *process, file uint64) uint64 { return uint64(p.badge)<<32 | file }

// procProcess makes the directory of a process, each time that it is asked for: it is
// another file each time, which nobody compares.
func (s *Server) procProcess(p *process, parent *vfs.Fixed, now abi.Timespec) vfs.Node {
	if p.proc != nil {
		return p.proc
	}
	d := &vfs.Fixed{Ino: inoOf(p, 1), Dev: devProc, Time: now, Kind: procMagic}
	d.Within(parent, strconv.Itoa(int(p.pid)))
	p.proc = d
	ino := inoOf(p, 2)
	text := func(name string, f func() string) {
		ino++
		d.Add(name, &textNode{ino: ino, dev: devProc, kind: procMagic, mode: 0o444, time: now,
			text: func() []byte { return []byte(f()) }, size: -1})
	}
	text("cmdline", func() string {
		if p.args == nil {
			return p.exe + "\x00"
		}
		return string(p.args)
	})
	text("comm", func() string { return p.name + "\n" })
	text("mounts", s.mounts)
	text("stat", func() string { return procStatLine(p) })
	text("status", func() string {
		return fmt.Sprintf("Name:\t%s\nUmask:\t%04o\nState:\tR (running)\nTgid:\t%d\nPid:\t%d\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nFDSize:\t%d\n",
			p.name, p.view.Umask, p.pid, p.pid, p.table.Len())
	})
	jump := func(name string, to func() (vfs.Path, abi.Errno)) {
		ino++
		d.Add(name, &jumpNode{linkNode: linkNode{ino: ino, dev: devProc, time: now}, view: &p.view, to: to})
	}
	jump("cwd", func() (vfs.Path, abi.Errno) { return p.view.Cwd, 0 })
	jump("root", func() (vfs.Path, abi.Errno) { return p.view.Root, 0 })
	ino++
	d.Add("exe", p.exeLink(ino, now))
	d.Add("fd", s.procFDs(p, now))
	return d
}

// exeLink leads to a process's program.
func (p *process) exeLink(ino uint64, now abi.Timespec) vfs.Node {
	l := linkNode{ino: ino, dev: devProc, time: now, target: func() (string, abi.Errno) { return p.exe, 0 }}
	if p.file.Node == nil {
		return &l
	}
	return &jumpNode{linkNode: l, view: &p.view, name: p.exe, to: func() (vfs.Path, abi.Errno) { return p.file, 0 }}
}

// procStatLine is the file stat of a process, as far as something is known.
func procStatLine(p *process) string {
	state, parent := 'R', int32(0)
	if p.stopped {
		state = 'T'
	}
	if p.parent != nil {
		parent = p.parent.pid
	}
	return fmt.Sprintf("%d (%s) %c %d %d %d 0 -1 0%s\n", p.pid, p.name, state, parent, p.pgid, p.sid, strings.Repeat(" 0", 43))
}

// jumpNode is a link that leads to a file without a name.
type jumpNode struct {
	linkNode
	view *vfs.View
	to   func() (vfs.Path, abi.Errno)
	f    *file  // of a descriptor
	name string // that is told, if it isn't the path's
}

// Jump is for vfs.Jump.
func (n *jumpNode) Jump() (vfs.Path, abi.Errno) { return n.to() }

// Readlink is for vfs.Node.
func (n *jumpNode) Readlink(vfs.Waiter) (string, abi.Errno) {
	p, e := n.to()
	if e != 0 {
		return "", e
	}
	switch {
	case n.name != "":
		return n.name, 0
	case n.f != nil && n.f.name != "":
		return n.f.name, 0
	}
	if d, ok := p.Node.(*devNode); ok {
		return d.name(), 0
	}
	if vfs.IsDir(p.Node) {
		return n.view.Name(p)
	}
	return n.nameOf(p)
}

// nameOf gives the path of a file that was opened in a directory.
func (n *jumpNode) nameOf(p vfs.Path) (string, abi.Errno) {
	if n.f == nil || n.f.dir == nil {
		return "/", 0
	}
	at, e := n.view.Name(vfs.Path{Mount: p.Mount, Node: n.f.dir})
	if e != 0 {
		return "", e
	}
	if at != "/" {
		at += "/"
	}
	at += n.f.leaf
	if g, ok := p.Node.(vfs.Goner); ok {
		if now, e := n.f.dir.Lookup(nil, n.f.leaf); g.Gone() || e == abi.ENOENT || e == 0 && now != p.Node {
			at += " (deleted)"
		}
	}
	return at, 0
}

// name is what /proc/self/fd says of a device.
func (n *devNode) name() string {
	var st abi.Stat
	n.d.stat(&st)
	switch n.d.(type) {
	case *eventFile:
		return "anon_inode:[eventfd]"
	case *epollFile:
		return "anon_inode:[eventpoll]"
	case *timerFile:
		return "anon_inode:[timerfd]"
	case *inotifyFile:
		return "anon_inode:inotify"
	case *socketFile:
		return "socket:[" + strconv.FormatUint(st.Ino, 10) + "]"
	}
	return "pipe:[" + strconv.FormatUint(st.Ino, 10) + "]"
}

// procFDs makes the directory of a process's descriptors.
func (s *Server) procFDs(p *process, now abi.Timespec) vfs.Node {
	d := &vfs.Fixed{Ino: inoOf(p, 1000), Dev: devProc, Time: now, Kind: procMagic}
	d.Find = func(name string) vfs.Node {
		n, err := strconv.ParseUint(name, 10, 31)
		if err != nil {
			return nil
		}
		f := p.table.Get(int32(n))
		if f == nil {
			return nil
		}
		return &jumpNode{f: f, linkNode: linkNode{ino: inoOf(p, 1001+n), dev: devProc, time: now}, view: &p.view, to: func() (vfs.Path, abi.Errno) {
			f := p.table.Get(int32(n))
			if f == nil {
				return vfs.Path{}, abi.ENOENT
			}
			return f.path, 0
		}}
	}
	d.List = func() (all []vfs.Entry) {
		p.table.Each(0, func(n int32, _ *file) {
			all = append(all, vfs.Entry{Name: strconv.Itoa(int(n)), Ino: inoOf(p, 1001+uint64(n)), Type: lx.DT_LNK, Next: int64(n) + 1})
		})
		return all
	}
	return d
}

func (s *Server) cpuinfo() string {
	var b strings.Builder
	for i := range s.machine.CPUs() {
		fmt.Fprintf(&b, "processor\t: %d\n\n", i)
	}
	return b.String()
}

func (s *Server) meminfo() string {
	total, free := s.machine.Memory()
	return fmt.Sprintf("MemTotal:       %8d kB\nMemFree:        %8d kB\nMemAvailable:   %8d kB\nBuffers:        %8d kB\nCached:         %8d kB\nSwapTotal:      %8d kB\nSwapFree:       %8d kB\n",
		total>>10, free>>10, free>>10, 0, 0, 0, 0)
}

func (s *Server) procStat() string {
	var b strings.Builder
	b.WriteString("cpu  0 0 0 0 0 0 0 0 0 0\n")
	for i := range s.machine.CPUs() {
		fmt.Fprintf(&b, "cpu%d 0 0 0 0 0 0 0 0 0 0\n", i)
	}
	fmt.Fprintf(&b, "processes %d\nprocs_running 1\nprocs_blocked 0\n", s.badge)
	return b.String()
}

// mounts lists what is mounted.
func (s *Server) mounts() string {
	v := s.view()
	var lines []string
	for _, m := range s.root.All() {
		at := "/"
		if m.Parent != nil {
			if name, e := v.Name(vfs.Path{Mount: m, Node: m.Root}); e == 0 {
				at = name
			}
		}
		mode := "rw"
		if m.ReadOnly {
			mode = "ro"
		}
		lines = append(lines, fmt.Sprintf("%s %s %s %s,relatime 0 0\n", escaped(m.Source), escaped(at), m.Type, mode))
	}
	sort.Strings(lines[1:])
	return strings.Join(lines, "")
}

// escaped writes white space as /proc/mounts does.
var escapes = strings.NewReplacer(" ", `\040`, "\t", `\011`, "\n", `\012`, `\`, `\134`)

func escaped(s string) string { return escapes.Replace(s) }
