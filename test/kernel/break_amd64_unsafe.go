//go:build loam && amd64

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"sync/atomic"
	"unsafe"

	"loam/machine/amd64"
)

// How much of the kernel's space is for what.
const (
	kernelHeap   = amd64.KernelHeap
	kernelTables = amd64.KernelTables
)

// returns is a function that does nothing: RET.
var returns = []byte{0xc3}

// testsHere are those of this architecture only.
var testsHere = map[string]func() error{"nmi": nmi}

// nmi sends a non-maskable interrupt to this CPU through its local APIC
// (SDM vol. 3A, 10.6.1).
func nmi() error {
	const icr, toSelf, deliverNMI = amd64.KernelDevices + 0xfee00300, 1 << 18, 4 << 8
	atomic.StoreUint32((*uint32)(unsafe.Pointer(at(icr))), toSelf|deliverNMI)
	return errAlive
}
