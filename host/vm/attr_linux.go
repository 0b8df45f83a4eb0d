// SPDX-License-Identifier: Apache-2.0

package vm

import "syscall"

// processAttributes puts QEMU into a process group of its own and has it
// killed when loam dies by a signal that can't be caught.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
