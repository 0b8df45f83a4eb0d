// SPDX-License-Identifier: Apache-2.0

package netd

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"
)

// lease is what a DHCP server has granted, or what is used without one.
type lease struct {
	address netip.Prefix
	router  netip.Addr // not valid: there is none
	dns     []netip.Addr
	domain  string

	ack            *dhcpv4.DHCPv4
	renew, rebinds time.Duration // after it was granted
	ends           time.Duration
}

// Ports of DHCP, and how often what is asked is asked again (RFC 2131, section 4.1).
const (
	clientPort, serverPort = 68, 67
	tries                  = 4
	firstWait              = 500 * time.Millisecond
	defaultLease           = 24 * time.Hour
)

var errNoAnswer = errors.New("netd: no DHCP server answers")

// client asks for leases (RFC 2131). Its messages are frames of their own, beside the stack, which has no address
// to send from yet.
type client struct {
	link    *link
	answers chan *dhcpv4.DHCPv4
	wait    time.Duration // for the first answer
}

func newClient(l *link) *client {
	c := &client{link: l, answers: make(chan *dhcpv4.DHCPv4, 4), wait: firstWait}
	l.listen(c.hear)
	return c
}

// hear takes what is for the client's port of the frames that come.
func (c *client) hear(frame []byte) {
	b, ok := datagram(frame, clientPort)
	if !ok {
		return
	}
	m, err := dhcpv4.FromBytes(b)
	if err != nil || m.OpCode != dhcpv4.OpcodeBootReply {
		return
	}
	select {
	case c.answers <- m:
	default: // somebody sends many
	}
}

// datagram gives the content of a frame that is a UDP datagram to a port, in one piece.
func datagram(frame []byte, port uint16) ([]byte, bool) {
	if len(frame) < header.EthernetMinimumSize || header.Ethernet(frame).Type() != header.IPv4ProtocolNumber {
		return nil, false
	}
	ip := header.IPv4(frame[header.EthernetMinimumSize:])
	if !ip.IsValid(len(ip)) || ip.TransportProtocol() != header.UDPProtocolNumber || ip.More() || ip.FragmentOffset() != 0 {
		return nil, false
	}
	u := header.UDP(ip.Payload())
	if len(u) < header.UDPMinimumSize || u.DestinationPort() != port || int(u.Length()) < header.UDPMinimumSize || int(u.Length()) > len(u) {
		return nil, false
	}
	return u[header.UDPMinimumSize:u.Length()], true
}

// broadcast makes a frame to everybody, of a UDP datagram.
func broadcast(mac tcpip.LinkAddress, from netip.Addr, source, target uint16, body []byte) []byte {
	udp := header.UDPMinimumSize + len(body)
	total := header.IPv4MinimumSize + udp
	b := make([]byte, header.EthernetMinimumSize+total)
	header.Ethernet(b).Encode(&header.EthernetFields{SrcAddr: mac, DstAddr: header.EthernetBroadcastAddress, Type: header.IPv4ProtocolNumber})
	ip := header.IPv4(b[header.EthernetMinimumSize:])
	ip.Encode(&header.IPv4Fields{
		TotalLength: uint16(total), TTL: 64, Protocol: uint8(header.UDPProtocolNumber), SrcAddr: address(from), DstAddr: header.IPv4Broadcast,
	})
	ip.SetChecksum(^ip.CalculateChecksum())
	u := header.UDP(ip[header.IPv4MinimumSize:])
	u.Encode(&header.UDPFields{SrcPort: source, DstPort: target, Length: uint16(udp)})
	copy(u[header.UDPMinimumSize:], body)
	sum := header.PseudoHeaderChecksum(header.UDPProtocolNumber, address(from), header.IPv4Broadcast, uint16(udp))
	u.SetChecksum(^u.CalculateChecksum(checksum.Checksum(body, sum)))
	return b
}

// ask sends a message, again and again, until there is an answer of one of the kinds.
func (c *client) ask(ctx context.Context, m *dhcpv4.DHCPv4, from netip.Addr, kinds ...dhcpv4.MessageType) (*dhcpv4.DHCPv4, error) {
	frame := broadcast(c.link.address, from, clientPort, serverPort, m.ToBytes())
	for wait, n := c.wait, 0; n < tries; wait, n = 2*wait, n+1 {
		c.link.sendFrame(frame)
		timeout := time.NewTimer(wait)
		for over := false; !over; {
			select {
			case a := <-c.answers:
				if a.TransactionID != m.TransactionID {
					continue
				}
				for _, k := range kinds {
					if a.MessageType() == k {
						timeout.Stop()
						return a, nil
					}
				}
			case <-timeout.C:
				over = true
			case <-ctx.Done():
				timeout.Stop()
				return nil, ctx.Err()
			}
		}
	}
	return nil, errNoAnswer
}

// obtain asks for a lease, from the first message to the last.
func (c *client) obtain(ctx context.Context) (*lease, error) {
	discover, err := dhcpv4.NewDiscovery(net.HardwareAddr(c.link.address), dhcpv4.WithBroadcast(true))
	if err != nil {
		return nil, err
	}
	offer, err := c.ask(ctx, discover, netip.IPv4Unspecified(), dhcpv4.MessageTypeOffer)
	if err != nil {
		return nil, err
	}
	request, err := dhcpv4.NewRequestFromOffer(offer, dhcpv4.WithBroadcast(true))
	if err != nil {
		return nil, err
	}
	return c.request(ctx, request, netip.IPv4Unspecified())
}

// extend asks for more time.
func (c *client) extend(ctx context.Context, l *lease) (*lease, error) {
	request, err := dhcpv4.NewRenewFromAck(l.ack, dhcpv4.WithBroadcast(true))
	if err != nil {
		return nil, err
	}
	return c.request(ctx, request, l.address.Addr())
}

// errRefused: the server says no.
var errRefused = errors.New("netd: the DHCP server refuses")

func (c *client) request(ctx context.Context, m *dhcpv4.DHCPv4, from netip.Addr) (*lease, error) {
	ack, err := c.ask(ctx, m, from, dhcpv4.MessageTypeAck, dhcpv4.MessageTypeNak)
	if err != nil {
		return nil, err
	}
	if ack.MessageType() == dhcpv4.MessageTypeNak {
		return nil, errRefused
	}
	return leaseOf(ack)
}

// leaseOf reads what was granted.
func leaseOf(ack *dhcpv4.DHCPv4) (*lease, error) {
	a, ok := netip.AddrFromSlice(ack.YourIPAddr.To4())
	if !ok || a.IsUnspecified() || a.IsMulticast() || a.IsLoopback() {
		return nil, errors.New("netd: DHCP grants an address that can't be: " + ack.YourIPAddr.String())
	}
	bits := 24
	if m := ack.SubnetMask(); len(m) == net.IPv4len {
		if ones, size := m.Size(); size == 32 && binary.BigEndian.Uint32(m) != 0 {
			bits = ones
		}
	}
	l := &lease{address: netip.PrefixFrom(a, bits), domain: ack.DomainName(), ack: ack}
	for _, r := range ack.Router() {
		if r, ok := netip.AddrFromSlice(r.To4()); ok && !l.router.IsValid() {
			l.router = r
		}
	}
	for _, d := range ack.DNS() {
		if d, ok := netip.AddrFromSlice(d.To4()); ok && len(l.dns) < maxRouters {
			l.dns = append(l.dns, d)
		}
	}
	const least = time.Minute // a server that grants less isn't asked more often
	l.ends = max(ack.IPAddressLeaseTime(defaultLease), least)
	l.renew = min(max(ack.IPAddressRenewalTime(l.ends/2), least/2), l.ends)
	l.rebinds = min(max(ack.IPAddressRebindingTime(l.ends/8*7), l.renew), l.ends)
	return l, nil
}

// configure keeps the network's address, until ctx is done. fallback is used as long as no server has
// answered; nil: there is no address then. first is told once, when there is one or none is to be had soon.
func (n *network) configure(ctx context.Context, c *client, fallback *lease, first func(error)) {
	told := false
	for ctx.Err() == nil {
		l, err := c.obtain(ctx)
		if err != nil && n.hasNone() && fallback != nil {
			err = n.setLease(fallback)
		} else if err == nil {
			err = n.setLease(l)
		}
		if !told {
			told = true
			first(err)
		}
		if l == nil {
			pause(ctx, retry)
			continue
		}
		n.keep(ctx, c, l)
	}
}

// retry is how long a network without a server isn't asked again.
const retry = time.Minute

// keep extends a lease until it ends or is refused.
func (n *network) keep(ctx context.Context, c *client, l *lease) {
	granted := time.Now()
	for ctx.Err() == nil {
		pause(ctx, time.Until(granted.Add(l.renew)))
		for ctx.Err() == nil {
			next, err := c.extend(ctx, l)
			if err == nil && next.address == l.address {
				l, granted = next, time.Now()
				if n.setLease(l) == nil {
					break
				}
			}
			left := time.Until(granted.Add(l.ends))
			if err == nil || errors.Is(err, errRefused) || left <= 0 {
				_ = n.setLease(nil)
				return
			}
			pause(ctx, min(left, retry))
		}
	}
}

func (n *network) hasNone() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.lease == nil
}

// pause waits.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
