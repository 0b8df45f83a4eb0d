// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// testShare has a child, with two threads and more, that shares things with its own children.
func testShare() error {
	c := me("share")
	c.Dir, c.Stdout, c.Stderr = "/", os.Stdout, os.Stderr
	return c.Run()
}

func shareChild() {
	tmp := append([]byte("/tmp"), 0)
	for _, c := range []struct {
		what           string
		flags, unshare uintptr
	}{
		{"nothing", 0, 0},
		{"files", unix.CLONE_FILES, 0},
		{"places", unix.CLONE_FS, 0},
		{"both", unix.CLONE_FILES | unix.CLONE_FS, 0},
		{"no more", unix.CLONE_FILES | unix.CLONE_FS, unix.CLONE_FILES | unix.CLONE_FS},
		{"one no more", unix.CLONE_FILES | unix.CLONE_FS, unix.CLONE_FILES},
		{"a wrong flag", unix.CLONE_FILES, 1},
		{"files, until it closes a range", unix.CLONE_FILES, byRange},
	} {
		_ = os.Chdir("/")
		syscall.Umask(0o22)
		f, err := os.Open("/dev/null")
		if err != nil {
			fmt.Println(err)
			return
		}
		fd := int(f.Fd())
		lock := unix.Flock_t{Type: unix.F_RDLCK}
		lockErr := unix.FcntlFlock(f.Fd(), unix.F_SETLK, &lock)
		pid, err := sharing(c.flags, fd, &tmp[0], c.unshare)
		if err != nil {
			fmt.Println(c.what, err)
			return
		}
		var status syscall.WaitStatus
		_, err = syscall.Wait4(pid, &status, 0, nil)
		var st syscall.Stat_t
		there := syscall.Fstat(fd, &st)
		wd, _ := syscall.Getwd()
		fmt.Printf("%s: %d %v, %v, %v, %s %o\n", c.what, status.ExitStatus(), err, there, lockErr, wd, syscall.Umask(0o22))
		f.Close()
	}
	fmt.Println("of a process with threads", unix.Unshare(unix.CLONE_VM), unix.Unshare(unix.CLONE_SIGHAND), unix.Unshare(unix.CLONE_SYSVSEM))
}

// testTime has a child use the CPU for longer than it may, and one with a limit of processes.
func testTime() error {
	for _, name := range []string{"time", "user"} {
		c := me(name)
		c.Stdout, c.Stderr = os.Stdout, os.Stderr
		err := c.Run()
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			fmt.Println(name, "ends by", exit.Sys().(syscall.WaitStatus).Signal())
		} else {
			fmt.Println(name, err)
		}
	}
	return nil
}

// timeChild may use a second more than it has used, and three more until it is killed. On a machine that is busy with
// others what it has used can be much.
func timeChild() {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGXCPU)
	most := uint64(used()/time.Second) + 2
	fmt.Println(syscall.Setrlimit(syscall.RLIMIT_CPU, &syscall.Rlimit{Cur: most, Max: most + 3}))
	var pause atomic.Bool
	go func() {
		for !pause.Load() { // Go's runtime interrupts it
		}
	}()
	fmt.Println(<-signals)
	pause.Store(true)
	var l syscall.Rlimit
	err := syscall.Getrlimit(syscall.RLIMIT_CPU, &l)
	// A Linux that is busy is far from exact: it counts the ticks that find the process running.
	fmt.Println(l.Cur > most, l.Max == most+3, err, used() > time.Duration(most)*time.Second/2)
	for { // until it is killed
		_ = used()
	}
}

// used gives the CPU time of this process.
func used() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func userChild() {
	const processes = 6
	parent := os.Getppid()
	var old syscall.Rlimit
	fmt.Println(syscall.Getrlimit(processes, &old))
	fork := func(what string, most uint64) {
		pid, err := forkWithLimit(&syscall.Rlimit{Cur: most, Max: old.Max}, &old)
		fmt.Println(what, pid > 0, err)
		if pid > 0 {
			_, err = syscall.Wait4(pid, nil, 0, nil)
			fmt.Println(err)
		}
	}
	fork("user 0 may", 1)
	fmt.Println(syscall.Setresuid(somebody, somebody, somebody))
	fork("another may not", 1)
	fork("but this many", 1000)
	fmt.Println("another's", unix.Prlimit(parent, syscall.RLIMIT_CORE, nil, &unix.Rlimit{}))
	fmt.Println("less", syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{Max: 10}))
	fmt.Println("more", syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{Max: 11}))
	fmt.Println("more than that", syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{Cur: 6, Max: 5}))
}
