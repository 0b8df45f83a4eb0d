//go:build linux && (amd64 || riscv64)

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"time"

	"loam/user/console"
	"loam/user/object"
)

// shortConsole is the console's driver, which is killed after some ms.
func shortConsole(ms int, args []string) {
	time.AfterFunc(time.Duration(ms)*time.Millisecond, func() { check(object.Self.Kill()) })
	check(console.Run(args))
}
