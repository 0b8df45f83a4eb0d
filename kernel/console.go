//go:build loam

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"runtime"

	"loam/machine/metal"
)

// console is what `loam boot` shows once the log has been printed: the kernel
// with nothing to run, and four keys. The shell comes with the programs.
func console() {
	cpu := metal.CPUAt(0)
	metal.RunOn(cpu)
	metal.StartConsoleInput()
	metal.Log("ready, nothing to run. Keys: m memory, t time, q power off")
	for {
		if cpu.Idle()&metal.EventKey != 0 {
			for {
				b, ok := metal.ConsoleRead()
				if !ok {
					break
				}
				key(b)
			}
		}
		if cpu.TurnDue() {
			cpu.Turn()
		}
	}
}

func key(b byte) {
	switch b {
	case 'm':
		m := metal.Machine()
		metal.LogValue("memory: KiB usable", m.MemoryBytes>>10)
		metal.LogValue("memory: KiB free", m.FreeBytes>>10)
		metal.LogValue("memory: KiB of the kernel's own heap", m.HeapBytes>>10)
		metal.LogObjects()
	case 't':
		metal.LogValue("up: ms", uint64(metal.Now()/1e6))
		metal.LogDate("date:", metal.WallTime())
	case 'h', '?':
		metal.Log("Loam, built by " + runtime.Version() + ". Keys: m memory, t time, q power off")
	case 'q', 3, 4: // Ctrl-C and Ctrl-D too
		metal.Log("power off")
		metal.Shutdown(metal.ShutdownOK)
	}
}
