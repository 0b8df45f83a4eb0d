// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"strconv"
	"sync"
	"sync/atomic"

	"loam/abi"
	"loam/loader"
	"loam/user/ipc"
	"loam/user/linux/inet"
	"loam/user/linux/lock"
	"loam/user/linux/lx"
	"loam/user/linux/poll"
	"loam/user/linux/tmpfs"
	"loam/user/linux/vfs"
)

// Call is a Linux call of a process, which the kernel has forwarded.
type Call struct {
	Number uint64
	Args   [6]uint64
	Thread uint64
	Badge  uint64 // of its process
	Token  uint64

	Interrupted bool // it ends with EINTR where it would wait
}

// Kernel is what a server asks of the kernel.
type Kernel interface {
	// Read and Write copy from and to the memory of who made the call with a token, less
	// than asked where memory is missing, or the call is no more.
	Read(token, addr uint64, p []byte) int
	Write(token, addr uint64, p []byte) int
	// Reply answers a call. interrupted says that a signal ended it: it is made again where
	// the handler wants that.
	Reply(token, result uint64, interrupted bool)
	// NewMemory makes memory that files are mapped of.
	NewMemory(size int64) (vfs.Memory, abi.Errno)
	// Map maps it for who made a call. mayWrite says that what is shared can be made writable later.
	Map(token uint64, m vfs.Memory, mayWrite bool, g *mapping) (uint64, abi.Errno)
	// Signal sends a signal to the thread that made a call.
	Signal(token uint64, s abi.Signal)
	// Now is CLOCK_MONOTONIC in ns.
	Now() int64
	// Alarm has Tick called at a time, and at no time that was set before.
	Alarm(at int64)
	// Another reports whether another thread than the one that asks is there for the next call, so that this one
	// may wait.
	Another() bool
}

// Results of handlers that are none of a call's.
const (
	blocked = 1 << 63   // the task is in the queues of what it waits for
	slow    = 1<<63 + 1 // it has to be done where it may wait
)

// handler does a call.
type handler func(s *Server, t *task) uint64

// Server has the descriptors and files of a sandbox.
type Server struct {
	kernel Kernel
	procs  Processes // nil: there are none but those that are taken in
	target loader.Target
	random func(p []byte)
	calls  [lx.MaxNumber + 1]handler

	mu         sync.Mutex
	changed    sync.Cond           // a file's position is free; on mu
	processes  map[uint64]*process // guarded by mu, as all that follows; by badge
	byPID      map[int32]*process  // and those that have ended and nobody has waited for
	images     []*image            // the last that was asked for first
	tty        controlling         // the console
	ptys       map[int]*pty        // by number
	ptsMount   *vfs.Mount
	load       load
	usedBefore int64      // CPU time of processes that have ended, ns
	last       *process   // who called last
	current    *task      // that is handled
	badge      uint64     // the last that was given
	now        task       // the call that is handled by Handle
	woken      wokenCalls // to be tried again
	waits      waitTable
	spare      *waiting // records to be used again
	spares     int
	early      ipc.Early // tokens that were cancelled and didn't wait
	timers     timerHeap
	alarm      int64 // what the kernel's alarm is set to
	locks      map[any]*flock
	records    map[any]*lock.Table      // of parts of files, by file
	lockWaits  map[any]lockWait         // of processes, by process
	inMemory   []vfs.Mapper             // files whose content is a memory object
	writable   map[vfs.Node]bool        // files that can be sealed and were mapped to be written
	shared     map[vfs.Node]*sharedFile // others that programs share
	unknown    map[uint64]uint64        // how often a call came that isn't known
	counted    uint64                   // calls
	root       *vfs.Mount
	boot       *bootFiles
	memfds     *vfs.Mount // nobody sees it
	abstract   map[abstractName]*unixFile
	inet       *inet.Host
	resolvers  string                  // what /etc/resolv.conf says, as long as no program changes it
	netlinks   map[uint32]*netlinkFile // by address
	fifos      map[vfs.Node]*poll.Pipe // that are open, by name
	bound      map[vfs.Node]*unixFile  // by file
	names      uint32                  // the last that was made up
	events     vfs.Events              // who is told what happens to files
	watched    map[vfs.Node][]*inWatch // by inotify
	flying     int                     // files that were sent and not yet received
	streams    [3]*file
	inode      uint64 // the last that was given to a pipe
	memory     *tmpfs.FS
	machine    Machine
	clock      func() abi.Timespec // CLOCK_REALTIME
	say        func(text string)   // nil: nobody wants to know
	tracer     *tracer             // nil: nobody looks

	attributes abi.Stat   // of fstat
	scratch    [4096]byte // for what is copied from and to callers within a call

	news    atomic.Uint64 // reads of what comes from elsewhere (hostfs.FS)
	workers atomic.Int32
	inline  atomic.Int32 // receivers that do such a task themselves
	queue   []*task      // for workers
}

// task is a call that is handled.
type task struct {
	Call
	p      *process
	w      *waiting   // if it has waited before
	waiter vfs.Waiter // if it may wait
	held   *file      // the file that it is about, if it waits
	buffer span
}

// maxWorkers is how many calls wait for other servers at once.
const maxWorkers = 16

// Handle handles a call, and gives its result unless it is answered later.
func (s *Server) Handle(c *Call) (result uint64, now bool) {
	s.mu.Lock()
	if s.tracer != nil {
		result = s.traced(c)
	} else {
		result = s.handle(c)
	}
	if s.woken.first != nil {
		s.retry()
	}
	s.mu.Unlock()
	return result, result != blocked && result != slow
}

func (s *Server) handle(c *Call) uint64 {
	s.counted++
	p := s.last
	if p == nil || p.badge != c.Badge {
		if p = s.processes[c.Badge]; p == nil {
			return abi.ESRCH.Result()
		}
		s.last = p
	}
	t := &s.now
	s.current = t
	t.Call, t.p, t.w, t.waiter, t.held = *c, p, nil, nil, nil
	h := s.calls[min(c.Number, lx.MaxNumber)]
	if h == nil {
		return s.unknownCall(t)
	}
	result := h(s, t)
	if result != slow {
		return result
	}
	waits := &task{Call: *c, p: p}
	if !s.kernel.Another() {
		s.work(waits)
		return result
	}
	s.inline.Add(1)
	result = s.serve(waits)
	s.inline.Add(-1)
	return result
}

// serve does a task where it may wait.
func (s *Server) serve(t *task) uint64 {
	t.waiter = &worker{s, t}
	s.current = t
	result := s.calls[t.Number](s, t)
	if result != blocked {
		s.release(t)
	}
	return result
}

func (s *Server) unknownCall(t *task) uint64 {
	if s.unknown[t.Number]++; s.unknown[t.Number] == 1 && s.say != nil {
		s.say("unknown call " + callName(t.Number))
	}
	return abi.ENOSYS.Result()
}

// callName names a call for people.
func callName(nr uint64) string {
	if name := abi.Name(abi.HostArch, nr); name != "" {
		return name
	}
	return strconv.FormatUint(nr, 10)
}

// Cancel says that a signal has come to who waits in a call. That may be heard sooner than the call, which
// another thread has received, comes to waiting.
func (s *Server) Cancel(token uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.waits.get(token)
	if w == nil {
		s.early.Add(token)
		return
	}
	s.interrupt(w)
	s.retry()
}

// interrupt ends a call that waits.
func (s *Server) interrupt(w *waiting) {
	w.leave()
	switch {
	case w.done > 0:
		s.finish(w, uint64(w.done))
	case w.restarts:
		s.drop(w)
		s.kernel.Reply(w.t.Token, abi.EINTR.Result(), true)
	default:
		s.finish(w, abi.EINTR.Result())
	}
}

// work has a task done where it may wait.
func (s *Server) work(t *task) {
	s.queue = append(s.queue, t)
	if s.workers.Load() < maxWorkers {
		s.workers.Add(1)
		go s.serveSlow()
	}
}

// Slow reports whether calls are done where they may wait, by others who want a place on the CPU.
func (s *Server) Slow() bool { return s.workers.Load()+s.inline.Load() > 0 }

// serveSlow does tasks that wait until there are none.
func (s *Server) serveSlow() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.queue) > 0 {
		t := s.queue[0]
		s.queue = s.queue[1:]
		if result := s.serve(t); result != blocked {
			s.kernel.Reply(t.Token, result, false)
		}
		s.retry()
	}
	s.workers.Add(-1)
}

// release lets go of the file that a task has held.
func (s *Server) release(t *task) {
	if f := t.held; f != nil {
		t.held = nil
		s.unref(f)
	}
}

// worker lets a task wait.
type worker struct {
	s *Server
	t *task
}

// Do is for vfs.Waiter.
func (w *worker) Do(f func()) {
	w.s.retry()
	w.s.mu.Unlock()
	f()
	w.s.mu.Lock()
	w.s.current = w.t
}

// file gives the file of a descriptor, nil: there is none, or one that is only a path (O_PATH).
func (s *Server) file(t *task, fd uint64) *file {
	f := s.fileOrPath(t, fd)
	if f != nil && f.flags&abi.O_PATH != 0 {
		return nil
	}
	return f
}

// fileOrPath gives the file of a descriptor, nil: there is none. While the task waits it stays
// that file, whatever the descriptor is then.
func (s *Server) fileOrPath(t *task, fd uint64) *file {
	if t.held != nil {
		return t.held
	}
	f := t.p.table.Get(int32(fd))
	if f != nil && t.waiter != nil {
		t.hold(f)
	}
	return f
}

func (t *task) hold(f *file) {
	if t.held == nil {
		f.refs++
		t.held = f
	}
}

// fail gives the result for an error.
func fail(e abi.Errno) uint64 {
	switch e {
	case 0:
		return 0
	case lx.Wait:
		return slow
	}
	return e.Result()
}
