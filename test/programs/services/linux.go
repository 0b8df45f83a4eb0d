//go:build linux && (amd64 || riscv64)

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math/rand/v2"
	"time"

	"loam/user/linux"
	"loam/user/object"
)

// shortLinux is the personality server, which is killed after some µs of chance, up to so many ms.
func shortLinux(ms int, args []string) {
	time.AfterFunc(time.Duration(rand.IntN(ms*1000))*time.Microsecond, func() { check(object.Self.Kill()) })
	check(linux.Run(args))
}
