// SPDX-License-Identifier: Apache-2.0

package inet

import (
	"net/netip"

	"loam/user/sockets"
)

// interfaces is what is known of the network's interface.
type interfaces struct {
	is      bool // there is one
	second  Interface
	routers []netip.Addr
	dns     []netip.Addr
	domain  string
}

// secondFlags are up, broadcast, running, multicast and lower layer up.
const secondFlags = 0x11043

// mostAddresses is how many of a kind are believed, and mostDomain how long the name of a domain can be.
const mostAddresses, mostDomain = 32, 253

// configure takes what the server says.
func (i *interfaces) configure(c sockets.Configuration) {
	if len(c.Domain) > mostDomain {
		c.Domain = ""
	}
	*i = interfaces{is: true, domain: c.Domain, second: Interface{
		Index: 2, Name: "eth0", Type: 1, Flags: secondFlags, MTU: c.MTU, Queue: 1000, Hardware: c.Hardware,
	}}
	for _, p := range c.Addresses[:min(len(c.Addresses), mostAddresses)] {
		if p := netip.PrefixFrom(p.IP.Addr(), int(p.Bits)); p.IsValid() {
			i.second.Addresses = append(i.second.Addresses, p)
		}
	}
	for _, a := range c.Routers[:min(len(c.Routers), mostAddresses)] {
		i.routers = append(i.routers, a.Addr())
	}
	for _, a := range c.DNS[:min(len(c.DNS), mostAddresses)] {
		i.dns = append(i.dns, a.Addr())
	}
}

// has reports whether the interface has an address.
func (i *interfaces) has(a netip.Addr) bool {
	for _, p := range i.second.Addresses {
		if p.Addr() == a {
			return true
		}
	}
	return false
}

// source gives the address from which something is sent: one of the same network, or else the first of the
// family, if there is a router.
func (i *interfaces) source(to netip.Addr) (netip.Addr, bool) {
	var first netip.Addr
	for _, p := range i.second.Addresses {
		a := p.Addr()
		if a.Is4() != to.Is4() || a.IsLinkLocalUnicast() != to.IsLinkLocalUnicast() {
			continue
		}
		if p.Contains(to) {
			return a, true
		}
		if !first.IsValid() {
			first = a
		}
	}
	for _, r := range i.routers {
		if first.IsValid() && r.Is4() == to.Is4() {
			return first, true
		}
	}
	return netip.Addr{}, false
}

// Interfaces gives the interfaces, or Unknown.
func (h *Host) Interfaces() ([]*Interface, bool) {
	if h.unknown() {
		return nil, false
	}
	return h.KnownInterfaces(), true
}

// KnownInterfaces gives those that are known, without asking for more.
func (h *Host) KnownInterfaces() []*Interface {
	all := []*Interface{&Loopback}
	if h.net != nil && h.net.is {
		all = append(all, &h.net.second)
	}
	return all
}

// Resolvers gives the servers of names, and the domain of names without one.
func (h *Host) Resolvers() (dns []netip.Addr, domain string) { return h.net.dns, h.net.domain }
