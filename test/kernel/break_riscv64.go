//go:build loam

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"loam/machine/metal"
	"loam/machine/riscv64"
)

// How much of the kernel's space is for what.
const (
	kernelHeap   = riscv64.KernelHeap
	kernelTables = riscv64.KernelTables
)

// returns is a function that does nothing: JALR X0, (X1).
var returns = []byte{0x67, 0x80, 0, 0}

// testsHere are those of this architecture only.
var testsHere = map[string]func() error{"machinemode": machineMode}

// machineMode reads by the direct map what lies at the start of memory, where machine
// mode begins: OpenSBI, or the kernel's image with its own stage.
func machineMode() error {
	const ram = 0x80000000 // on QEMU's virt
	sink = int(*at(metal.Phys().Virtual(ram)))
	return errAlive
}
