// SPDX-License-Identifier: Apache-2.0

package netd

import (
	"sync"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
	"gvisor.dev/gvisor/pkg/waiter"

	"loam/abi"
	"loam/user/sockets"
)

// session is a client with its sockets.
type session struct {
	network *network
	peer    peer

	mu      sync.Mutex // guards what follows
	sockets []*socket  // nil where none is
	ended   bool
}

// free gives the least number that is free; mu is held.
func (n *session) free() (uint32, error) {
	if n.ended {
		return 0, abi.EBADF
	}
	for i, k := range n.sockets {
		if k == nil {
			return uint32(i), nil
		}
	}
	if len(n.sockets) >= min(sockets.MaxSockets, len(n.peer.events)/sockets.EventSize-1) {
		return 0, abi.EMFILE
	}
	n.sockets = append(n.sockets, nil)
	return uint32(len(n.sockets) - 1), nil
}

// protocols are those of a kind of sockets.
func protocols(kind uint8, six bool) (tcpip.TransportProtocolNumber, tcpip.NetworkProtocolNumber, error) {
	net := tcpip.NetworkProtocolNumber(ipv4.ProtocolNumber)
	if six {
		net = ipv6.ProtocolNumber
	}
	switch kind {
	case sockets.Stream:
		return tcp.ProtocolNumber, net, nil
	case sockets.Datagram:
		return udp.ProtocolNumber, net, nil
	case sockets.Echo:
		if six {
			return header.ICMPv6ProtocolNumber, net, nil
		}
		return header.ICMPv4ProtocolNumber, net, nil
	}
	return 0, 0, abi.EINVAL
}

// make makes a socket.
func (n *session) make(kind uint8, six bool) (uint32, error) {
	transport, net, err := protocols(kind, six)
	if err != nil {
		return 0, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	i, err := n.free()
	if err != nil {
		return 0, err
	}
	size, err := n.charge()
	if err != nil {
		return 0, err
	}
	queue := &waiter.Queue{}
	end, e := n.network.stack.NewEndpoint(transport, net, queue)
	if e != nil {
		n.network.memory.give(perSocket + 2*size)
		return 0, errno(e)
	}
	n.sockets[i] = newSocket(n, i, kind, six, size, end, queue)
	return i, nil
}

// charge reserves memory for a socket, and gives the size of its buffers.
func (n *session) charge() (int64, error) {
	size := n.network.memory.first()
	if !n.network.memory.take(perSocket+2*size, 0) {
		return 0, abi.ENOBUFS
	}
	return size, nil
}

// accept gives a connection to a socket that listens. Where there is no room for it, it waits, and an event tells when there is.
func (n *session) accept(at uint32) (connection uint32, local, far sockets.Address, err error) {
	k, err := n.socket(at)
	if err != nil {
		return 0, local, far, err
	}
	defer k.look()
	n.mu.Lock()
	defer n.mu.Unlock()
	i, err := n.free() // first: a connection that nobody has isn't accepted
	var size int64
	if err == nil {
		size, err = n.charge()
	}
	if err != nil {
		n.network.memory.wants(k)
		return 0, local, far, err
	}
	var from tcpip.FullAddress
	end, queue, e := k.end.Accept(&from)
	if e != nil {
		n.network.memory.give(perSocket + 2*size)
		return 0, local, far, errno(e)
	}
	to, _ := end.GetLocalAddress() // none: it has ended already
	n.sockets[i] = newSocket(n, i, sockets.Stream, k.six, size, end, queue)
	return i, addressFrom(to, k.six), addressFrom(from, k.six), nil
}

func (n *session) socket(i uint32) (*socket, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if uint64(i) >= uint64(len(n.sockets)) || n.sockets[i] == nil {
		return nil, abi.EBADF
	}
	return n.sockets[i], nil
}

// close ends a socket.
func (n *session) close(i uint32, reset bool) error {
	k, err := n.socket(i)
	if err != nil {
		return err
	}
	k.close(reset)
	n.mu.Lock()
	if n.sockets[i] != k {
		n.mu.Unlock()
		return abi.EBADF
	}
	n.sockets[i] = nil
	n.mu.Unlock()
	n.network.memory.give(0) // a listener may have wanted the number
	return nil
}

// end ends all sockets: who ends without closing them resets them.
func (n *session) end() {
	n.mu.Lock()
	all := n.sockets
	n.sockets, n.ended = nil, true
	n.mu.Unlock()
	for _, k := range all {
		if k != nil {
			k.close(true)
		}
	}
	n.peer.close()
}
