//go:build loam

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"runtime/debug"

	"loam/kernel/core"
	"loam/machine/bootinfo"
	"loam/machine/metal"
)

// main runs when the machine floor has started Go's runtime (machine/metal,
// boot). It never returns.
func main() {
	debug.SetMaxStack(maxStack) // endless recursion of the kernel's is caught early
	logUnknown()                // what the command line has that nobody knows
	core.Run(core.Config{})     // init, or the program of the boot archive
}

const maxStack = 512 << 10

// known are the keys of the command line; docs/kernel-command-line.md.
var known = []string{"mode", "tsc", "time", "seed", "v", "log", "ring", "cpus", "collect", "mallocs", "eof", "map", "limit", "essential", "audit"}

func logUnknown() {
	line := metal.CommandLine()
	for off := 0; ; {
		key, next := bootinfo.Unknown(line, off, known)
		if key == nil {
			return
		}
		metal.Log("ignored on the command line: " + string(key))
		off = next
	}
}
