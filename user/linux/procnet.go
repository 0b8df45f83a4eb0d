// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"encoding/binary"
	"fmt"
	"strings"

	"loam/user/linux/inet"
)

// What /proc/net tells: of interfaces that are known already. To read it has no network begin.

func (s *Server) procNet(d *procFolder) {
	of := func(text func(*inet.Interface) string) func() string {
		return func() string {
			var b strings.Builder
			for _, i := range s.inet.KnownInterfaces() {
				b.WriteString(text(i))
			}
			return b.String()
		}
	}
	groups4 := of(igmp)
	d.text("if_inet6", of(ifInet6))
	d.text("igmp", func() string { return "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n" + groups4() })
	d.text("igmp6", of(igmp6))
}

// igmp is the group of all hosts (224.0.0.1), in which each interface with IPv4 is.
func igmp(i *inet.Interface) string {
	all := binary.LittleEndian.Uint32([]byte{224, 0, 0, 1})
	return fmt.Sprintf("%d\t%-10s:     1      V3\n\t\t\t\t%08X     1 0:00000000\t\t0\n", i.Index, i.Name, all)
}

// igmp6 are the groups of all nodes (RFC 4291, section 2.7.1), of the link and of the interface.
func igmp6(i *inet.Interface) string {
	line := func(group string, flags int) string {
		return fmt.Sprintf("%-4d %-15s %s     1 %08X 0\n", i.Index, i.Name, group, flags)
	}
	const loaded, everybody = 4, 8
	return line("ff020000000000000000000000000001", loaded|everybody) + line("ff010000000000000000000000000001", everybody)
}

// ifInet6 are the addresses of IPv6.
func ifInet6(i *inet.Interface) string {
	var b strings.Builder
	for _, p := range i.Addresses {
		a := p.Addr()
		if a.Is4() {
			continue
		}
		scope := 0
		switch {
		case a.IsLoopback():
			scope = 0x10
		case a.IsLinkLocalUnicast():
			scope = 0x20
		case a.As16()[0] == 0xfe && a.As16()[1] >= 0xc0: // of the site, as slirp's
			scope = 0x40
		}
		const permanent = 0x80
		fmt.Fprintf(&b, "%x %02x %02x %02x %02x %8s\n", a.As16(), i.Index, p.Bits(), scope, permanent, i.Name)
	}
	return b.String()
}
