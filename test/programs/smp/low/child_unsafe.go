// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package low

import (
	"os"
	"runtime"
	"strings"
	"syscall"
	"unsafe"

	"loam/abi"
)

// Spawn starts this program once more with those arguments and gives its
// process id: by Loam's own call, under which the program's name is that of
// the boot archive, else as Linux does. The child ends at the latest with the
// first process in Loam, with the caller's thread on Linux.
func Spawn(args ...string) (pid int, err error) {
	const name = "program"
	argv := name + "\x00"
	if len(args) > 0 {
		argv += strings.Join(args, "\x00") + "\x00"
	}
	n, _, e := syscall.RawSyscall6(abi.CallSpawn,
		uintptr(unsafe.Pointer(unsafe.StringData(name))), uintptr(len(name)),
		uintptr(unsafe.Pointer(unsafe.StringData(argv))), uintptr(len(argv)), 0, 0)
	runtime.KeepAlive(argv)
	switch e {
	case 0:
		return int(n), nil
	case syscall.ENOSYS:
		return syscall.ForkExec("/proc/self/exe", append([]string{name}, args...),
			&syscall.ProcAttr{Files: []uintptr{0, 1, 2}, Env: os.Environ(),
				Sys: &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}})
	}
	return 0, e
}

// Reap waits for the end of a child.
func Reap(pid int) (syscall.WaitStatus, error) {
	for {
		var status syscall.WaitStatus
		_, err := syscall.Wait4(pid, &status, 0, nil)
		if err != syscall.EINTR {
			return status, err
		}
	}
}
