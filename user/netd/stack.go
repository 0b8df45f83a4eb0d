// SPDX-License-Identifier: Apache-2.0

package netd

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/network/arp"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/icmp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"

	"loam/user/sockets"
)

// nicID is the number of the one interface.
const nicID = 1

// Ports that are given to who connects without one: those below the ones that a Linux personality gives to its
// programs, of which it keeps a table of its own.
const (
	firstPort = 16000
	lastPort  = 32767
)

// network is the stack, and what is known of the network.
type network struct {
	stack  *stack.Stack
	link   *link
	memory account // of all sockets

	mu      sync.Mutex // guards what follows
	lease   *lease     // of DHCP; nil: none
	router6 []tcpip.Address
	dns6    []netip.Addr
	asked   bool   // DHCP has answered, or nobody does
	asked6  bool   // routers had the time to
	changes uint32 // how often it has changed
	told    string // what it was then
	changed func() // is told of that; or nil
}

// newNetwork makes a stack over a link, whose sockets have so much memory. Its addresses come by configure and by router
// advertisements.
func newNetwork(l *link, memory int64) (*network, error) {
	n := &network{link: l, memory: account{most: memory, linger: closingTime}}
	n.stack = stack.New(stack.Options{
		NetworkProtocols: []stack.NetworkProtocolFactory{ipv4.NewProtocol, ipv6.NewProtocolWithOptions(ipv6.Options{
			NDPConfigs: neighbours(), AutoGenLinkLocal: true, NDPDisp: n,
		}), arp.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{
			tcp.NewProtocol, udp.NewProtocol, icmp.NewProtocol4, icmp.NewProtocol6,
		},
		HandleLocal: true,
	})
	n.tune()
	if err := n.stack.CreateNICWithOptions(nicID, l.endpoint(), stack.NICOptions{Name: "eth0"}); err != nil {
		return nil, errors.New("netd: the interface: " + err.String())
	}
	return n, nil
}

// neighbours are the rules of IPv6's configuration without a server (RFC 4862). Nothing is asked of neighbours
// before an address is used: on the link are the machine and its host.
func neighbours() ipv6.NDPConfigurations {
	c := ipv6.DefaultNDPConfigurations()
	c.HandleRAs = ipv6.HandlingRAsEnabledWhenForwardingDisabled
	c.DiscoverDefaultRouters, c.DiscoverOnLinkPrefixes, c.AutoGenGlobalAddresses = true, true, true
	c.AutoGenTempGlobalAddresses = false
	c.MaxRtrSolicitationDelay = 10 * time.Millisecond
	return c
}

// tune sets what isn't as Linux has it.
func (n *network) tune() {
	sack, recovery := tcpip.TCPSACKEnabled(true), tcpip.TCPRecovery(tcpip.TCPRACKLossDetection)
	// Sockets are given their buffers (socket.grow): of the stack's own rules only the scale of windows is left.
	send := tcpip.TCPSendBufferSizeRangeOption{Min: leastBuffer, Default: leastBuffer, Max: mostBuffer}
	receive := tcpip.TCPReceiveBufferSizeRangeOption{Min: leastBuffer, Default: leastBuffer, Max: mostBuffer}
	moderate := tcpip.TCPModerateReceiveBufferOption(true)
	for _, o := range []tcpip.SettableTransportProtocolOption{&sack, &recovery, &send, &receive, &moderate} {
		if err := n.stack.SetTransportProtocolOption(tcp.ProtocolNumber, o); err != nil {
			panic("netd: an option of TCP: " + err.String())
		}
	}
	if err := n.stack.SetPortRange(firstPort, lastPort); err != nil {
		panic("netd: the range of ports: " + err.String())
	}
}

// setLease has the interface use a lease, or none.
func (n *network) setLease(l *lease) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if old := n.lease; old != nil && (l == nil || l.address != old.address) {
		n.stack.RemoveAddress(nicID, address(old.address.Addr()))
	}
	if l != nil && (n.lease == nil || l.address != n.lease.address) {
		err := n.stack.AddProtocolAddress(nicID, tcpip.ProtocolAddress{
			Protocol: ipv4.ProtocolNumber, AddressWithPrefix: prefix(l.address),
		}, stack.AddressProperties{})
		if err != nil {
			n.lease = nil
			n.routes()
			return errors.New("netd: the interface's address: " + err.String())
		}
	}
	n.lease = l
	n.routes()
	return nil
}

// routes makes the table of routes; mu is held.
func (n *network) routes() {
	var table []tcpip.Route
	if n.lease != nil {
		table = append(table, tcpip.Route{Destination: prefix(n.lease.address).Subnet(), NIC: nicID})
		if n.lease.router.IsValid() {
			table = append(table, tcpip.Route{Destination: header.IPv4EmptySubnet, Gateway: address(n.lease.router), NIC: nicID})
		}
	}
	for _, a := range n.stack.NICInfo()[nicID].ProtocolAddresses {
		if a.Protocol == ipv6.ProtocolNumber && a.AddressWithPrefix.PrefixLen < 128 {
			table = append(table, tcpip.Route{Destination: a.AddressWithPrefix.Subnet(), NIC: nicID})
		}
	}
	for _, r := range n.router6 {
		table = append(table, tcpip.Route{Destination: header.IPv6EmptySubnet, Gateway: r, NIC: nicID})
	}
	n.stack.SetRouteTable(table)
	n.tell()
}

// tell has clients look at the configuration again, if it is another; mu is held. Routers say the same again and again.
func (n *network) tell() {
	now := fmt.Sprint(n.isReady(), n.describe())
	if now == n.told {
		return
	}
	n.told = now
	n.changes++
	if n.changed != nil {
		go n.changed()
	}
}

// settle says that no address is to come soon, of IPv4 or IPv6, that isn't there.
func (n *network) settle(six bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if six {
		n.asked6 = true
	} else {
		n.asked = true
	}
	n.routes()
}

// ready reports whether the addresses that are to be had are there.
func (n *network) ready() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.isReady()
}

// isReady is ready; mu is held.
func (n *network) isReady() bool {
	return (n.asked || n.lease != nil) && (n.asked6 || len(n.router6) > 0)
}

// configuration tells what is known.
func (n *network) configuration() sockets.Configuration {
	n.mu.Lock()
	defer n.mu.Unlock()
	c := n.describe()
	c.Changes = n.changes
	return c
}

// describe is configuration without the count of changes; mu is held.
func (n *network) describe() sockets.Configuration {
	c := sockets.Configuration{MTU: uint32(n.link.info.MTU), Hardware: n.link.info.MAC}
	for _, a := range n.stack.NICInfo()[nicID].ProtocolAddresses {
		p, ok := addressOf(a.AddressWithPrefix.Address)
		if ok {
			c.Addresses = append(c.Addresses, sockets.Prefix{IP: p, Bits: uint8(a.AddressWithPrefix.PrefixLen)})
		}
	}
	if n.lease != nil {
		c.Domain = n.lease.domain
		for _, a := range n.lease.dns {
			c.DNS = append(c.DNS, ipOf(a))
		}
		if n.lease.router.IsValid() {
			c.Routers = append(c.Routers, ipOf(n.lease.router))
		}
	}
	for _, r := range n.router6 {
		if a, ok := addressOf(r); ok {
			c.Routers = append(c.Routers, a)
		}
	}
	for _, a := range n.dns6 {
		c.DNS = append(c.DNS, ipOf(a))
	}
	return c
}

// The network is an ipv6.NDPDispatcher: it hears of what routers advertise. The stack calls these with a lock
// held, under which its addresses can't be asked for.

// later has routes made when the stack's lock isn't held any more.
func (n *network) later(change func()) {
	go func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		change()
		n.routes()
	}()
}

// OnDuplicateAddressDetectionResult tells that an address can be used.
func (n *network) OnDuplicateAddressDetectionResult(tcpip.NICID, tcpip.Address, stack.DADResult) {
	n.later(func() {})
}

// OnOffLinkRouteUpdated tells of a router.
func (n *network) OnOffLinkRouteUpdated(_ tcpip.NICID, to tcpip.Subnet, router tcpip.Address, _ header.NDPRoutePreference) {
	if to != header.IPv6EmptySubnet {
		return
	}
	n.later(func() {
		if !slices.Contains(n.router6, router) && len(n.router6) < maxRouters {
			n.router6 = append(n.router6, router)
		}
	})
}

// maxRouters bounds what the network can have known.
const maxRouters = 4

// OnOffLinkRouteInvalidated tells that it is none any more.
func (n *network) OnOffLinkRouteInvalidated(_ tcpip.NICID, _ tcpip.Subnet, router tcpip.Address) {
	n.later(func() { n.router6 = slices.DeleteFunc(n.router6, func(r tcpip.Address) bool { return r == router }) })
}

// OnOnLinkPrefixDiscovered tells of a network that needs no router: addresses of ours are within.
func (n *network) OnOnLinkPrefixDiscovered(tcpip.NICID, tcpip.Subnet) { n.later(func() {}) }

// OnOnLinkPrefixInvalidated tells that it isn't.
func (n *network) OnOnLinkPrefixInvalidated(tcpip.NICID, tcpip.Subnet) { n.later(func() {}) }

// OnAutoGenAddress tells of an address of ours.
func (n *network) OnAutoGenAddress(tcpip.NICID, tcpip.AddressWithPrefix) stack.AddressDispatcher {
	n.later(func() {})
	return nil
}

// OnAutoGenAddressDeprecated tells that it is to be used no more for what is new: the stack knows.
func (n *network) OnAutoGenAddressDeprecated(tcpip.NICID, tcpip.AddressWithPrefix) {}

// OnAutoGenAddressInvalidated tells that it has gone.
func (n *network) OnAutoGenAddressInvalidated(tcpip.NICID, tcpip.AddressWithPrefix) {
	n.later(func() {})
}

// OnRecursiveDNSServerOption tells of servers of names.
func (n *network) OnRecursiveDNSServerOption(_ tcpip.NICID, servers []tcpip.Address, _ time.Duration) {
	var dns []netip.Addr
	for _, a := range servers[:min(len(servers), maxRouters)] {
		if a, ok := netip.AddrFromSlice(a.AsSlice()); ok {
			dns = append(dns, a)
		}
	}
	n.later(func() { n.dns6 = dns })
}

// OnDNSSearchListOption is of no use here.
func (n *network) OnDNSSearchListOption(tcpip.NICID, []string, time.Duration) {}

// OnDHCPv6Configuration is of no use: there is no DHCPv6.
func (n *network) OnDHCPv6Configuration(tcpip.NICID, ipv6.DHCPv6ConfigurationFromNDPRA) {}
