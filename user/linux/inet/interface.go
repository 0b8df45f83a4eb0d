// SPDX-License-Identifier: Apache-2.0

package inet

import "net/netip"

// Interface is what is told of an interface.
type Interface struct {
	Index     uint32
	Name      string
	Type      uint16 // ARPHRD_LOOPBACK
	Flags     uint32 // IFF_UP and so on
	MTU       uint32
	Queue     uint32 // packets
	Hardware  [6]byte
	Addresses []netip.Prefix
}

// Loopback is the only one.
var Loopback = Interface{
	Index: 1, Name: "lo", Type: 772, Flags: 0x10049, MTU: 65536, Queue: 1000, // up, running, loopback, lower layer up
	Addresses: []netip.Prefix{netip.PrefixFrom(loopback4, 8), netip.PrefixFrom(loopback6, 128)},
}
