// SPDX-License-Identifier: Apache-2.0

//go:build linux

package low

import "syscall"

// Pause waits for a signal, as C libraries do where there is no such call.
func Pause() { _, _ = Wait(syscall.SYS_PPOLL, 0, 0, 0, 0) }
