// SPDX-License-Identifier: Apache-2.0

package netd

import (
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// disown has the other end of a connection that nobody has here any more hear of that. A reset must have the number
// that the other end expects next, and nobody knows that any more. So a segment is sent which can't be acceptable: it is
// answered by one that says what would be (RFC 9293, section 3.10.7.4), and this the stack answers by a reset, as
// all that is for no connection.
func (n *network) disown(local, far tcpip.FullAddress) tcpip.Error {
	protocol := ipv4.ProtocolNumber
	if local.Addr.BitLen() == header.IPv6AddressSizeBits {
		protocol = ipv6.ProtocolNumber
	}
	r, err := n.stack.FindRoute(nicID, local.Addr, far.Addr, protocol, false)
	if err != nil {
		return err
	}
	defer r.Release()
	p := stack.NewPacketBuffer(stack.PacketBufferOptions{ReserveHeaderBytes: int(r.MaxHeaderLength()) + header.TCPMinimumSize})
	defer p.DecRef()
	p.TransportProtocolNumber = header.TCPProtocolNumber
	h := header.TCP(p.TransportHeader().Push(header.TCPMinimumSize))
	h.Encode(&header.TCPFields{SrcPort: local.Port, DstPort: far.Port, DataOffset: header.TCPMinimumSize, Flags: header.TCPFlagAck})
	h.SetChecksum(^h.CalculateChecksum(r.PseudoHeaderChecksum(header.TCPProtocolNumber, header.TCPMinimumSize)))
	return r.WritePacket(stack.NetworkHeaderParams{Protocol: header.TCPProtocolNumber, TTL: 64}, p)
}
