// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"encoding/binary"
	"net/netip"
	"sync"

	"loam/abi"
	"loam/loader"
	"loam/user/linux/inet"
	"loam/user/linux/lock"
	"loam/user/linux/lx"
	"loam/user/linux/poll"
	"loam/user/linux/tmpfs"
	"loam/user/linux/vfs"
)

// MaxFiles is how many descriptors a process has at most.
const MaxFiles = 1 << 14

// process is a process whose calls come here.
type process struct {
	badge uint64
	pid   int32
	name  string
	exe   string
	file  vfs.Path // that has this name, or had; without a node it is looked up
	table *descriptors
	view  vfs.View
	who   identity
	proc  vfs.Node // its directory in /proc, once somebody has asked
	args  []byte   // with their zeroes; nil: exe
	env   []byte   // that it began with, with their zeroes
	first bool     // it was taken in

	image  *runs    // what it runs; nil: that wasn't looked at yet, or isn't known
	mapped []mapped // what it has mapped of files
	moved  transfers

	limits      limits
	cpu         timer      // when its CPU time may be up
	deathSignal abi.Signal // that it gets when its parent ends
	reaper      bool       // it is the parent of those below it that have none (PR_SET_CHILD_SUBREAPER)

	places *sharedView // nil: nobody shares them

	family
}

// Machine is what /proc tells of the machine.
type Machine interface {
	// CPUs is how many there are.
	CPUs() int
	// Memory gives how many bytes there are, and how many are free.
	Memory() (total, free uint64)
	// File gives a file of the boot archive, nil: there is none.
	File(name string) []byte
}

// Config is what a server is made with.
type Config struct {
	Kernel Kernel

	// Processes makes processes; nil: there are only those that are taken in. Target is what programs
	// they run.
	Processes Processes
	Target    loader.Target

	Machine Machine
	Streams [3]Stream
	Memory  int64 // bytes that the tmpfs may take
	// Resolvers are the servers of names of /etc/resolv.conf, until the network says others.
	Resolvers []netip.Addr
	Clock     func() abi.Timespec // CLOCK_REALTIME
	Random    func(p []byte)
	Say       func(text string) // told which calls aren't known, each once; nil: nobody
}

// New makes a server whose tree is an empty tmpfs with what every program expects.
func New(c Config) *Server {
	s := &Server{kernel: c.Kernel, procs: c.Processes, target: c.Target, byPID: map[int32]*process{}, random: c.Random,
		machine: c.Machine, clock: c.Clock, say: c.Say, processes: map[uint64]*process{},
		unknown: map[uint64]uint64{}, locks: map[any]*flock{}, records: map[any]*lock.Table{}, lockWaits: map[any]lockWait{}, shared: map[vfs.Node]*sharedFile{}, writable: map[vfs.Node]bool{},
		ptys: map[int]*pty{}, abstract: map[abstractName]*unixFile{}, fifos: map[vfs.Node]*poll.Pipe{}, bound: map[vfs.Node]*unixFile{}, inet: inet.NewHost(), netlinks: map[uint32]*netlinkFile{}, watched: map[vfs.Node][]*inWatch{}, alarm: never}
	s.changed.L = &s.mu
	for _, k := range known {
		s.calls[k.number] = k.do
	}
	s.calls[lx.None] = nil
	fs := tmpfs.New(c.Memory, devRoot, c.Clock)
	s.memory = fs
	s.root = &vfs.Mount{Root: fs.Root(), Source: "tmpfs", Type: "tmpfs"}
	s.memfds = &vfs.Mount{Root: fs.Root(), Source: "tmpfs", Type: "tmpfs"}
	for i, st := range c.Streams {
		s.inode++
		mode := uint32(abi.O_RDONLY)
		if i > 0 {
			mode = abi.O_WRONLY
		}
		s.streams[i] = s.newDevice(&streamFile{st, s.inode}, mode)
		s.streams[i].refs = 1 // the server's own
	}
	s.plant(c)
	return s
}

// view is that of a new process.
func (s *Server) view() vfs.View {
	p := vfs.Path{Mount: s.root, Node: s.root.Root}
	return vfs.View{Root: p, Cwd: p, Umask: 0, Events: &s.events}
}

// mount mounts a file system over a directory that is there.
func (s *Server) mount(path string, root vfs.Node, source, kind string, readOnly bool) abi.Errno {
	v := s.view()
	p, e := v.Lookup(atStart{}, v.Root, path, true)
	if e == 0 {
		_, e = p.Mount.Add(p, root, source, kind, readOnly)
	}
	return e
}

// atStart is the vfs.Waiter of the time before calls come, when others needn't go on.
type atStart struct{}

// Do is for vfs.Waiter.
func (atStart) Do(f func()) { f() }

// Mount mounts a file system over a path, of which it makes the directories that aren't there.
// A path "/" has the file system be the root, in which /dev, /proc and /boot are seen.
func (s *Server) Mount(path string, root vfs.Node, source, kind string, readOnly bool) abi.Errno {
	s.mu.Lock()
	defer s.mu.Unlock()
	if path == "/" {
		old := s.root
		s.root = &vfs.Mount{Root: root, Source: source, Type: kind, ReadOnly: readOnly}
		names := []string{"dev", "proc", "boot"} // as plant mounts them
		for _, m := range old.All()[1:] {
			if m.Parent != old {
				continue
			}
			moved := s.root.AddName(names[0], m.Root, m.Source, m.Type, m.ReadOnly)
			names = names[1:]
			for _, c := range m.All()[1:] {
				_, _ = moved.Add(vfs.Path{Mount: moved, Node: c.Point}, c.Root, c.Source, c.Type, c.ReadOnly)
			}
		}
		tmp, e := old.Root.Lookup(nil, "tmp")
		if e == 0 {
			s.root.AddName("tmp", tmp, old.Source, old.Type, false)
		}
		return e
	}
	v := s.view()
	for i := 1; i <= len(path); i++ {
		if i == len(path) || path[i] == '/' {
			if e := v.Mkdir(atStart{}, v.Root, path[:i], 0o755); e != 0 && e != abi.EEXIST {
				return e
			}
		}
	}
	return s.mount(path, root, source, kind, readOnly)
}

// Adopt takes a process in, with the standard streams, and gives the badge that its calls come
// with. exe is the path of its file, and cwd where its paths begin, if that is there, for which another
// server may be waited for.
func (s *Server) Adopt(pid int32, name, exe, cwd string) (badge uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addBootFile(exe, 0o555)
	s.badge++
	p := &process{badge: s.badge, pid: pid, name: name, exe: exe, table: newDescriptors(0), view: s.view()}
	p.view.Umask = 0o022
	p.become(root)
	p.limits = firstLimits()
	p.table.Limit = int(p.limits[abi.RLIMIT_NOFILE].Cur)
	for _, f := range s.streams {
		f.refs++
		p.table.Add(f, 0, false)
	}
	if at, e := p.view.Lookup(patient{s}, p.view.Root, cwd, true); e == 0 && vfs.IsDir(at.Node) {
		p.view.Cwd = at
	}
	s.processes[p.badge], s.byPID[pid] = p, p
	p.first, p.pgid, p.sid, p.exitSignal = true, pid, pid, abi.SIGCHLD
	if p.born = s.kernel.Now(); exe == bootProgram {
		p.args, p.env = s.machine.File("args"), s.machine.File("env")
	}
	if s.tty.session == 0 {
		s.tty = controlling{session: pid, group: pid}
	}
	return p.badge
}

// patient is the vfs.Waiter of who has the server's lock and may wait.
type patient struct{ s *Server }

// Do is for vfs.Waiter.
func (w patient) Do(f func()) {
	w.s.mu.Unlock()
	defer w.s.mu.Lock()
	f()
}

// Ended says that a process has ended: its descriptors are closed, and its calls forgotten.
func (s *Server) Ended(badge uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.processes[badge]; p != nil {
		s.leave(p)
		s.forgetProcess(p)
		s.retry()
	}
}

// leave closes a process's descriptors and forgets its calls.
func (s *Server) leave(p *process) {
	delete(s.processes, p.badge)
	if s.last == p {
		s.last = nil
	}
	for w := range s.waits.of(p) {
		s.drop(w)
	}
	if len(s.shared) > 0 {
		s.flushShared(patient{s}, nil)
	}
	s.stopTimer(&p.cpu)
	p.ownPlaces()
	s.dropDescriptors(p)
}

// chance gives a random number below 2^bits.
func (s *Server) chance(bits uint) uint64 {
	var b [8]byte
	s.random(b[:])
	return binary.LittleEndian.Uint64(b[:]) >> (64 - bits)
}

// Locker is the server's lock, for who tells its streams' queues.
func (s *Server) Locker() sync.Locker { return (*locker)(s) }

// locker tries calls again before it frees the lock.
type locker Server

// Lock is for sync.Locker.
func (l *locker) Lock() { l.mu.Lock() }

// Unlock is for sync.Locker.
func (l *locker) Unlock() {
	(*Server)(l).retry()
	l.mu.Unlock()
}

// Unknown gives how often each call came that isn't known, by number.
func (s *Server) Unknown() map[uint64]uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[uint64]uint64{}
	for n, k := range s.unknown {
		all[n] = k
	}
	return all
}

// Calls is how many calls were handled.
func (s *Server) Calls() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counted
}
