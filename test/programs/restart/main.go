// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

// Command restart checks that a call which a signal interrupts starts again
// (SA_RESTART, which Go's runtime sets), whoever takes the signal. Its first
// thread waits in read while an interval timer sends signals to the process;
// other threads wake up at the same times, and take some of them first.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

func init() { runtime.LockOSThread() } // main runs on the first thread

func main() {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGALRM)
	var fds [2]int
	if err := syscall.Pipe(fds[:]); err != nil {
		panic(err)
	}
	for i := range 4 {
		go sleeper(int64(300+100*i) * 1000)
	}
	setTimer(500)
	go func() {
		time.Sleep(3 * time.Second)
		setTimer(0)
		_, _ = syscall.Write(fds[1], []byte{1})
	}()
	for interrupted := 0; ; interrupted++ {
		n, err := read(fds[0])
		if n == 1 {
			if interrupted > 0 {
				fmt.Println("FAIL: read was interrupted", interrupted, "times")
				os.Exit(1)
			}
			fmt.Println("ok")
			return
		}
		if err != syscall.EINTR {
			panic(err)
		}
	}
}

// sleeper wakes its thread every ns nanoseconds.
func sleeper(ns int64) {
	runtime.LockOSThread()
	for {
		sleep(ns)
	}
}
