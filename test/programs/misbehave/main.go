// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

// Command misbehave does to the kernel what no honest program does, and checks
// that it gets the error or the signal that Linux gives, and that everything
// goes on. Where Loam promises something else than Linux, the case says so by
// asking onLoam.
//
// It is one process: what must kill a process is not tried here.
package main

import (
	"runtime"
	"slices"
	"syscall"

	"loam/test/programs/cases"
)

func main() {
	// Faults are caught by handlers of our own on this thread.
	runtime.LockOSThread()
	cases.Main(slices.Concat(
		pointerCases(),
		memoryCases(),
		errorCases(),
		accessCases(),
		instructionCases(),
		sigreturnCases(),
		exhaustionCases(),
	))
}

// onLoam reports whether this is Loam and not the control.
var onLoam = func() bool {
	var u syscall.Utsname
	return syscall.Uname(&u) == nil && u.Version[0] == 'L' && u.Version[1] == 'o'
}()
