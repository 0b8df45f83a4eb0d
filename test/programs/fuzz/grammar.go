// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"syscall"

	"loam/abi"
)

// kind is what an argument is.
type kind uint8

const (
	any64 kind = iota // whatever comes
	fd
	addr    // of memory that a call reads or writes
	page    // an address to map or unmap at
	size    // a length
	small   // a small number
	bits    // flags
	signo   // a signal
	tid     // a thread or process
	sigset  // address of a set of signals
	eight   // 8, the size of a set
	times   // address of a time
	action  // address of an action
	iovecs  // address of iovecs
	futexOp // operation
	advice
	prot
	mapping // flags of mmap
	event   // address of an epoll event
	polls   // address of pollfds
	file    // address of a name in the boot archive
)

// form is one call and what it wants to get. The weight says how often it comes.
type form struct {
	nr     uint64
	weight int
	args   []kind
}

var forms = append(formsHere, []form{
	{syscall.SYS_MMAP, 20, []kind{page, size, prot, mapping, fd, small}},
	{syscall.SYS_MUNMAP, 8, []kind{page, size}},
	{syscall.SYS_MPROTECT, 14, []kind{page, size, prot}},
	{syscall.SYS_MADVISE, 8, []kind{page, size, advice}},
	{syscall.SYS_MREMAP, 10, []kind{page, size, size, small, page}},
	{syscall.SYS_MINCORE, 4, []kind{page, size, addr}},
	{syscall.SYS_BRK, 4, []kind{page}},
	{syscall.SYS_FUTEX, 25, []kind{addr, futexOp, small, times, addr, small}},
	{syscall.SYS_RT_SIGACTION, 6, []kind{signo, action, addr, eight}},
	{syscall.SYS_RT_SIGPROCMASK, 8, []kind{small, sigset, addr, eight}},
	{syscall.SYS_RT_SIGPENDING, 2, []kind{addr, eight}},
	{syscall.SYS_RT_SIGTIMEDWAIT, 4, []kind{sigset, addr, times, eight}},
	{syscall.SYS_RT_SIGSUSPEND, 2, []kind{sigset, eight}},
	{syscall.SYS_SIGALTSTACK, 1, []kind{addr, addr}},
	{syscall.SYS_KILL, 4, []kind{tid, signo}},
	{syscall.SYS_TKILL, 6, []kind{tid, signo}},
	{syscall.SYS_TGKILL, 6, []kind{tid, tid, signo}},
	{syscall.SYS_GETPID, 2, nil},
	{syscall.SYS_GETTID, 2, nil},
	{syscall.SYS_CLONE, 1, []kind{bits, addr, addr, addr, addr}},
	{syscall.SYS_EXIT, 1, []kind{small}},
	{syscall.SYS_WAIT4, 3, []kind{tid, addr, small, addr}},
	{syscall.SYS_SET_TID_ADDRESS, 2, []kind{addr}},
	{syscall.SYS_SET_ROBUST_LIST, 2, []kind{addr, any64}},
	{syscall.SYS_PRCTL, 3, []kind{small, addr}},
	{syscall.SYS_SCHED_YIELD, 4, nil},
	{syscall.SYS_SCHED_GETAFFINITY, 2, []kind{tid, size, addr}},
	{syscall.SYS_GETPRIORITY, 1, []kind{small, tid}},
	{syscall.SYS_SETPRIORITY, 2, []kind{small, tid, small}},
	{syscall.SYS_UNAME, 1, []kind{addr}},
	{syscall.SYS_SYSINFO, 1, []kind{addr}},
	{syscall.SYS_GETRUSAGE, 1, []kind{small, addr}},
	{syscall.SYS_PRLIMIT64, 1, []kind{tid, small, addr, addr}},
	{abi.SYS_GETRANDOM, 2, []kind{addr, size, bits}},
	{abi.SYS_GETCPU, 1, []kind{addr, addr}},
	{abi.SYS_MEMBARRIER, 1, []kind{small}},
	{syscall.SYS_GETCWD, 1, []kind{addr, size}},
	{syscall.SYS_READ, 12, []kind{fd, addr, size}},
	{syscall.SYS_WRITE, 16, []kind{fd, addr, size}},
	{syscall.SYS_READV, 4, []kind{fd, iovecs, small}},
	{syscall.SYS_WRITEV, 4, []kind{fd, iovecs, small}},
	{syscall.SYS_PREAD64, 1, []kind{fd, addr, size, small}},
	{syscall.SYS_CLOSE, 6, []kind{fd}},
	{syscall.SYS_FSTAT, 2, []kind{fd, addr}},
	{abi.SYS_NEWFSTATAT, 2, []kind{fd, addr, addr, bits}},
	{syscall.SYS_IOCTL, 2, []kind{fd, bits, addr}},
	{syscall.SYS_FCNTL, 6, []kind{fd, small, bits}},
	{syscall.SYS_DUP, 4, []kind{fd}},
	{syscall.SYS_DUP3, 4, []kind{fd, fd, bits}},
	{syscall.SYS_PIPE2, 8, []kind{addr, bits}},
	{syscall.SYS_EVENTFD2, 8, []kind{small, bits}},
	{syscall.SYS_EPOLL_CREATE1, 6, []kind{bits}},
	{syscall.SYS_EPOLL_CTL, 20, []kind{fd, small, fd, event}},
	{syscall.SYS_EPOLL_PWAIT, 8, []kind{fd, addr, small, small, sigset, eight}},
	{syscall.SYS_PPOLL, 5, []kind{polls, small, times, sigset, eight}},
	{syscall.SYS_NANOSLEEP, 4, []kind{times, addr}},
	{syscall.SYS_CLOCK_NANOSLEEP, 4, []kind{small, small, times, addr}},
	{syscall.SYS_CLOCK_GETTIME, 3, []kind{small, addr}},
	{syscall.SYS_CLOCK_GETRES, 1, []kind{small, addr}},
	{syscall.SYS_GETTIMEOFDAY, 1, []kind{addr, addr}},
	{syscall.SYS_TIMES, 1, []kind{addr}},
	{syscall.SYS_SETITIMER, 3, []kind{small, times, addr}},
	{syscall.SYS_GETITIMER, 1, []kind{small, addr}},
}...)

var weights, loamWeights = sum(forms), sum(loamForms)

func sum(forms []form) (n int) {
	for _, f := range forms {
		n += f.weight
	}
	return n
}

// choose gives one of some forms, by their weights.
func (g *gen) choose(forms []form, weights int) *form {
	k, i := g.IntN(weights), 0
	for k -= forms[0].weight; k >= 0; k -= forms[i].weight {
		i++
	}
	return &forms[i]
}

// randomCall adds a call: mostly one of the forms, now and then any number
// with anything.
func (g *gen) randomCall() {
	if g.IntN(50) == 0 {
		nr := g.of(uint64(g.IntN(512)), abi.CallBase+uint64(g.IntN(len(loamForms)+4)), g.value())
		if withheld(nr) {
			nr = ^nr
		}
		g.call(nr, g.value(), g.value(), g.value(), g.value(), g.value(), g.value())
		return
	}
	f := g.choose(forms, weights)
	r := record{Nr: f.nr}
	for i := range r.Args {
		r.Args[i] = g.Uint64()
	}
	for i, kind := range f.args {
		r.Args[i] = g.arg(kind)
		// What an earlier record got: descriptors, addresses, thread ids.
		if known := kind == fd || kind == tid || kind == page; known && len(g.records) > 0 && g.IntN(3) == 0 {
			r.Args[i] = g.at + uint64(g.IntN(len(g.records)))*recordSize + recordResult
			r.Follow |= 1 << i
		}
	}
	g.add(r)
}

// of is one of some values.
func (g *gen) of(v ...uint64) uint64 { return v[g.IntN(len(v))] }

// edges are the numbers around which checks go wrong.
var edges = append(edgesHere, 0, 1, 2, 7, 8, 63, 64, 4095, 4096, 4097, 1<<16, 1<<31-1, 1<<31, 1<<32-1, 1<<32,
	0xffff_ffff_8020_0000, 1<<63-1, 1<<63, 1<<64-4096, 1<<64-1)

// value is a number of any kind.
func (g *gen) value() uint64 {
	switch g.IntN(6) {
	case 0:
		return g.Uint64()
	case 1:
		return g.address()
	case 2:
		return uint64(g.IntN(256))
	case 3:
		return 1 << g.IntN(64)
	case 4:
		return g.of(edges...) + uint64(g.IntN(17)) - 8
	}
	return g.of(edges...)
}

// address is one of memory: mostly the arena's, sometimes at a page's end,
// sometimes of something precious or of nothing.
func (g *gen) address() uint64 {
	switch k := g.IntN(40); {
	case k < 20:
		return arenaAddr + uint64(g.IntN(structSize/8)*8)
	case k < 28:
		return arenaAddr + uint64(g.IntN(arenaSize))
	case k < 32:
		return arenaAddr + uint64(1+g.IntN(arenaSize/4096))*4096 - uint64(g.IntN(24))
	case k < 34:
		return sharedAddr + uint64(g.IntN(sharedSize/2))
	case k < 36:
		return imageAddr + uint64(g.IntN(1<<21))
	case k == 39:
		return arenaAddr + arenaSize + uint64(g.IntN(mapsSize))
	case k == 36:
		return g.block + uint64(g.IntN(blockSize))
	case k == 37:
		return codeAddr + uint64(g.IntN(codeSize))
	}
	return g.of(edges...)
}

// pageAddress is where something is mapped or unmapped: seldom where this
// program would die of it at once.
func (g *gen) pageAddress() uint64 {
	switch k := g.IntN(60); {
	case k < 52:
		return arenaAddr + structSize + uint64(g.IntN((arenaSize-structSize)/4096))*4096
	case k < 54:
		return 0
	case k < 55:
		return sharedAddr + uint64(g.IntN(sharedSize/8192))*4096
	case k < 56:
		return g.address() &^ 4095
	case k < 57:
		return g.of(edges...) &^ 4095
	case k < 58:
		return arenaAddr + uint64(g.IntN(structSize))
	}
	return farAddr + uint64(g.IntN(1<<20))*4096
}

// length is a size in bytes: of a few pages, seldom of more.
func (g *gen) length() uint64 {
	switch k := g.IntN(40); {
	case k < 24:
		return uint64(1+g.IntN(16)) * 4096
	case k < 32:
		return uint64(g.IntN(8192))
	case k < 36:
		return uint64(g.IntN(64))
	case k < 38:
		return uint64(g.IntN(1 << 22))
	}
	return g.of(edges...)
}

func (g *gen) arg(k kind) uint64 {
	if g.IntN(40) == 0 {
		return g.value()
	}
	switch k {
	case any64:
		return g.value()
	case fd:
		return uint64(g.IntN(16))
	case addr:
		return g.address()
	case page:
		return g.pageAddress()
	case size:
		return g.length()
	case small:
		return uint64(g.IntN(16))
	case bits:
		return g.of(0, 0, 0, syscall.O_NONBLOCK, syscall.O_CLOEXEC, syscall.O_NONBLOCK|syscall.O_CLOEXEC, 1<<g.IntN(32), uint64(g.Uint32()))
	case signo:
		if g.IntN(16) > 0 {
			return g.of(10, 12, 17, 20, 23, 28, 34, 40, 64, 18)
		}
		return uint64(g.IntN(66))
	case tid:
		return g.of(0, ^uint64(0), uint64(g.IntN(128)), 1)
	case eight:
		return 8
	case prot:
		return g.of(0, 1, 3, 3, 3, 5, 4, 7, 2)
	case advice:
		return g.of(4, 8, 4, 0, 3, uint64(g.IntN(32)))
	case mapping:
		return g.of(0x22, 0x22, 0x32, 0x32, 0x32, 0x21, 0x100022, 0x62, 0x40022, 0x2) | g.of(0, 0, 0, 1<<g.IntN(20))
	case futexOp:
		return g.of(0, 1, 3, 4, 5, 9, 10, 9, 0) | g.of(0, 128, 128, 256, 384)
	}
	if k >= handle {
		return g.loamArg(k)
	}
	return g.structure(k)
}

// structure puts a structure into the arena and gives its address.
func (g *gen) structure(k kind) uint64 {
	switch k {
	case sigset:
		return g.words(g.mask())
	case times: // timespec, itimerval
		return g.words(0, uint64(g.IntN(2_000_000)), g.of(0, 0, g.value()), uint64(g.IntN(5000)))
	case action:
		const onstack = 0x08000000
		h := uint64(handlerAddr)
		switch g.IntN(12) {
		case 0:
			h = 0
		case 1, 2:
			h = 1
		case 3:
			h = g.value()
		}
		a := newAction(h, onstack|4|g.of(0, 0x10000000, 0x40000000, 0x80000000, 1<<g.IntN(32)), g.of(0, 0, g.Uint64()))
		return g.words(a[:]...)
	case iovecs:
		return g.words(g.address(), g.length(), g.address(), g.length(), g.address(), g.length(), g.address(), g.length())
	case event:
		return g.words(g.of(1, 4, 5, 1<<31|5, 1<<30|5, 1<<28|1, uint64(g.Uint32()))|g.Uint64()<<32, g.Uint64())
	case polls:
		w := func() uint64 { return uint64(g.IntN(20)) | g.of(1, 4, 5, uint64(g.Uint32()))<<32 }
		return g.words(w(), w(), w(), w(), w(), w(), w(), w())
	case file:
		const program, args, env = 0x6d6172676f7270, 0x73677261, 0x766e65
		return g.words(g.of(program, args, env, g.Uint64()))
	}
	return g.value()
}

// mask is a set of signals, seldom with one that a worker lives by: those of
// faults and the timer's.
func (g *gen) mask() uint64 {
	const precious = 1<<3 | 1<<4 | 1<<6 | 1<<7 | 1<<10 | 1<<13
	m := g.of(0, 0, 1<<g.IntN(64), g.Uint64()&g.Uint64())
	if g.IntN(32) > 0 {
		m &^= precious
	}
	return m
}
