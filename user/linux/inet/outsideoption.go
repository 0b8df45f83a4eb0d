// SPDX-License-Identifier: Apache-2.0

package inet

import (
	"context"

	"loam/user/linux/socket"
	"loam/user/sockets"
)

// settings are the values of options that mean something beyond the sandbox, in the order of pushed.
type settings [len(pushed)]int64

const (
	second      = 1_000_000_000
	millisecond = 1_000_000
)

// pushed says which options the server is told of: by the number that it has there, and by level and number here,
// or neither for those that are fields of Options.
var pushed = [...]struct {
	there  uint8
	here   name
	times  int64
	stream bool // only streams have it
	six    bool // only sockets of IPv6 have it
}{
	{there: sockets.KeepAlive},
	{there: sockets.Broadcast},
	{there: sockets.OnlyIPv6, six: true},
	{there: sockets.SendBuffer},
	{there: sockets.ReceiveBuffer},
	{there: sockets.NoDelay, here: name{levelTCP, 1}, times: 1, stream: true},
	{there: sockets.Cork, here: name{levelTCP, 3}, times: 1, stream: true},
	{there: sockets.KeepAliveIdle, here: name{levelTCP, 4}, times: second, stream: true},
	{there: sockets.KeepAliveInterval, here: name{levelTCP, 5}, times: second, stream: true},
	{there: sockets.KeepAliveCount, here: name{levelTCP, 6}, times: 1, stream: true},
	{there: sockets.UserTimeout, here: name{levelTCP, 18}, times: millisecond, stream: true},
	{there: sockets.TTL, here: name{levelIP, ipTTL}, times: 1},
	{there: sockets.TypeOfService, here: name{levelIP, ipTOS}, times: 1},
	{there: sockets.HopLimit, here: name{levelIPv6, ipv6Hops}, times: 1, six: true},
	{there: sockets.TrafficClass, here: name{levelIPv6, 67}, times: 1, six: true},
}

// setting gives a value as the server has it.
func (s *Socket) setting(i int) int64 {
	flag := func(on bool) int64 {
		if on {
			return 1
		}
		return 0
	}
	p := &pushed[i]
	switch p.there {
	case sockets.KeepAlive:
		return flag(s.KeepAlive)
	case sockets.Broadcast:
		return flag(s.Broadcast)
	case sockets.OnlyIPv6:
		return flag(s.OnlySix)
	case sockets.SendBuffer:
		return int64(s.SendBuffer)
	case sockets.ReceiveBuffer:
		return int64(s.ReceiveBuffer)
	}
	return int64(s.words[p.here]) * p.times // 0: as it is at first
}

// atFirst gives the values that a socket has which was just made.
func (s *Socket) atFirst() (all settings) {
	o := defaults(s.Kind)
	for i, p := range pushed {
		switch p.there {
		case sockets.SendBuffer:
			all[i] = int64(o.SendBuffer)
		case sockets.ReceiveBuffer:
			all[i] = int64(o.ReceiveBuffer)
		}
	}
	return all
}

// Changed tells the server of options that aren't there as they are here. One that it refuses is kept here alone.
func (s *Socket) Changed() {
	if !s.there() {
		return
	}
	for i := range pushed {
		v := s.setting(i)
		if v == s.pushed[i] || pushed[i].stream && s.Kind != socket.Stream || pushed[i].six && !s.Six {
			continue
		}
		s.pushed[i] = v
		s.host.ask(func(ctx context.Context, server sockets.Sockets, session uint64) error {
			return server.SetOption(ctx, session, s.at(), pushed[i].there, v)
		})
	}
}
