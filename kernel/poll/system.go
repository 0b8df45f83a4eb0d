// SPDX-License-Identifier: Apache-2.0

package poll

import (
	"math/bits"

	"loam/abi"
	"loam/kernel/pool"
	"loam/machine/tables"
)

// MaxFD is the number of descriptors a process can have.
const MaxFD = 256

// Config sizes a System.
type Config struct {
	From *tables.Source // of the tables; nil: the Go heap

	Threads   int // thread numbers are 0 to Threads-1
	Tables    int // processes
	Files     int // open files of all processes
	Pipes     int // pipes of all processes
	PipeBytes int // capacity of each, a power of 2, at least abi.PIPE_BUF
	Watches   int // epoll entries of all processes

	PipesPerTable   int // pipes that one process may have
	WatchesPerTable int // epoll entries that one process may have
}

// System holds the descriptors of all processes without a personality.
type System struct {
	config  Config
	tables  *pool.Pool[Table]
	files   *pool.Pool[file]
	pipes   *pool.Pool[pipe]
	buffers []byte // PipeBytes for each pipe
	watches *pool.Pool[watch]
	onFile  []pool.Link // watches: file.watches
	inEpoll []pool.Link // watches: file.interest
	onReady []pool.Link // watches: file.ready
	waits   []wait      // by thread
	links   []pool.Link // threads: file.waiters, Table.pollers, or woken
	woken   pool.List
}

// Table holds the descriptors of one process.
type Table struct {
	self    pool.Handle
	used    [MaxFD / 64]uint64
	cloexec [MaxFD / 64]uint64
	file    [MaxFD]int32 // index in System.files
	pipes   int
	watches int
	pollers pool.List // threads in WaitAny
}

// New makes a System. It panics on a configuration that makes no sense.
func New(c Config) *System {
	if c.PipeBytes < abi.PIPE_BUF || c.PipeBytes&(c.PipeBytes-1) != 0 {
		panic("poll: pipe capacity has to be a power of 2 and at least PIPE_BUF")
	}
	return &System{
		config:  c,
		tables:  pool.In[Table](c.From, c.Tables),
		files:   pool.In[file](c.From, c.Files),
		pipes:   pool.In[pipe](c.From, c.Pipes),
		buffers: tables.Make[byte](c.From, c.Pipes*c.PipeBytes),
		watches: pool.In[watch](c.From, c.Watches),
		onFile:  tables.Make[pool.Link](c.From, c.Watches),
		inEpoll: tables.Make[pool.Link](c.From, c.Watches),
		onReady: tables.Make[pool.Link](c.From, c.Watches),
		waits:   tables.Make[wait](c.From, c.Threads),
		links:   tables.Make[pool.Link](c.From, c.Threads),
	}
}

// NewTable makes the descriptors of a new process: the standard streams at 0,
// 1 and 2. ENFILE: too many processes or files.
func (s *System) NewTable() (*Table, abi.Errno) {
	h, tb, ok := s.tables.Get()
	if !ok {
		return nil, abi.ENFILE
	}
	tb.self, tb.pollers = h, pool.List{} // both ends: all of it has memory now
	for stream := Stdin; stream <= Stderr; stream++ {
		flags := uint32(abi.O_WRONLY)
		if stream == Stdin {
			flags = abi.O_RDONLY
		}
		i, errno := s.newFile(tb, kindStream, flags)
		if errno != 0 {
			s.FreeTable(tb)
			return nil, errno
		}
		f := s.files.Index(i)
		f.stream = stream
		if stream != Stdin {
			f.ready = abi.EPOLLOUT | abi.EPOLLWRNORM
		}
		s.attach(tb, int32(stream), i, false)
	}
	return tb, 0
}

// FreeTable closes all descriptors of a process and gives tb back. No thread of
// the process may be waiting.
func (s *System) FreeTable(tb *Table) {
	for i := range tb.used {
		for set := tb.used[i]; set != 0; set &= set - 1 {
			s.Close(tb, int32(i*64+bits.TrailingZeros64(set)))
		}
	}
	s.tables.Put(tb.self)
}

// InUse gives how many objects of all kinds the processes have.
func (s *System) InUse() int {
	return s.tables.Len() + s.files.Len() + s.pipes.Len() + s.watches.Len()
}

// has reports whether fd is open.
func (tb *Table) has(fd int32) bool {
	return uint32(fd) < MaxFD && tb.used[fd/64]>>(fd%64)&1 != 0
}

func (tb *Table) set(fd, file int32, cloexec bool) {
	tb.used[fd/64] |= 1 << (fd % 64)
	tb.file[fd] = file
	tb.setCloexec(fd, cloexec)
}

func (tb *Table) setCloexec(fd int32, on bool) {
	tb.cloexec[fd/64] &^= 1 << (fd % 64)
	if on {
		tb.cloexec[fd/64] |= 1 << (fd % 64)
	}
}

func (tb *Table) clear(fd int32) { tb.used[fd/64] &^= 1 << (fd % 64) }

// lowest gives the least free descriptor from from on; EMFILE when none is free.
func (tb *Table) lowest(from int32) (int32, abi.Errno) {
	for w := from / 64; w < MaxFD/64; w++ {
		free := ^tb.used[w]
		if w == from/64 {
			free &= ^uint64(0) << (from % 64)
		}
		if free != 0 {
			return w*64 + int32(bits.TrailingZeros64(free)), 0
		}
	}
	return 0, abi.EMFILE
}

// lookup gives the file behind fd.
func (s *System) lookup(tb *Table, fd int32) (*file, abi.Errno) {
	if !tb.has(fd) {
		return nil, abi.EBADF
	}
	return s.files.Index(tb.file[fd]), 0
}
