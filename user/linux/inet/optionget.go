// SPDX-License-Identifier: Apache-2.0

package inet

import (
	"bytes"
	"encoding/binary"

	"loam/abi"
	"loam/user/linux/socket"
)

// Get is getsockopt(2) of the levels of IP, TCP and IPv6, for who has room for so many bytes.
func (s *Socket) Get(level, option int32, room int) ([]byte, abi.Errno) {
	v := int32(0)
	switch (name{level, option}) {
	case name{levelTCP, tcpInfo}:
		if s.Kind == socket.Stream {
			return s.info(room), 0
		}
	case name{levelTCP, tcpCongestion}:
		if s.Kind == socket.Stream {
			return append([]byte(congestion), make([]byte, 16-len(congestion))...)[:min(room, 16)], 0
		}
	}
	w, ok := s.known(level, option)
	switch {
	case level == levelIPv6 && option == ipv6Only && s.Six:
		if s.OnlySix {
			v = 1
		}
	case level == levelTCP && option == tcpMaxSegment && s.Kind == socket.Stream:
		v = s.segment()
	case !ok && !s.Six && (level == levelIPv6 || level == levelTCP && s.Kind != socket.Stream):
		return nil, abi.ENOTSUP
	case !ok:
		return nil, abi.ENOPROTOOPT
	default:
		v = s.get(name{level, option}, w)
	}
	if w.small && room > 0 && room < 4 && v >= 0 && v <= 255 {
		return []byte{byte(v)}, 0
	}
	b := binary.LittleEndian.AppendUint32(nil, uint32(v))
	return b[:min(room, len(b))], 0
}

// congestion is the one control of congestion that there is, where there can be none.
const congestion = "cubic"

func (s *Socket) setCongestion(b []byte) abi.Errno {
	if s.Kind != socket.Stream {
		return abi.ENOPROTOOPT
	}
	asked, _, _ := bytes.Cut(b[:min(len(b), 15)], []byte{0})
	if string(asked) != congestion && string(asked) != "reno" {
		return abi.ENOENT
	}
	return 0
}

// segment is TCP_MAXSEG.
func (s *Socket) segment() int32 {
	if s.state == Closed || s.state == Listen {
		return 536
	}
	return loopbackSegment
}

// info is struct tcp_info, as far as there is something to tell.
func (s *Socket) info(room int) []byte {
	const retransmit, mtu, rtt = 200_000, 65_536, 10 // us, bytes, us
	b := make([]byte, infoSize)
	b[0] = byte(s.state)
	set := func(at int, v uint32) { binary.LittleEndian.PutUint32(b[at:], v) }
	if s.state == Listen {
		set(24, uint32(len(s.accepted)))
		set(28, uint32(s.backlog))
		return b[:min(room, len(b))]
	}
	set(8, retransmit)
	set(16, uint32(s.segment()))
	set(20, 536)
	set(60, mtu)
	set(68, rtt)
	set(72, rtt/2)
	set(76, 1<<31-1) // no slow start's end
	set(80, 10)
	set(84, uint32(s.segment()))
	set(88, 3)
	return b[:min(room, len(b))]
}

// Options of multicast, which there isn't.
const (
	ipMulticastIf, ipJoin, ipLeave, ipJoinGroup, ipLeaveGroup = 32, 35, 36, 42, 45
	ipv6MulticastIf, ipv6Join, ipv6Leave                      = 17, 20, 21
)

// multicast answers options that are about it: no interface has any.
func (s *Socket) multicast(level, option int32) (e abi.Errno, is bool) {
	if level == levelIPv6 && !s.Six {
		return 0, false
	}
	switch (name{level, option}) {
	case name{levelIP, ipJoin}, name{levelIP, ipJoinGroup}, name{levelIPv6, ipv6Join}, name{levelIPv6, ipJoinGroup},
		name{levelIPv6, ipv6MulticastIf}:
		return abi.ENODEV, true
	case name{levelIP, ipLeave}, name{levelIP, ipLeaveGroup}, name{levelIPv6, ipv6Leave}, name{levelIPv6, ipLeaveGroup},
		name{levelIP, ipMulticastIf}:
		return abi.EADDRNOTAVAIL, true
	}
	return 0, false
}
