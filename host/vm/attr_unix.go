// SPDX-License-Identifier: Apache-2.0

//go:build unix && !linux

package vm

import "syscall"

// processAttributes puts QEMU into a process group of its own. There is no
// parent-death signal here: a loam killed by SIGKILL leaves QEMU behind.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
