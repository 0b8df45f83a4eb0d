// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

// Command everything takes all that the kernel gives of everything: descriptors,
// areas, notifications, memory objects, threads, and all memory. Then it has the
// kernel use what it has for that: it fills the pipes, and lets the threads run, wait
// and sleep. It gives all of it back, and begins again, as often as its argument says.
// It runs under Loam, whose kernel must have memory for itself all the while. The
// kernel may end the program for its greed: that is what test/vm looks at.
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"

	"loam/abi"
	"loam/user/object"
)

const (
	page = 4096
	mib  = 1 << 20
)

// Nothing here may need memory of Go's while there is none: everything is in arrays.
var (
	fds     [256]int
	epolls  [8]int
	handles [256]abi.Handle
	threads [256]object.Thread
	maps    [8192]mapping

	taken struct{ fds, watches, notifications, objects, threads, areas, pages, piped int }
)

type mapping struct{ addr, size uintptr }

func main() {
	rounds, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	runtime.LockOSThread()
	debug.SetGCPercent(-1)
	for i := range maps { // now, while there is memory
		maps[i].size = 1
	}
	block[0] = 1
	code := sleeper()
	for range rounds {
		round(code)
		fmt.Printf("%+v\n", taken)
	}
}

func round(code uint64) {
	taken = struct{ fds, watches, notifications, objects, threads, areas, pages, piped int }{}
	takeThreads()
	takeDescriptors()
	handled := takeHandles(0, len(handles)/4)
	mapped := takePages(0)
	// From here on there is no memory, but for the kernel.
	fillPipes()
	handled = takeHandles(handled, len(handles))
	for i := range taken.threads {
		_ = threads[i].Start(object.Registers{Entry: code, Args: [2]uint64{code + page/2}})
	}
	mapped = takeAreas(mapped)
	// Not time.Sleep, for which Go's runtime wants a descriptor and memory.
	_ = syscall.Nanosleep(&pause, nil)
	giveBack(mapped, handled)
}

// sleeper maps code that sleeps for ever, sleeperCode, and half a page behind it the
// time to sleep.
func sleeper() uint64 {
	m, err := object.NewMemory(page)
	check(err)
	at, err := object.Here.Map(m, 0, 0, page, syscall.PROT_READ|syscall.PROT_WRITE)
	check(err)
	b := object.Bytes(at, page)
	copy(b, sleeperCode)
	b[page/2] = 2 // seconds
	check(object.Here.Unmap(at, page))
	at, err = object.Here.Map(m, 0, 0, page, syscall.PROT_READ|syscall.PROT_EXEC)
	check(err)
	return at
}

func takeThreads() {
	for taken.threads < len(threads)/2 { // the other half of all handles is for the rest
		t, err := object.Self.NewThread()
		if err != nil {
			return
		}
		threads[taken.threads] = t
		taken.threads++
	}
}

// takeDescriptors takes pipes and event descriptors, and has epolls watch each.
func takeDescriptors() {
	for i := range epolls {
		epolls[i] = -1
		if fd, err := syscall.EpollCreate1(0); err == nil {
			epolls[i] = fd
		}
	}
	for taken.fds+2 <= len(fds) {
		if err := syscall.Pipe2(fds[taken.fds:taken.fds+2], syscall.O_NONBLOCK); err != nil {
			break
		}
		taken.fds += 2
	}
	for taken.fds < len(fds) {
		fd, _, errno := syscall.RawSyscall(syscall.SYS_EVENTFD2, 0, 0, 0)
		if errno != 0 {
			break
		}
		fds[taken.fds] = int(fd)
		taken.fds++
	}
	for _, epoll := range epolls {
		for _, fd := range fds[:taken.fds] {
			event := syscall.EpollEvent{Events: syscall.EPOLLIN | syscall.EPOLLOUT}
			if syscall.EpollCtl(epoll, syscall.EPOLL_CTL_ADD, fd, &event) == nil {
				taken.watches++
			}
		}
	}
}

// takeHandles makes objects and notifications from handle number n on.
func takeHandles(n, end int) int {
	for ; n < end; n++ {
		if n%2 == 0 {
			m, err := object.NewMemory(64 * mib)
			if err != nil {
				break
			}
			handles[n] = abi.Handle(m)
			taken.objects++
			continue
		}
		x, err := object.NewNotification()
		if err != nil {
			break
		}
		handles[n] = abi.Handle(x)
		taken.notifications++
	}
	return n
}

// takeAreas maps areas that can't be joined, and touches none.
func takeAreas(at int) int {
	for ; at < len(maps); at++ {
		prot := uintptr(syscall.PROT_READ | at%2*syscall.PROT_WRITE)
		addr, _, errno := syscall.RawSyscall6(syscall.SYS_MMAP, 0, page, prot, syscall.MAP_ANON|syscall.MAP_PRIVATE, ^uintptr(0), 0)
		if errno != 0 {
			break
		}
		maps[at] = mapping{addr, page}
		taken.areas++
	}
	return at
}

// takePages has the kernel write to fresh pages until there are none: a call that
// doesn't get one fails, where a touch would end somebody.
func takePages(at int) int {
	for ; at < len(maps); at++ {
		addr, _, errno := syscall.RawSyscall6(syscall.SYS_MMAP, 0, mib, syscall.PROT_READ|syscall.PROT_WRITE,
			syscall.MAP_ANON|syscall.MAP_PRIVATE, ^uintptr(0), 0)
		if errno != 0 {
			return at
		}
		maps[at] = mapping{addr, mib}
		for p := addr; p < addr+mib; p += page {
			if _, _, errno := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, 0, p, 0); errno != 0 {
				return at + 1
			}
			taken.pages++
		}
	}
	return at
}

var (
	block [page]byte
	pause = syscall.Timespec{Nsec: 50_000_000}
)

func fillPipes() {
	for i := 1; i < taken.fds; i++ {
		for range 16 {
			n, err := syscall.Write(fds[i], block[:])
			if err != nil {
				break
			}
			taken.piped += n
		}
	}
}

func giveBack(mapped, handled int) {
	for i := range taken.threads {
		_ = threads[i].End()
		_ = threads[i].Close()
	}
	for _, fd := range fds[:taken.fds] {
		_ = syscall.Close(fd)
	}
	for _, fd := range epolls {
		_ = syscall.Close(fd)
	}
	for _, h := range handles[:handled] {
		_ = object.Close(object.Handle(h))
	}
	for mapped > 0 { // the last first: to cut one in the middle takes an area
		mapped--
		m := &maps[mapped]
		if _, _, errno := syscall.RawSyscall(syscall.SYS_MUNMAP, m.addr, m.size, 0); errno != 0 {
			panic(errno)
		}
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
