// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"

	"loam/test/programs/smp/low"
)

// Words that the threads of everywhereAndExit have.
var zoo struct {
	word   uint32
	second syscall.Timespec
	mask   uint64
	full   [64 << 10]byte
	events [12]byte
	status uint32
}

// everywhereAndExit ends the process while its threads are in every kind of
// call, and in none. withChildren: one of them waits for a child, which is
// still at work.
func everywhereAndExit(code int, withChildren bool) {
	zoo.second = syscall.Timespec{Sec: 1000}
	zoo.mask = 1 << (syscall.SIGUSR2 - 1)
	empty, full := pipe(), pipe()
	epoll, err := syscall.EpollCreate1(0)
	if err != nil {
		panic(err)
	}
	places := []func(){
		func() { _ = low.Futex(&zoo.word, low.FutexWait, 0) },
		func() { _, _ = low.Wait(syscall.SYS_NANOSLEEP, low.Address(&zoo.second), 0) },
		low.Pause,
		func() { _, _ = low.Wait(syscall.SYS_READ, empty[0], low.Address(&zoo.full), 1) },
		func() {
			_, _ = low.Wait(syscall.SYS_EPOLL_PWAIT, uintptr(epoll), low.Address(&zoo.events), 1, ^uintptr(0), 0, 8)
		},
		func() { _, _ = low.Wait(syscall.SYS_RT_SIGTIMEDWAIT, low.Address(&zoo.mask), 0, 0, 8) },
		func() { _, _ = low.Wait(syscall.SYS_WRITE, full[1], low.Address(&zoo.full), uintptr(len(zoo.full))) },
		func() {
			for n := uint64(1); n != 0; n++ { // for ever, without a call
			}
		},
		func() { low.Must(syscall.SYS_SCHED_YIELD) },
		func() { low.Must(syscall.SYS_GETPPID) },
		func() { _ = mapStep(&state{Rand: newRand()}) },
		func() { _ = threadStep(nil) },
		func() { _ = low.SetAffinity(0, low.Of(low.All()...)) },
		func() { _ = low.Signal(syscall.Gettid(), syscall.SIGUSR1) },
		func() { runtime.GC() },
	}
	if withChildren {
		places = append(places, func() {
			if pid, err := low.Spawn("-child", roleStay); err == nil {
				_, _ = low.Wait(syscall.SYS_WAIT4, uintptr(pid), low.Address(&zoo.status), 0, 0)
			}
		})
	}
	var ready sync.WaitGroup
	for _, f := range places {
		ready.Add(1)
		go func() {
			runtime.LockOSThread()
			ready.Done()
			for {
				f()
			}
		}()
	}
	ready.Wait()
	time.Sleep(2 * time.Millisecond)
	os.Exit(code)
}

func pipe() [2]uintptr {
	var fds [2]int
	if err := syscall.Pipe(fds[:]); err != nil {
		panic(err)
	}
	return [2]uintptr{uintptr(fds[0]), uintptr(fds[1])}
}
