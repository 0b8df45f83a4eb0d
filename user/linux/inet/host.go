// SPDX-License-Identifier: Apache-2.0

package inet

import (
	"iter"
	"math/rand/v2"
	"net/netip"

	"loam/user/linux/socket"
)

// Host is the ports of a sandbox, and who has them.
type Host struct {
	ports map[port][]*Socket // who came last is last
	pairs map[pair]*Socket   // ends of connections
	next  uint16             // the port that is tried next for who wants any
	turn  uint               // of sockets that share a port
	net   *network           // beyond the sandbox; nil: there is none
}

// port is a port of TCP or of UDP.
type port struct {
	kind   socket.Kind
	number uint16
}

// pair is where a connection is from, and to.
type pair struct{ from, to netip.AddrPort }

// NewHost makes one that nobody uses.
func NewHost() *Host {
	return &Host{ports: map[port][]*Socket{}, pairs: map[pair]*Socket{}, next: uint16(rand.N(lastPort-firstPort) + firstPort)}
}

// Sockets gives those that have a port.
func (h *Host) Sockets(kind socket.Kind) iter.Seq[*Socket] {
	return func(yield func(*Socket) bool) {
		for p, all := range h.ports {
			if p.kind != kind {
				continue
			}
			for _, s := range all {
				if !yield(s) {
					return
				}
			}
		}
	}
}

// find gives the socket that is best for what is sent to an address: score says how good one is, 0 not at all. Of
// those that are equally good the last that came has it, or, if they share the port, each in turn.
func (h *Host) find(kind socket.Kind, to uint16, score func(*Socket) int) *Socket {
	var best *Socket
	most, shared := 0, 0
	for _, s := range h.ports[port{kind, to}] {
		switch n := score(s); {
		case n == 0 || n < most:
		case n == most && s.ReusePort && best.ReusePort:
			if shared++; h.turn%uint(shared+1) == 0 {
				best = s
			}
		default:
			best, most, shared = s, n, 0
		}
	}
	if shared > 0 {
		h.turn++
	}
	return best
}

// covers reports how well an address is covered by what a socket is bound to: 2 it is that, 1 by a wildcard.
func (s *Socket) covers(a netip.Addr) int {
	switch b := s.bound.Addr(); {
	case b == a:
		return 2
	case b.IsUnspecified() && (b.Is4() == a.Is4() || b.Is6() && !s.OnlySix):
		return 1
	}
	return 0
}

// listener gives who listens at an address.
func (h *Host) listener(to netip.AddrPort) *Socket {
	return h.find(socket.Stream, to.Port(), func(s *Socket) int {
		if s.state != Listen {
			return 0
		}
		return 2*s.covers(to.Addr()) + s.sameFamily(to.Addr())
	})
}

// sameFamily is 1 for a socket of an address's family, which comes before one that has the address as a mapped one.
func (s *Socket) sameFamily(a netip.Addr) int {
	if s.Six == a.Is6() {
		return 1
	}
	return 0
}

// receiver gives who gets a datagram.
func (h *Host) receiver(from, to netip.AddrPort) *Socket {
	return h.find(socket.Datagram, to.Port(), func(s *Socket) int {
		n := s.covers(to.Addr())
		if n == 0 {
			return 0
		}
		if s.state == Established {
			if s.remote != from {
				return 0
			}
			n += 8
		}
		return 2*n + s.sameFamily(to.Addr())
	})
}
