// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// signals are about those that calls send, and masks.
func signals(string) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer w.Close()
	c := make(chan os.Signal, 8)
	signal.Notify(c, syscall.SIGPIPE)
	r.Close()
	_, err = w.Write([]byte("x"))
	show("nobody reads", "", err)
	fmt.Println(<-c)
	signal.Stop(c)
	return masks()
}

// masks has calls wait with another mask than the thread's.
func masks() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	c := make(chan os.Signal, 8)
	signal.Notify(c, syscall.SIGUSR1)
	defer signal.Stop(c)
	set := make([]byte, 8)
	const usr1 = 1 << (10 - 1)
	binary.LittleEndian.PutUint64(set, usr1)
	if _, err := call(syscall.SYS_RT_SIGPROCMASK, 0, address(set), 0, 8); err != nil {
		return err
	}
	// In the calls all but this one is blocked: Go's runtime asks threads to give way by SIGURG, which ends a call, too.
	only, soon := make([]byte, 8), make([]byte, 16)
	binary.LittleEndian.PutUint64(only, ^uint64(usr1))
	binary.LittleEndian.PutUint64(soon[8:], 20_000_000)
	tid := syscall.Gettid()
	send := func(later time.Duration) {
		time.AfterFunc(later, func() { _, _ = call(syscall.SYS_TGKILL, uintptr(os.Getpid()), uintptr(tid), 10) })
	}
	send(0)
	arrived(usr1)
	_, err := call(syscall.SYS_PPOLL, 0, 0, address(soon), 0, 0)
	show("blocked", len(c), err)
	_, err = call(syscall.SYS_PPOLL, 0, 0, address(soon), address(only), 8)
	show("pending", "", err)
	fmt.Println(<-c)
	send(10 * time.Millisecond)
	_, err = call(syscall.SYS_PPOLL, 0, 0, 0, address(only), 8)
	show("while it waits", "", err)
	fmt.Println(<-c)
	if err := lost(send, only, c); err != nil {
		return err
	}
	two := make([]byte, 16)
	binary.LittleEndian.PutUint64(two, uint64(address(only)))
	binary.LittleEndian.PutUint64(two[8:], 8)
	send(10 * time.Millisecond)
	_, err = call(syscall.SYS_PSELECT6, 0, 0, 0, 0, 0, address(two))
	show("select", "", err)
	fmt.Println(<-c)
	ep, err := syscall.EpollCreate1(0)
	if err != nil {
		return err
	}
	defer syscall.Close(ep)
	send(10 * time.Millisecond)
	events := make([]byte, 16)
	_, err = call(syscall.SYS_EPOLL_PWAIT, uintptr(ep), address(events), 1, ^uintptr(0), address(only), 8)
	show("epoll", "", err)
	fmt.Println(<-c)
	_, err = call(syscall.SYS_PPOLL, 0, 0, address(soon), address(only), 7)
	show("a wrong size", "", err)
	send(0)
	arrived(usr1)
	old := make([]byte, 8)
	_, err = call(syscall.SYS_PPOLL, 0, 0, address(soon), 0, 0)
	show("blocked again", len(c), err)
	_, err = call(syscall.SYS_RT_SIGPROCMASK, 1, address(set), address(old), 8)
	show("the mask", binary.LittleEndian.Uint64(old)&usr1 != 0, err)
	fmt.Println(<-c)
	return nil
}

// arrived waits until a blocked signal of a set is pending.
func arrived(set uint64) {
	pending := make([]byte, 8)
	for binary.LittleEndian.Uint64(pending)&set == 0 {
		time.Sleep(time.Millisecond)
		_, _ = call(syscall.SYS_RT_SIGPENDING, address(pending), 8)
	}
}

// lost has signals come at any moment of calls that wait for them, while others' calls keep busy who answers: each ends
// its call, also one that nobody has begun with.
func lost(send func(time.Duration), only []byte, came <-chan os.Signal) error {
	stop, err := keepBusy()
	if err != nil {
		return err
	}
	defer stop()
	long := make([]byte, 16)
	binary.LittleEndian.PutUint64(long, 20)
	n := 0
	for range 25 {
		send(time.Duration(rand.IntN(3000)) * time.Microsecond)
		if _, err := call(syscall.SYS_PPOLL, 0, 0, address(long), address(only), 8); err != syscall.EINTR {
			n++
		}
		<-came
		if n == 3 {
			break // each takes its time
		}
	}
	fmt.Println("signals lost:", n)
	return nil
}

// keepBusy makes calls in other threads that take their time, until it is stopped.
func keepBusy() (stop func(), err error) {
	fd, err := syscall.Open("/dev/zero", syscall.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	var stopping atomic.Bool
	var group sync.WaitGroup
	for range 2 {
		b := make([]byte, 1<<20)
		group.Go(func() {
			for !stopping.Load() {
				_, _ = syscall.Read(fd, b)
			}
		})
	}
	return func() {
		stopping.Store(true)
		group.Wait()
		syscall.Close(fd)
	}, nil
}
