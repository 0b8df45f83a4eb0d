//go:build linux && (amd64 || riscv64)

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"syscall"
)

// roleEcho is the argument of the process that answers: it writes to 1 each byte that it reads from 0.
const roleEcho = "echo"

var pipeByte [1]byte

// move makes a call that moves the byte, and gives how many it has moved.
func move(nr, fd uintptr) (uintptr, error) {
	for {
		n, _, e := syscall.RawSyscall(nr, fd, reflect.ValueOf(&pipeByte).Pointer(), 1)
		switch e {
		case 0:
			return n, nil
		case syscall.EINTR: // Go's monitor
		default:
			return n, e
		}
	}
}

// echo is the process that answers, until there is nobody who asks.
func echo() error {
	runtime.LockOSThread()
	for {
		n, err := move(syscall.SYS_READ, 0)
		if n == 0 || err != nil {
			return err
		}
		if _, err := move(syscall.SYS_WRITE, 1); err != nil {
			return err
		}
	}
}

// pipes measures a byte to another process through a pipe, and back through another.
func pipes() error {
	var there, back [2]int
	for _, p := range []*[2]int{&there, &back} {
		if err := syscall.Pipe2(p[:], syscall.O_CLOEXEC); err != nil {
			return fmt.Errorf("pipe: %w", err)
		}
	}
	child, err := syscall.ForkExec("/proc/self/exe", []string{"write", roleEcho}, &syscall.ProcAttr{
		Files: []uintptr{uintptr(there[0]), uintptr(back[1]), 2},
	})
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	if err := errors.Join(syscall.Close(there[0]), syscall.Close(back[1])); err != nil {
		return err
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	one, err := measured(200, func() error {
		if n, err := move(syscall.SYS_WRITE, uintptr(there[1])); n != 1 || err != nil {
			return fmt.Errorf("write: %d: %w", n, err)
		}
		if n, err := move(syscall.SYS_READ, uintptr(back[0])); n != 1 || err != nil {
			return fmt.Errorf("read: %d: %w", n, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "pipe_processes %.1f ns\n", one)
	return ended(child, there[1], back[0])
}

// ended closes the pipes, whereupon the child ends, which must have been a good one.
func ended(child int, fds ...int) error {
	for _, fd := range fds {
		if err := syscall.Close(fd); err != nil {
			return err
		}
	}
	var status syscall.WaitStatus
	for {
		switch _, err := syscall.Wait4(child, &status, 0, nil); {
		case err == syscall.EINTR:
		case err != nil:
			return fmt.Errorf("wait: %w", err)
		case status != 0:
			return fmt.Errorf("the other process: status %#x", uint32(status))
		default:
			return nil
		}
	}
}
