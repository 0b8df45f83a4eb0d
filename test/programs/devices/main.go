// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

// Command devices tries what drivers are made of: the machine object, interrupts,
// ports, registers, the memory of devices and for them, timers, and the host's requests. Run by
// "host" it answers requests until one says "end".
package main

import (
	"os"
	"slices"

	"loam/test/programs/cases"
)

func main() {
	if len(os.Args) > 1 {
		if role := roles[os.Args[1]]; role != nil {
			role()
			return
		}
	}
	cases.Main(slices.Concat(machineCases(), timerCases(), interruptCases(), memoryCases(), registerCases(), childCases()))
}

// roles are what the program does with that for its argument.
var roles = map[string]func(){"host": serveHost, "drive": drive, "bounded": bounded, "crowded": crowded, "paying": paying, "costs": costs, "echo": echo,
	"virtio": virtioCosts, "doorbell": doorbell, "mmio": serveMMIO, "messages": messages, "message": messageCosts}
