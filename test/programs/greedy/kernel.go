// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"runtime/debug"
	"sync"
	"syscall"

	"loam/abi"
	"loam/test/programs/cases"
	"loam/user/object"
)

// hoard is a way to have the kernel take memory of its own: what a process makes
// before it has taken all of its own kind of memory, and what it does then, again
// and again, until there is an error.
type hoard struct {
	name   string
	before func()
	again  func(i int) syscall.Errno
	want   []syscall.Errno // that it may end with; none: it may also never fail
	most   int             // times
}

// kernelCases: with no memory left but the kernel's reserve, a process can't have
// the kernel use that up, whatever it asks for.
func kernelCases() (out []cases.Case) {
	spareThreads()
	for i := range hoards {
		name := hoards[i].name
		out = append(out, cases.Case{Name: name, Run: func() error { return hoarded(name) }})
	}
	return append(out, cases.Case{Name: "nothing is left", Run: nothingLeft})
}

// spareThreads has Go's runtime make threads that it keeps. While a child has all memory it gets none, and on riscv64 it takes no
// notice of that (runtime.clone of go1.26 stores 0 whatever the call answers): it waits for the thread then, for ever.
func spareThreads() {
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			t := syscall.NsecToTimespec(50e6)
			_ = syscall.Nanosleep(&t, nil) // a call that waits, for which another goroutine's thread is made
		})
	}
	all.Wait()
}

// hoarded has a child hoard. Go's runtime may need a page while there is none, and
// then the child goes before it has done its part.
func hoarded(name string) error {
	for range 5 {
		c := start(false, 0, "hoard", name)
		reserve := watchReserve(c.Process)
		status := c.wait()
		switch {
		case reserve != nil:
			return reserve
		case status == abi.ExitStatus{}:
			return nil
		case status != killed:
			return fmt.Errorf("it ended with %v", status)
		}
	}
	return fmt.Errorf("it never did its part")
}

// watchReserve waits until a process has ended. Meanwhile the kernel has to have
// nearly half of its reserve, a sixteenth of the memory or 4 MiB: what stops there
// is what a program can cause to be taken.
func watchReserve(p object.Process) error {
	least := ^uint64(0)
	for {
		var info syscall.Sysinfo_t
		ok(syscall.Sysinfo(&info))
		least = min(least, info.Freeram)
		switch _, err := p.Wait(object.After(1e6)); {
		case err == syscall.ETIMEDOUT:
			continue
		case err != nil:
			return err
		}
		if want := min(info.Totalram/16, 4*mib) * 3 / 8; least < want {
			return fmt.Errorf("%d KiB were free, want %d", least>>10, want>>10)
		}
		return nil
	}
}

// raw makes a call without telling Go's runtime, which would need memory for it.
func raw(nr uintptr, args ...uintptr) (uintptr, syscall.Errno) {
	var a [6]uintptr
	copy(a[:], args)
	v, _, e := syscall.RawSyscall6(nr, a[0], a[1], a[2], a[3], a[4], a[5])
	return v, e
}

const (
	anonymousPrivate = syscall.MAP_ANON | syscall.MAP_PRIVATE
	mapFixed         = 0x10
	large            = 1 << 30
)

var (
	region  uintptr    // of the size large, without rights
	pipes   [50][2]int // what before makes
	some    [16 << 10]byte
	watcher int
	made    = make([]object.Process, 0, abi.MaxHandles)
	watched [200]int
)

// reserve makes the region.
func reserve() { region = must(mapped(0, large, 0, 0)) }

func mapped(at, size, prot, flags uintptr) (uintptr, error) {
	v, e := raw(syscall.SYS_MMAP, at, size, prot, anonymousPrivate|flags, ^uintptr(0), 0)
	if e != 0 {
		return 0, e
	}
	return v, nil
}

var hoards = []hoard{
	{"areas by mmap", reserve, func(i int) syscall.Errno {
		_, e := raw(syscall.SYS_MMAP, region+uintptr(i)*page, page, uintptr(1+i%2), anonymousPrivate|mapFixed, ^uintptr(0), 0)
		return e
	}, []syscall.Errno{syscall.ENOMEM}, 1 << 17},
	{"areas by munmap", reserve, func(i int) syscall.Errno {
		_, e := raw(syscall.SYS_MUNMAP, region+uintptr(2*i+1)*page, page)
		return e
	}, []syscall.Errno{syscall.ENOMEM}, 1 << 17},
	{"areas by mprotect", reserve, func(i int) syscall.Errno {
		_, e := raw(syscall.SYS_MPROTECT, region+uintptr(2*i+1)*page, page, 1)
		return e
	}, []syscall.Errno{syscall.ENOMEM}, 1 << 17},
	{"tables by mremap", func() {
		region = must(mapped(0, 4*large, 3, 0))
		b := object.Bytes(uint64(region), 4*large)
		for i := 0; i < len(b); i += 2 * mib {
			b[i] = 1
		}
	}, func(int) syscall.Errno {
		to, e := raw(syscall.SYS_MREMAP, region, 4*large, 4*large, 1|2, 0x20_0000_0000+region%large) // MREMAP_MAYMOVE|MREMAP_FIXED
		if e == 0 {
			region = to
		}
		return e
	}, []syscall.Errno{syscall.ENOMEM}, 100},
	{"handles", nil, func(int) syscall.Errno {
		_, err := object.Duplicate(abi.HandleProcess, 0)
		return errno(err)
	}, []syscall.Errno{syscall.ENOMEM, syscall.EMFILE}, 1000},
	{"notifications", nil, func(int) syscall.Errno {
		_, err := object.NewNotification()
		return errno(err)
	}, []syscall.Errno{syscall.ENOMEM, syscall.EMFILE}, 1000},
	{"memory objects", nil, func(int) syscall.Errno {
		_, err := object.NewMemory(large)
		return errno(err)
	}, []syscall.Errno{syscall.ENOMEM, syscall.EMFILE}, 1000},
	{"threads", nil, func(int) syscall.Errno {
		_, err := object.Self.NewThread()
		return errno(err)
	}, []syscall.Errno{syscall.ENOMEM}, 1000},
	{"signals to nobody", nil, func(i int) syscall.Errno {
		_, e := raw(syscall.SYS_TKILL, uintptr(i+1), 0)
		if e == syscall.ESRCH || e == syscall.EPERM {
			return 0
		}
		return e
	}, nil, 4096},
	{"processes", nil, func(int) syscall.Errno {
		c, err := (&object.Program{Empty: true}).Start()
		if err == nil {
			made = append(made, c.Process)
		}
		return errno(err)
	}, []syscall.Errno{syscall.ENOMEM}, 1000},
	{"event descriptors", nil, func(int) syscall.Errno {
		_, e := raw(syscall.SYS_EVENTFD2, 0, 0)
		return e
	}, []syscall.Errno{syscall.ENOMEM, syscall.ENFILE, syscall.EMFILE}, 1000},
	{"watches", func() {
		watcher = must(syscall.EpollCreate1(0))
		for i := range watched {
			v, e := raw(syscall.SYS_EVENTFD2, 0, 0)
			if e != 0 {
				panic(e)
			}
			watched[i] = int(v)
		}
	}, func(i int) syscall.Errno {
		return errno(syscall.EpollCtl(watcher, syscall.EPOLL_CTL_ADD, watched[i], &syscall.EpollEvent{Events: syscall.EPOLLIN}))
	}, []syscall.Errno{0, syscall.ENOMEM}, 200},
	{"pipes", nil, func(int) syscall.Errno {
		var p [2]int
		return errno(syscall.Pipe(p[:]))
	}, []syscall.Errno{syscall.ENOMEM, syscall.ENFILE, syscall.EMFILE}, 1000},
	{"full pipes", func() {
		for i := range pipes {
			ok(syscall.Pipe2(pipes[i][:], syscall.O_NONBLOCK))
		}
	}, func(i int) syscall.Errno {
		_, err := syscall.Write(pipes[i][1], some[:])
		return errno(err)
	}, nil, len(pipes)},
}

func errno(err error) syscall.Errno {
	if err == nil {
		return 0
	}
	return err.(syscall.Errno)
}

// hoarding is a child's part.
func hoarding(name string) error {
	debug.SetGCPercent(-1)
	var h *hoard
	for i := range hoards {
		if hoards[i].name == name {
			h = &hoards[i]
		}
	}
	if h.before != nil {
		h.before()
	}
	few, many := anonymous(32*page), anonymous(6*mib)
	touch(few, 1)
	touch(many, 1)
	if err := takeAll(); err != nil {
		return err
	}
	ok(syscall.Madvise(few, syscall.MADV_DONTNEED)) // so that what looks once begins
	var e syscall.Errno
	n := 0
	for ; e == 0 && n < h.most; n++ {
		e = h.again(n)
	}
	ok(syscall.Madvise(many, syscall.MADV_DONTNEED)) // for what comes
	for _, p := range made {
		ok(p.Kill())
	}
	for _, w := range h.want {
		if w == e {
			return nil
		}
	}
	if h.want == nil && e == 0 {
		return nil
	}
	return fmt.Errorf("%v at the %dth time", e, n)
}
