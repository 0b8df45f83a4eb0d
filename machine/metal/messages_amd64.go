//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import "loam/machine/amd64"

// messages is how many there can be: each has a vector of its own.
const messages = 32

// hasMessages reports whether a device can reach the boot CPU: a message has 8 bits for
// the number of its local APIC (SDM vol. 3A, 11.11.1).
func hasMessages() bool { return amd64.Reachable(cpus[0].apic, false) }

func messageOf(n uint32) (address uint64, data uint32) {
	return amd64.Message(uint8(vectorMessage+n), uint8(cpus[0].apic))
}
