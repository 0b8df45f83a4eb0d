// SPDX-License-Identifier: Apache-2.0

package netd

import (
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip"

	"loam/user/sockets"
)

// address gives an address as the stack has it.
func address(a netip.Addr) tcpip.Address {
	if !a.IsValid() {
		return tcpip.Address{}
	}
	if a.Is4() {
		return tcpip.AddrFrom4(a.As4())
	}
	return tcpip.AddrFrom16(a.As16())
}

func prefix(p netip.Prefix) tcpip.AddressWithPrefix {
	return tcpip.AddressWithPrefix{Address: address(p.Addr()), PrefixLen: p.Bits()}
}

// ipOf gives an address as it is in messages.
func ipOf(a netip.Addr) sockets.IP { return sockets.IP{Bytes: a.As16(), Four: a.Is4()} }

// addressOf gives one of the stack's.
func addressOf(a tcpip.Address) (sockets.IP, bool) {
	n, ok := netip.AddrFromSlice(a.AsSlice())
	if !ok {
		return sockets.IP{}, false
	}
	return ipOf(n), true
}

// full gives the address and port of a message as the stack has it: an unspecified address is none.
func full(a sockets.Address) tcpip.FullAddress {
	f := tcpip.FullAddress{Port: a.Port}
	if ip := a.IP.Addr(); !ip.IsUnspecified() {
		f.Addr = address(ip)
		if ip.Is6() && (ip.IsLinkLocalUnicast() || ip.IsLinkLocalMulticast()) {
			f.NIC = nicID
		}
	}
	return f
}

// addressFrom gives the address and port of the stack's as it is in messages, of a family if there is
// none.
func addressFrom(f tcpip.FullAddress, six bool) sockets.Address {
	ip, ok := addressOf(f.Addr)
	if !ok {
		ip = ipOf(netip.IPv4Unspecified())
		if six {
			ip = ipOf(netip.IPv6Unspecified())
		}
	}
	return sockets.Address{IP: ip, Port: f.Port}
}
