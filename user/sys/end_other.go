// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package sys

import (
	"syscall"

	"loam/abi"
)

// MachineEnd returns syscall.ENOSYS.
func MachineEnd(h abi.Handle, status abi.ExitStatus, reason string) error { return syscall.ENOSYS }
