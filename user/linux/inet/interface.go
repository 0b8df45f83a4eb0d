// SPDX-License-Identifier: Apache-2.0

package inet

import (
	"bytes"
	"encoding/binary"
	"net/netip"
)

// Interface is what is told of an interface.
type Interface struct {
	Index     uint32
	Name      string
	Type      uint16 // ARPHRD_LOOPBACK or ARPHRD_ETHER
	Flags     uint32 // IFF_UP and so on
	MTU       uint32
	Queue     uint32 // packets
	Hardware  [6]byte
	Addresses []netip.Prefix
}

// flagBroadcast is IFF_BROADCAST.
const flagBroadcast = 2

// operation is the interface's state for IFLA_OPERSTATE: unknown of loopback, else up.
func (i *Interface) operation() byte {
	const unknown, up = 0, 6
	if i.Flags&flagBroadcast == 0 {
		return unknown
	}
	return up
}

// everybody is the hardware's address of everybody.
func (i *Interface) everybody() []byte {
	if i.Flags&flagBroadcast == 0 {
		return make([]byte, len(i.Hardware))
	}
	return bytes.Repeat([]byte{0xff}, len(i.Hardware))
}

// Broadcast is the address of everybody in a network of IPv4.
func Broadcast(p netip.Prefix) netip.Addr {
	a := p.Addr().As4()
	binary.BigEndian.PutUint32(a[:], binary.BigEndian.Uint32(a[:])|^uint32(0)>>p.Bits())
	return netip.AddrFrom4(a)
}

// Loopback is the one that every sandbox has.
var Loopback = Interface{
	Index: 1, Name: "lo", Type: 772, Flags: 0x10049, MTU: 65536, Queue: 1000, // up, running, loopback, lower layer up
	Addresses: []netip.Prefix{netip.PrefixFrom(loopback4, 8), netip.PrefixFrom(loopback6, 128)},
}
