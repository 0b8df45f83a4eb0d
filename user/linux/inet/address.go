// SPDX-License-Identifier: Apache-2.0

package inet

import (
	"encoding/binary"
	"net/netip"

	"loam/abi"
)

// Families.
const (
	FamilyNone = 0
	FamilyIPv4 = 2
	FamilyIPv6 = 10
)

// Sizes of struct sockaddr_in, and of sockaddr_in6 with the scope and without, as it once was.
const (
	size4    = 16
	size6    = 28
	leastOf6 = 24
)

var loopback4, loopback6 = netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()

// AppendAddress appends an address as a socket of a family tells it: IPv4's of an IPv6 socket are mapped.
func AppendAddress(b []byte, six bool, a netip.AddrPort) []byte {
	if six {
		b = binary.LittleEndian.AppendUint16(b, FamilyIPv6)
		b = binary.BigEndian.AppendUint16(b, a.Port())
		as16 := a.Addr().As16()
		b = append(append(b, 0, 0, 0, 0), as16[:]...)
		return append(b, 0, 0, 0, 0)
	}
	b = binary.LittleEndian.AppendUint16(b, FamilyIPv4)
	b = binary.BigEndian.AppendUint16(b, a.Port())
	as4 := a.Addr().As4()
	return append(append(b, as4[:]...), make([]byte, 8)...)
}

// family is that of an address, which has at least that.
func family(b []byte) uint16 { return binary.LittleEndian.Uint16(b) }

// address4 and address6 take an address apart that is long enough. Mapped addresses are IPv4's.
func address4(b []byte) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:])), binary.BigEndian.Uint16(b[2:]))
}

func address6(b []byte) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[8:])).Unmap(), binary.BigEndian.Uint16(b[2:]))
}

// parse takes an address of the socket's family apart.
func (s *Socket) parse(b []byte) (netip.AddrPort, abi.Errno) {
	if !s.Six {
		switch {
		case len(b) < size4:
			return netip.AddrPort{}, abi.EINVAL
		case family(b) != FamilyIPv4:
			return netip.AddrPort{}, abi.EAFNOSUPPORT
		}
		return address4(b), 0
	}
	switch {
	case len(b) < leastOf6:
		return netip.AddrPort{}, abi.EINVAL
	case family(b) != FamilyIPv6:
		return netip.AddrPort{}, abi.EAFNOSUPPORT
	}
	return address6(b), 0
}

// Of IPv4: addresses of everybody, whole and of the loopback's network.
var (
	everybody4 = netip.AddrFrom4([4]byte{255, 255, 255, 255})
	loopbacks4 = netip.AddrFrom4([4]byte{127, 255, 255, 255})
)

// isBroadcast reports whether an address is everybody's.
func isBroadcast(a netip.Addr) bool {
	return a == everybody4 || a == loopbacks4 || a.Is4() && a.As4()[0] == 0 && !a.IsUnspecified()
}

// toMany reports whether what is sent to an address of IPv4 goes to more than one.
func toMany(a netip.Addr) bool {
	return a == everybody4 || a == loopbacks4 || a.Is4() && a.IsMulticast()
}

// IsOwn reports whether an address is one of loopback's.
func IsOwn(a netip.Addr) bool {
	return a == loopback6 || a.Is4() && a.IsLoopback() && a != loopbacks4
}

// mayBind reports whether a socket can be bound to an address: EADDRNOTAVAIL, or Unknown.
func (h *Host) mayBind(a netip.Addr) abi.Errno {
	switch {
	case a.IsUnspecified() || IsOwn(a) || a.Is4() && (a.IsMulticast() || isBroadcast(a)):
		return 0
	case h.unknown():
		return Unknown
	case h.IsOwn(a):
		return 0
	}
	return abi.EADDRNOTAVAIL
}

// route gives the address that something is sent to and the one that it is sent from, if it is sent from a socket
// that is bound to from.
func (h *Host) route(from, to netip.Addr) (source, target netip.Addr, e abi.Errno) {
	own := loopback6
	if to.Is4() {
		own = loopback4
	}
	bound := from.IsValid() && !from.IsUnspecified() && from.Is4() == to.Is4() && !from.IsMulticast() && !isBroadcast(from)
	if to.IsUnspecified() {
		if to = own; bound {
			to = from
		}
	}
	switch {
	case bound && IsOwn(from) && toMany(to): // over the interface that has the address
		return from, to, 0
	case !h.IsOwn(to) && to != loopbacks4:
		source, e = h.routeBeyond(from, to, bound)
		return source, to, e
	case bound:
		return from, to, 0
	case !IsOwn(to): // the sandbox's own, but loopback's
		return to, to, 0
	}
	return own, to, 0
}
