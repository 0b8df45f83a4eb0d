// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/signal"
	"runtime"
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
	none, soon := make([]byte, 8), make([]byte, 16)
	binary.LittleEndian.PutUint64(soon[8:], 20_000_000)
	tid := syscall.Gettid()
	send := func(later time.Duration) {
		time.AfterFunc(later, func() { _, _ = call(syscall.SYS_TGKILL, uintptr(os.Getpid()), uintptr(tid), 10) })
	}
	send(0)
	time.Sleep(10 * time.Millisecond)
	_, err := call(syscall.SYS_PPOLL, 0, 0, address(soon), 0, 0)
	show("blocked", len(c), err)
	_, err = call(syscall.SYS_PPOLL, 0, 0, address(soon), address(none), 8)
	show("pending", "", err)
	fmt.Println(<-c)
	send(10 * time.Millisecond)
	_, err = call(syscall.SYS_PPOLL, 0, 0, 0, address(none), 8)
	show("while it waits", "", err)
	fmt.Println(<-c)
	two := make([]byte, 16)
	binary.LittleEndian.PutUint64(two, uint64(address(none)))
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
	_, err = call(syscall.SYS_EPOLL_PWAIT, uintptr(ep), address(events), 1, ^uintptr(0), address(none), 8)
	show("epoll", "", err)
	fmt.Println(<-c)
	_, err = call(syscall.SYS_PPOLL, 0, 0, address(soon), address(none), 7)
	show("a wrong size", "", err)
	send(0)
	time.Sleep(5 * time.Millisecond)
	old := make([]byte, 8)
	_, err = call(syscall.SYS_PPOLL, 0, 0, address(soon), 0, 0)
	show("blocked again", len(c), err)
	_, err = call(syscall.SYS_RT_SIGPROCMASK, 1, address(set), address(old), 8)
	show("the mask", binary.LittleEndian.Uint64(old)&usr1 != 0, err)
	fmt.Println(<-c)
	return nil
}
