// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"syscall"

	"loam/test/programs/cases"
)

// exhaustionCases take of something until there is no more, give it back, and
// see that it is there again.
func exhaustionCases() []cases.Case {
	out := []cases.Case{
		{Name: "descriptors without end", Run: descriptorsWithoutEnd},
		{Name: "areas without end", Run: areasWithoutEnd},
		{Name: "signals without end", Run: signalsWithoutEnd},
		{Name: "reservations are free", Run: reservations},
	}
	if onLoam { // a shared Linux is not to be filled
		out = append(out,
			cases.Case{Name: "pipes without end", Run: pipesWithoutEnd},
			cases.Case{Name: "watches without end", Run: watchesWithoutEnd},
			cases.Case{Name: "threads without end", Run: threadsWithoutEnd},
		)
	}
	return out
}

// until makes a call until it fails and gives the results before.
func until(want []syscall.Errno, most int, nr uintptr, args ...uintptr) ([]uintptr, error) {
	var got []uintptr
	for range most {
		v, e := call(nr, args...)
		if e == 0 {
			got = append(got, v)
			continue
		}
		for _, w := range want {
			if e == w {
				return got, nil
			}
		}
		return got, fmt.Errorf("after %d: %v, want %v", len(got), e, want)
	}
	return got, fmt.Errorf("%d and no end", most)
}

func descriptorsWithoutEnd() error {
	for round := range 2 {
		fds, err := until([]syscall.Errno{syscall.EMFILE, syscall.ENFILE}, 1<<20, syscall.SYS_DUP, 1)
		for _, fd := range fds {
			must(syscall.SYS_CLOSE, fd)
		}
		if err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
	}
	return nil
}

func pipesWithoutEnd() error {
	n := 0
	for round := range 2 {
		var fds []uintptr
		var e syscall.Errno
		for len(fds) < 1<<20 {
			if _, e = call(syscall.SYS_PIPE2, scratch, 0); e != 0 {
				break
			}
			both := *word(scratch)
			fds = append(fds, uintptr(uint32(both)), uintptr(both>>32))
		}
		for _, fd := range fds {
			must(syscall.SYS_CLOSE, fd)
		}
		if e != syscall.EMFILE && e != syscall.ENFILE || len(fds) == 0 || round > 0 && len(fds) != n {
			return fmt.Errorf("round %d: %d descriptors, then %v; first %d", round, len(fds), e, n)
		}
		n = len(fds)
	}
	return nil
}

// watchesWithoutEnd watches one descriptor under many numbers by many epolls.
func watchesWithoutEnd() error {
	const enospc = syscall.ENOSPC
	var fds, epolls []uintptr
	defer func() {
		for _, fd := range append(fds, epolls...) {
			must(syscall.SYS_CLOSE, fd)
		}
	}()
	for range 50 {
		fds = append(fds, must(syscall.SYS_DUP, 1))
	}
	*word(scratch) = syscall.EPOLLOUT
	for range 200 {
		ep, e := call(syscall.SYS_EPOLL_CREATE1, 0)
		if e != 0 {
			return nil // descriptors were the first to be full
		}
		epolls = append(epolls, ep)
		for _, fd := range fds {
			if _, e := call(syscall.SYS_EPOLL_CTL, ep, 1, fd, scratch); e == enospc || e == enomem {
				return nil
			} else if e != 0 {
				return e
			}
		}
	}
	return nil
}

// areasWithoutEnd makes every second page of a range read-only.
func areasWithoutEnd() error {
	const n = 140_000
	for round := range 2 {
		base := must(sysMmap, 0, n*page, protNone, anonymous, minusOne, 0)
		made, e := 0, syscall.Errno(0)
		for i := uintptr(0); i < n && e == 0; i += 2 {
			if _, e = call(sysMprotect, base+i*page, page, protR); e == 0 {
				made++
			}
		}
		must(sysMunmap, base, n*page)
		if e != enomem || made < 1000 {
			return fmt.Errorf("round %d: %d areas, then %v", round, 2*made, e)
		}
	}
	return nil
}

// signalsWithoutEnd queues a real-time signal that is blocked.
func signalsWithoutEnd() error {
	const block, unblock, rt = 0, 1, 40
	set := scratch + 512
	*word(set) = 1 << (rt - 1)
	*word(scratch), *word(scratch + 8) = 1, 0 // SIG_IGN: dropped when unblocked
	must(syscall.SYS_RT_SIGACTION, rt, 0, scratch+128, 8)
	must(syscall.SYS_RT_SIGPROCMASK, block, set, 0, 8)
	var e syscall.Errno
	n := 0
	for ; n < 300_000 && e == 0; n++ {
		_, e = call(syscall.SYS_TGKILL, uintptr(syscall.Getpid()), uintptr(syscall.Gettid()), rt)
	}
	must(syscall.SYS_RT_SIGACTION, rt, scratch, 0, 8)
	must(syscall.SYS_RT_SIGPROCMASK, unblock, set, 0, 8)
	must(syscall.SYS_RT_SIGACTION, rt, scratch+128, 0, 8)
	if e != 0 && e != syscall.EAGAIN {
		return fmt.Errorf("after %d: %v", n, e)
	}
	return nil
}

// reservations: address space without memory costs none.
func reservations() error {
	const noReserve = 0x4000
	var got []uintptr
	for range 64 {
		addr, e := call(sysMmap, 0, reserved, protNone, anonymous|noReserve, minusOne, 0)
		if e != 0 {
			return fmt.Errorf("after %d times %d GiB: %v", len(got), reserved>>30, e)
		}
		got = append(got, addr)
	}
	for _, addr := range got {
		must(sysMunmap, addr, reserved)
	}
	return nil
}

// threadsWithoutEnd makes threads that do nothing, until EAGAIN, ends them, and
// makes them again.
func threadsWithoutEnd() error {
	first := 0
	for round := range 3 {
		*word(scratch) = 0
		n, e := idleThreads(scratch)
		*word(scratch) = 1
		must(syscall.SYS_FUTEX, scratch, 1, 1<<31-1)
		// The threads count themselves out.
		for waits := 0; *word(scratch + 8) != uint64(n); waits++ {
			if waits > 1_000_000 {
				return fmt.Errorf("round %d: %d of %d threads ended", round, *word(scratch + 8), n)
			}
			must(syscall.SYS_SCHED_YIELD)
		}
		*word(scratch + 8) = 0
		if e != syscall.EAGAIN || n < 20 {
			return fmt.Errorf("round %d: %d threads, then %v", round, n, e)
		}
		if round == 0 {
			first = n
		} else if n < first*9/10 {
			return fmt.Errorf("round %d: %d threads, %d the first time", round, n, first)
		}
	}
	return nil
}

// idleThreads makes threads until that fails. Each sleeps on the futex at
// gate, then counts itself at gate+8 and ends.
func idleThreads(gate uintptr) (n int, e syscall.Errno) {
	const block, setmask = 0, 2
	all, old := scratch+512, scratch+520
	*word(all) = minusOneWord
	must(syscall.SYS_RT_SIGPROCMASK, block, all, old, 8) // they have no stack for a handler
	for n < 100_000 {
		if r := cloneIdle(gate); r < 0 {
			e = syscall.Errno(-r)
			break
		}
		n++
	}
	must(syscall.SYS_RT_SIGPROCMASK, setmask, old, 0, 8)
	return n, e
}

// cloneIdle makes one such thread and gives its id or a negative error number.
func cloneIdle(gate uintptr) int64
