// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// crowd has so many processes at once, all of which wait for one pipe; then they end, and others can be made.
func crowd(count string) error {
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	p, err := pipe()
	if err != nil {
		return err
	}
	for range 2 {
		made := 0
		for made < n {
			_, err = fork(0, func() int {
				syscall.RawSyscall(syscall.SYS_CLOSE, uintptr(p.w), 0, 0)
				return int(hear(p.r))
			})
			if err != nil {
				break
			}
			made++
		}
		fmt.Println(made == n, err)
		for range made {
			tell(p.w, 3)
		}
		ended := 0
		for range made {
			if wait(-1, 0) == "exit 3" {
				ended++
			}
		}
		fmt.Println(ended == made, wait(-1, 0))
	}
	return nil
}

// bomb makes processes that make processes, until there can be no more, and then ends them all.
func bomb() error {
	p, err := pipe()
	if err != nil {
		return err
	}
	grow := func() int {
		for {
			pid, _, e := syscall.RawSyscall6(syscall.SYS_CLONE, uintptr(syscall.SIGCHLD), 0, 0, 0, 0, 0)
			if e != 0 {
				tell(p.w, byte(e))
				for {
					syscall.RawSyscall6(syscall.SYS_PPOLL, 0, 0, 0, 0, 0, 0)
				}
			}
			_ = pid
		}
	}
	first, err := fork(0, func() int {
		syscall.RawSyscall(syscall.SYS_SETPGID, 0, 0, 0)
		return grow()
	})
	if err != nil {
		return err
	}
	e := syscall.Errno(hear(p.r))
	fmt.Println("refused", e == syscall.EAGAIN || e == syscall.ENOMEM)
	for syscall.Kill(-first, syscall.SIGKILL) == nil {
		wait(first, syscall.WNOHANG)
	}
	fmt.Println("over")
	out, err := me("hello").Output()
	fmt.Printf("%s%v\n", out, err)
	return err
}

// toldBy is what a service ends with when all is well, so that init tells of it.
const toldBy = 3

// outlive has processes that wait for one another, and for a pipe, while this one has the server keep
// so much that it ends.
func outlive() error {
	p, err := pipe()
	if err != nil {
		return err
	}
	for range 10 {
		if _, err := fork(0, func() int {
			syscall.RawSyscall6(syscall.SYS_CLONE, uintptr(syscall.SIGCHLD), 0, 0, 0, 0, 0)
			syscall.RawSyscall6(syscall.SYS_WAIT4, ^uintptr(0), 0, 0, 0, 0, 0)
			return int(hear(p.r))
		}); err != nil {
			return err
		}
	}
	sleeper := me("sleep")
	if err := sleeper.Start(); err != nil {
		return err
	}
	for i := range 1 << 20 {
		if err := os.Mkdir(fmt.Sprint("/tmp/", i), 0o777); err != nil {
			return err
		}
	}
	return sleeper.Wait()
}

// stress is what main does with what isn't run on the host.
func stress() (done bool) {
	var err error
	switch {
	case len(os.Args) == 3 && os.Args[1] == "crowd":
		err = crowd(os.Args[2])
	case len(os.Args) > 1 && os.Args[1] == "bomb":
		if err = bomb(); err == nil && len(os.Args) > 2 {
			os.Exit(toldBy)
		}
	case len(os.Args) == 2 && os.Args[1] == "outlive":
		err = outlive()
	case len(os.Args) == 2 && os.Args[1] == "jobs":
		err = jobs()
	default:
		return false
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	return true
}
