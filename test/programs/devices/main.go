// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

// Command devices tries what drivers are made of: the machine object, interrupts,
// ports, the memory of devices and for them, timers, and the host's requests. Run by
// "host" it answers requests until one says "end".
package main

import (
	"os"
	"slices"

	"loam/test/programs/cases"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "host" {
		serveHost()
		return
	}
	cases.Main(slices.Concat(machineCases(), timerCases(), interruptCases(), memoryCases()))
}
