// SPDX-License-Identifier: Apache-2.0

package inet

import (
	"encoding/binary"
	"net/netip"
	"sync"

	"loam/abi"
	"loam/user/linux/socket"
)

// Options are what setsockopt(2) has set. Who accepts a connection has those of who listens.
type Options struct {
	Reuse, ReusePort, Broadcast, KeepAlive, Linger bool
	OnlySix                                        bool // IPV6_V6ONLY
	LingerTime                                     uint32
	SendBuffer, ReceiveBuffer                      int
	LeastReceived                                  int

	words map[name]int32 // others that aren't as they are at first
}

// name is an option's.
type name struct{ level, option int32 }

// Levels.
const (
	levelIP   = 0
	levelTCP  = 6
	levelIPv6 = 41
)

// Options that something depends on.
const (
	ipTOS         = 1
	ipTTL         = 2
	ipRecvErr     = 11
	ipv6Hops      = 16
	ipv6RecvErr   = 25
	ipv6Only      = 26
	tcpMaxSegment = 2
	tcpInfo       = 11
	tcpCongestion = 13
)

// Sizes of buffers: net.core.rmem_default, net.ipv4.tcp_rmem and tcp_wmem.
const (
	datagramBuffer  = 212_992
	streamReceive   = 131_072
	streamSend      = 16_384
	leastSend       = 4608
	leastReceive    = 2304
	mostBuffer      = 212_992 // net.core.rmem_max, wmem_max
	defaultHops     = 64
	infoSize        = 248
	loopbackSegment = 32_768
)

func defaults(kind socket.Kind) Options {
	o := Options{SendBuffer: streamSend, ReceiveBuffer: streamReceive, LeastReceived: 1}
	if kind == socket.Datagram {
		o.SendBuffer, o.ReceiveBuffer = datagramBuffer, datagramBuffer
	}
	return o
}

// SetBuffer sets SO_SNDBUF or SO_RCVBUF: twice what is asked for, as by Linux.
func (o *Options) SetBuffer(send bool, n int32) {
	size := 2 * int(min(uint32(n), mostBuffer))
	if send {
		o.SendBuffer = max(size, leastSend)
	} else {
		o.ReceiveBuffer = max(size, leastReceive)
	}
}

// word is an option that is a number: kept, told, and refused outside of a range.
type word struct {
	first, least, most int32
	small              bool // one byte will do, and is told where there is no room for more
	flag               bool // any number but 0 is 1
	kind               socket.Kind
	unset              int32 // what -1, which is not in the range, stands for; 0: for nothing
}

// flag is an option that is on or off.
var flag = word{flag: true}

// words gives the options that are numbers, and nothing more here. It is made when a socket is asked for one:
// the programs that are one file with the server would all make it as they start.
var words = sync.OnceValue(func() map[name]word {
	return map[name]word{
		{levelIP, 1}:  {least: 0, most: 255, small: true},                                            // IP_TOS
		{levelIP, 2}:  {first: defaultHops, least: 1, most: 255, small: true, unset: defaultHops},    // IP_TTL
		{levelIP, 6}:  {flag: true, small: true},                                                     // IP_RECVOPTS
		{levelIP, 8}:  {flag: true, small: true},                                                     // IP_PKTINFO
		{levelIP, 10}: {first: 1, least: 0, most: 5, small: true},                                    // IP_MTU_DISCOVER
		{levelIP, 11}: {flag: true, small: true},                                                     // IP_RECVERR
		{levelIP, 12}: {flag: true, small: true},                                                     // IP_RECVTTL
		{levelIP, 13}: {flag: true, small: true},                                                     // IP_RECVTOS
		{levelIP, 15}: {flag: true, small: true},                                                     // IP_FREEBIND
		{levelIP, 24}: {flag: true, small: true},                                                     // IP_BIND_ADDRESS_NO_PORT
		{levelIP, 33}: {first: 1, least: 0, most: 255, small: true, unset: 1, kind: socket.Datagram}, // IP_MULTICAST_TTL
		{levelIP, 34}: {first: 1, flag: true, small: true},                                           // IP_MULTICAST_LOOP

		{levelIPv6, 16}: {first: defaultHops, least: 0, most: 255, unset: defaultHops},              // IPV6_UNICAST_HOPS
		{levelIPv6, 18}: {first: 1, least: 0, most: 255, unset: defaultHops, kind: socket.Datagram}, // IPV6_MULTICAST_HOPS
		{levelIPv6, 19}: {first: 1, least: 0, most: 1, kind: 0},                                     // IPV6_MULTICAST_LOOP
		{levelIPv6, 23}: {first: 1, least: 0, most: 5},                                              // IPV6_MTU_DISCOVER
		{levelIPv6, 25}: flag,                                                                       // IPV6_RECVERR
		{levelIPv6, 49}: flag,                                                                       // IPV6_RECVPKTINFO
		{levelIPv6, 51}: flag,                                                                       // IPV6_RECVHOPLIMIT
		{levelIPv6, 66}: flag,                                                                       // IPV6_RECVTCLASS
		{levelIPv6, 67}: {least: -1, most: 255},                                                     // IPV6_TCLASS

		{levelTCP, 1}:  flag,                                         // TCP_NODELAY
		{levelTCP, 3}:  flag,                                         // TCP_CORK
		{levelTCP, 4}:  {first: 7200, least: 1, most: 32767},         // TCP_KEEPIDLE
		{levelTCP, 5}:  {first: 75, least: 1, most: 32767},           // TCP_KEEPINTVL
		{levelTCP, 6}:  {first: 9, least: 1, most: 127},              // TCP_KEEPCNT
		{levelTCP, 7}:  {first: 6, least: 1, most: 127},              // TCP_SYNCNT
		{levelTCP, 9}:  {least: -1 << 31, most: 1<<31 - 1},           // TCP_DEFER_ACCEPT
		{levelTCP, 12}: {first: 1, least: -1 << 31, most: 1<<31 - 1}, // TCP_QUICKACK
		{levelTCP, 18}: {least: 0, most: 1<<31 - 1},                  // TCP_USER_TIMEOUT
		{levelTCP, 25}: {least: -1 << 31, most: 1<<31 - 1},           // TCP_NOTSENT_LOWAT
	}
})

// get gives the value of such an option.
func (o *Options) get(n name, w word) int32 {
	if v, ok := o.words[n]; ok {
		return v
	}
	return w.first
}

// On reports whether an option of a level isn't 0.
func (o *Options) On(level, option int32) bool {
	n := name{level, option}
	return o.get(n, words()[n]) != 0
}

// set changes one. Options are shared between who listens and who was accepted, until one of them changes.
func (o *Options) set(n name, v int32) {
	all := make(map[name]int32, len(o.words)+1)
	for k, old := range o.words {
		all[k] = old
	}
	all[n] = v
	o.words = all
}

// ttl is what goes with a datagram.
func (s *Socket) ttl(to netip.Addr) int32 {
	n := name{levelIP, ipTTL}
	if to.Is6() {
		n = name{levelIPv6, ipv6Hops}
	}
	return s.get(n, words()[n])
}

// tellsErrors reports whether a socket that isn't connected hears that nobody is where it sends to.
func (s *Socket) tellsErrors() bool { return s.On(levelIP, ipRecvErr) || s.On(levelIPv6, ipv6RecvErr) }

// known gives an option that is a number, if the socket has it.
func (s *Socket) known(level, option int32) (w word, ok bool) {
	if level == levelIPv6 && !s.Six || level == levelTCP && s.Kind != socket.Stream {
		return w, false
	}
	w, ok = words()[name{level, option}]
	return w, ok
}

// Set is setsockopt(2) of the levels of IP, TCP and IPv6.
func (s *Socket) Set(level, option int32, b []byte) abi.Errno {
	v := int32(0)
	switch {
	case len(b) >= 4:
		v = int32(binary.LittleEndian.Uint32(b))
	case len(b) >= 1 && level == levelIP:
		v = int32(b[0])
	case level == levelTCP && option == tcpCongestion && len(b) > 0:
	case level == levelTCP && s.Kind == socket.Stream:
		return abi.EINVAL
	}
	switch (name{level, option}) {
	case name{levelIP, ipTOS}:
		if v &= 0xff; s.Kind == socket.Stream {
			v &^= 3 // explicit congestion notification's are TCP's own
		}
	case name{levelIPv6, ipv6Only}:
		if s.Six {
			if s.port != 0 || len(b) < 4 {
				return abi.EINVAL
			}
			s.OnlySix = v != 0
			return 0
		}
	case name{levelTCP, tcpCongestion}:
		return s.setCongestion(b)
	}
	if e, ok := s.multicast(level, option); ok {
		return e
	}
	w, ok := s.known(level, option)
	switch {
	case !ok:
		return abi.ENOPROTOOPT
	case w.kind != 0 && w.kind != s.Kind && level == levelIPv6:
		return abi.ENOPROTOOPT
	case w.kind != 0 && w.kind != s.Kind, level == levelIPv6 && len(b) < 4:
		return abi.EINVAL
	case w.flag && v != 0:
		v = 1
	case w.flag:
	case v == -1 && w.unset != 0:
		v = w.unset
	case v < w.least || v > w.most:
		return abi.EINVAL
	}
	if v == -1 && level == levelIPv6 { // the traffic class of nothing
		v = 0
	}
	s.set(name{level, option}, v)
	s.Changed()
	return 0
}
