//go:build linux && (amd64 || riscv64)

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"loam/abi"
	"loam/user/object"
	"loam/user/sys"
)

// The descriptor that the forwarded child tells its figure by.
const figureFD = 99

// forwarded is a Linux call that goes to another process, which answers at once;
// forwardedWrite is one of whose caller 4 KiB are copied besides.
func forwarded() (float64, error)      { return forwardedCalls("forwarded") }
func forwardedWrite() (float64, error) { return forwardedCalls("forwarded4k") }

func forwardedCalls(role string) (float64, error) {
	endpoint, err := sys.ObjectCall(abi.CallEndpointCreate)
	if err != nil {
		return 0, err
	}
	c, err := (&object.Program{File: "program", Args: []string{"ipc", role}, Held: true}).Start()
	if err != nil {
		return 0, err
	}
	err = errors.Join(c.Process.Forward(abi.Handle(endpoint)), c.Thread.Resume())
	var ns float64
	if err == nil {
		ns, err = answerForwarded(endpoint)
	}
	return ns, errors.Join(err, end(c), object.Close(abi.Handle(endpoint)))
}

// answerForwarded answers the calls of a forwarded child until it tells its figure.
func answerForwarded(endpoint uint64) (float64, error) {
	var m sys.Message
	buffer := page()
	for {
		m.To = endpoint
		r := sys.MessageCall(abi.CallEndpointReplyReceive, &m)
		if r == abi.ReceivedCancel {
			m.Token = 0 // whoever it is will be answered
			continue
		}
		if r != abi.ReceivedForwarded {
			return 0, fmt.Errorf("receive: %v", abi.Errno(-r))
		}
		nr, fd, size := m.Words[0], m.Words[1], m.Words[3]
		switch {
		case nr == syscall.SYS_FSTAT && fd == figureFD:
			return float64(m.Words[2]) / 10, nil
		case nr == syscall.SYS_FSTAT, nr == syscall.SYS_FCNTL:
			m.Words[0] = 0
		case nr == syscall.SYS_WRITE:
			n, err := sys.MessageCopy(abi.CallMessageRead, m.Token, m.Words[2], buffer[:min(size, uint64(len(buffer)))])
			if err != nil {
				return 0, err
			}
			m.Words[0] = n
		default:
			m.Words[0] = abi.ENOSYS.Result()
		}
	}
}

// forwardedChild makes forwarded calls, and tells tenths of ns for each.
func forwardedChild(nr, fd, addr, size uintptr, result uintptr) {
	ns, err := inParts(func(times int) error {
		for range times {
			if r, _, _ := syscall.RawSyscall(nr, fd, addr, size); r != result {
				return fmt.Errorf("call %d: %d", nr, r)
			}
		}
		return nil
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "ipc:", err)
		os.Exit(1)
	}
	_, _, _ = syscall.RawSyscall(syscall.SYS_FSTAT, figureFD, uintptr(10*ns), 0)
	select {}
}
