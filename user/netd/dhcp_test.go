// SPDX-License-Identifier: Apache-2.0

package netd

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"

	vnet "loam/user/virtio/net"
)

var routerMAC = tcpip.LinkAddress("\x02\x00\x00\x00\x00\x09")

// dhcpServer is a DHCP server at the other end of a port.
type dhcpServer struct {
	*port
	t     *testing.T
	deaf  atomic.Int32 // so many messages aren't answered
	nak   atomic.Bool
	asked atomic.Int32
	grant dhcpv4.Modifier
}

func newServer(t *testing.T) *dhcpServer {
	s := &dhcpServer{port: newPort(1, false), t: t}
	s.port.out = s.hear
	s.grant = func(m *dhcpv4.DHCPv4) {
		m.YourIPAddr = net.IPv4(10, 0, 2, 15)
		dhcpv4.WithNetmask(net.CIDRMask(20, 32))(m)
		dhcpv4.WithRouter(net.IPv4(10, 0, 2, 2))(m)
		dhcpv4.WithDNS(net.IPv4(10, 0, 2, 3))(m)
		dhcpv4.WithLeaseTime(86400)(m)
		dhcpv4.WithOption(dhcpv4.OptDomainName("example"))(m)
		dhcpv4.WithOption(dhcpv4.OptServerIdentifier(net.IPv4(10, 0, 2, 2)))(m)
	}
	return s
}

func (s *dhcpServer) hear(frame []byte, _ vnet.Offload) {
	body, ok := datagram(frame, serverPort)
	if !ok {
		return
	}
	ip := header.IPv4(frame[header.EthernetMinimumSize:])
	if !ip.IsChecksumValid() {
		s.t.Error("the header's checksum")
	}
	m, err := dhcpv4.FromBytes(body)
	if err != nil {
		s.t.Error(err)
		return
	}
	s.asked.Add(1)
	if s.deaf.Add(-1) >= 0 {
		return
	}
	kind := dhcpv4.MessageTypeOffer
	switch {
	case m.MessageType() == dhcpv4.MessageTypeRequest && s.nak.Load():
		kind = dhcpv4.MessageTypeNak
	case m.MessageType() == dhcpv4.MessageTypeRequest:
		kind = dhcpv4.MessageTypeAck
	}
	a, err := dhcpv4.NewReplyFromRequest(m, dhcpv4.WithMessageType(kind), s.grant)
	if err != nil {
		s.t.Error(err)
		return
	}
	s.comes(broadcast(routerMAC, netip.MustParseAddr("10.0.2.2"), serverPort, clientPort, a.ToBytes()), vnet.Offload{})
}

// start has a network configured.
func (s *dhcpServer) start(fallback *lease) (*network, error) {
	n := s.run(s.t)
	c := newClient(n.link)
	c.wait = 5 * time.Millisecond
	ctx, cancel := context.WithCancel(s.t.Context())
	s.t.Cleanup(cancel)
	told := make(chan error, 2)
	go n.configure(ctx, c, fallback, func(err error) { told <- err })
	return n, <-told
}

// TestLease: what a server grants is used, also if it doesn't hear at once.
func TestLease(t *testing.T) {
	for _, deaf := range []int32{0, 3} {
		s := newServer(t)
		s.deaf.Store(deaf)
		n, err := s.start(nil)
		if err != nil || s.asked.Load() != 2+deaf {
			t.Fatal(err, s.asked.Load())
		}
		c := n.configuration()
		if len(c.DNS) != 1 || c.DNS[0].Addr().String() != "10.0.2.3" || c.Routers[0].Addr().String() != "10.0.2.2" || c.Domain != "example" || c.MTU != 1500 {
			t.Errorf("%+v", c)
		}
		if a := c.Addresses[0]; a.IP.Addr().String() != "10.0.2.15" || a.Bits != 20 {
			t.Errorf("%+v", a)
		}
		toAll := func(r tcpip.Route) bool {
			return r.Destination == header.IPv4EmptySubnet && r.Gateway.String() == "10.0.2.2"
		}
		if routes := n.stack.GetRouteTable(); !slices.ContainsFunc(routes, toAll) {
			t.Errorf("%v", routes)
		}
	}
}

// TestNoServer: without an answer there is what was given beforehand, or an error.
func TestNoServer(t *testing.T) {
	s := newServer(t)
	s.deaf.Store(1000)
	if _, err := s.start(nil); !errors.Is(err, errNoAnswer) {
		t.Error(err)
	}
	s = newServer(t)
	s.deaf.Store(1000)
	n, err := s.start(&lease{address: addressA, dns: []netip.Addr{addressB.Addr()}})
	if c := n.configuration(); err != nil || c.Addresses[0].IP.Addr() != addressA.Addr() || c.DNS[0].Addr() != addressB.Addr() {
		t.Errorf("%v, %+v", err, c)
	}
	s = newServer(t)
	s.nak.Store(true)
	if _, err := s.start(nil); !errors.Is(err, errRefused) {
		t.Error(err)
	}
	s = newServer(t)
	s.grant = func(m *dhcpv4.DHCPv4) { m.YourIPAddr = net.IPv4(127, 0, 0, 1) }
	if _, err := s.start(nil); err == nil {
		t.Error("a loopback address is used")
	}
}

// TestExtend: a lease is extended before it ends, and given up when that is refused.
func TestExtend(t *testing.T) {
	s := newServer(t)
	n := s.run(t)
	c := newClient(n.link)
	c.wait = 5 * time.Millisecond
	l, err := c.obtain(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := n.setLease(l); err != nil {
		t.Fatal(err)
	}
	next, err := c.extend(t.Context(), l)
	if err != nil || next.address != l.address || s.asked.Load() != 3 {
		t.Fatal(err, s.asked.Load())
	}
	s.nak.Store(true)
	l.renew = 0
	n.keep(t.Context(), c, l)
	if !n.hasNone() {
		t.Error("it is kept")
	}
	for _, a := range n.configuration().Addresses {
		if a.IP.Four {
			t.Errorf("address %v is left", a)
		}
	}
}

// TestAdvertisement: a router's advertisement gives an address, a route and the servers of names.
func TestAdvertisement(t *testing.T) {
	p := newPort(1, false)
	n := p.run(t)
	p.comes(advertisement(), vnet.Offload{})
	want := netip.MustParseAddr("fec0::ff:fe00:1")
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		c := n.configuration()
		found := false
		for _, a := range c.Addresses {
			found = found || a.IP.Addr() == want
		}
		if found && len(c.Routers) == 1 && len(c.DNS) == 1 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%+v", c)
		}
	}
}

// advertisement is one of the network fec0::/64, as slirp's.
func advertisement() []byte {
	router := netip.MustParseAddr("fe80::2")
	options := header.NDPOptionsSerializer{
		header.NDPPrefixInformation(prefixInformation()),
		header.NDPRecursiveDNSServer(append([]byte{0, 0, 0, 0, 4, 0}, netip.MustParseAddr("fec0::3").AsSlice()...)),
	}
	size := header.ICMPv6HeaderSize + header.NDPRAMinimumSize + options.Length()
	b := make([]byte, header.EthernetMinimumSize+header.IPv6MinimumSize+size)
	header.Ethernet(b).Encode(&header.EthernetFields{SrcAddr: routerMAC, DstAddr: "\x33\x33\x00\x00\x00\x01", Type: header.IPv6ProtocolNumber})
	ip := header.IPv6(b[header.EthernetMinimumSize:])
	ip.Encode(&header.IPv6Fields{
		PayloadLength: uint16(size), TransportProtocol: header.ICMPv6ProtocolNumber, HopLimit: header.NDPHopLimit,
		SrcAddr: address(router), DstAddr: header.IPv6AllNodesMulticastAddress,
	})
	m := header.ICMPv6(ip.Payload())
	m.SetType(header.ICMPv6RouterAdvert)
	body := header.NDPRouterAdvert(m.MessageBody())
	body[2], body[3] = 7, 8 // lifetime
	body.Options().Serialize(options)
	m.SetChecksum(header.ICMPv6Checksum(header.ICMPv6ChecksumParams{Header: m, Src: address(router), Dst: header.IPv6AllNodesMulticastAddress}))
	return b
}

// prefixInformation is the option without its type and length (RFC 4861, section 4.6.2).
func prefixInformation() []byte {
	b := make([]byte, 30)
	b[0], b[1] = 64, 0xc0 // bits; on the link, and for addresses
	b[4], b[8] = 1, 1     // lifetimes: long
	copy(b[14:], netip.MustParseAddr("fec0::").AsSlice())
	return b
}
