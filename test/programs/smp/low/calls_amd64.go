// SPDX-License-Identifier: Apache-2.0

//go:build linux

package low

import "syscall"

// Pause waits for a signal.
func Pause() { _, _ = Wait(syscall.SYS_PAUSE) }
