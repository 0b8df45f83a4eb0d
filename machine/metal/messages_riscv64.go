//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

// messages is how many there can be: none without the Advanced Interrupt Architecture,
// whose IMSIC takes them. A PLIC has lines alone.
const messages = 0

func hasMessages() bool { return false }

func messageOf(uint32) (address uint64, data uint32) { return 0, 0 }
