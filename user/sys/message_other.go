// SPDX-License-Identifier: Apache-2.0

//go:build !linux || !(amd64 || riscv64)

package sys

import (
	"syscall"

	"loam/abi"
)

// TicksLong is some 50 us of Ticks.
const TicksLong = 1

// Ticks returns 0: nothing here waits for a message.
func Ticks() uint64 { return 0 }

// MessageCall answers ENOSYS: only Loam's kernel has messages.
func MessageCall(nr uint64, m *Message) (result uint64) { return abi.ENOSYS.Result() }

// MessageWait answers ENOSYS.
func MessageWait(nr uint64, m *Message) (result uint64) { return abi.ENOSYS.Result() }

// MessageBlock answers ENOSYS.
func MessageBlock(nr uint64, m *Message) (result uint64) { return abi.ENOSYS.Result() }

// MessageCopy returns syscall.ENOSYS.
func MessageCopy(nr, token, offset uint64, b []byte) (uint64, error) { return 0, syscall.ENOSYS }

// ThreadID returns 0.
func ThreadID() int { return 0 }

// PrepareInterrupt returns syscall.ENOSYS.
func PrepareInterrupt() error { return syscall.ENOSYS }

// PrepareMonitor returns syscall.ENOSYS.
func PrepareMonitor() error { return syscall.ENOSYS }

// Interrupt does nothing.
func Interrupt(thread int) {}
