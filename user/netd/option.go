// SPDX-License-Identifier: Apache-2.0

package netd

import (
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"

	"loam/abi"
	"loam/user/sockets"
)

// flags are options that are on or off.
var flags = map[uint8]struct {
	set func(o *tcpip.SocketOptions, on bool)
	get func(o *tcpip.SocketOptions) bool
}{
	sockets.ReuseAddress: {(*tcpip.SocketOptions).SetReuseAddress, (*tcpip.SocketOptions).GetReuseAddress},
	sockets.ReusePort:    {(*tcpip.SocketOptions).SetReusePort, (*tcpip.SocketOptions).GetReusePort},
	sockets.Broadcast:    {(*tcpip.SocketOptions).SetBroadcast, (*tcpip.SocketOptions).GetBroadcast},
	sockets.KeepAlive:    {(*tcpip.SocketOptions).SetKeepAlive, (*tcpip.SocketOptions).GetKeepAlive},
	sockets.OnlyIPv6:     {(*tcpip.SocketOptions).SetV6Only, (*tcpip.SocketOptions).GetV6Only},
	sockets.Cork:         {(*tcpip.SocketOptions).SetCorkOption, (*tcpip.SocketOptions).GetCorkOption},
	sockets.NoDelay: {
		func(o *tcpip.SocketOptions, on bool) { o.SetDelayOption(!on) },
		func(o *tcpip.SocketOptions) bool { return !o.GetDelayOption() },
	},
}

// numbers are options that the stack has as numbers, the same for the client.
var numbers = map[uint8]tcpip.SockOptInt{
	sockets.TTL:              tcpip.IPv4TTLOption,
	sockets.HopLimit:         tcpip.IPv6HopLimitOption,
	sockets.TypeOfService:    tcpip.IPv4TOSOption,
	sockets.TrafficClass:     tcpip.IPv6TrafficClassOption,
	sockets.KeepAliveCount:   tcpip.KeepaliveCountOption,
	sockets.MaxSegment:       tcpip.MaxSegOption,
	sockets.ReceiveQueueSize: tcpip.ReceiveQueueSizeOption,
}

// setOption sets an option.
func (k *socket) setOption(option uint8, value int64) error {
	o := k.end.SocketOptions()
	if f, ok := flags[option]; ok {
		f.set(o, value != 0)
		return nil
	}
	if n, ok := numbers[option]; ok {
		if value < -1 || value > 1<<30 {
			return abi.EINVAL
		}
		return errnoOf(k.end.SetSockOptInt(n, int(value)))
	}
	if value < 0 {
		return abi.EINVAL
	}
	switch option {
	case sockets.SendBuffer:
		k.setBuffer(&k.sending, value, o.SetSendBufferSize)
	case sockets.ReceiveBuffer:
		k.setBuffer(&k.coming, value, o.SetReceiveBufferSize)
	case sockets.Linger:
		o.SetLinger(tcpip.LingerOption{Enabled: value > 0, Timeout: time.Duration(max(value-1, 0))})
	case sockets.KeepAliveIdle:
		v := tcpip.KeepaliveIdleOption(value)
		return errnoOf(k.end.SetSockOpt(&v))
	case sockets.KeepAliveInterval:
		v := tcpip.KeepaliveIntervalOption(value)
		return errnoOf(k.end.SetSockOpt(&v))
	case sockets.UserTimeout:
		v := tcpip.TCPUserTimeoutOption(value)
		return errnoOf(k.end.SetSockOpt(&v))
	default:
		return abi.ENOPROTOOPT
	}
	return nil
}

// option gives an option.
func (k *socket) option(option uint8) (int64, error) {
	o := k.end.SocketOptions()
	if f, ok := flags[option]; ok {
		if f.get(o) {
			return 1, nil
		}
		return 0, nil
	}
	if n, ok := numbers[option]; ok {
		v, err := k.end.GetSockOptInt(n)
		return int64(v), errnoOf(err)
	}
	switch option {
	case sockets.SendBuffer:
		return o.GetSendBufferSize(), nil
	case sockets.ReceiveBuffer:
		return o.GetReceiveBufferSize(), nil
	case sockets.Linger:
		l := o.GetLinger()
		if !l.Enabled {
			return 0, nil
		}
		return int64(l.Timeout) + 1, nil
	case sockets.KeepAliveIdle:
		var v tcpip.KeepaliveIdleOption
		err := k.end.GetSockOpt(&v)
		return int64(v), errnoOf(err)
	case sockets.KeepAliveInterval:
		var v tcpip.KeepaliveIntervalOption
		err := k.end.GetSockOpt(&v)
		return int64(v), errnoOf(err)
	case sockets.UserTimeout:
		var v tcpip.TCPUserTimeoutOption
		err := k.end.GetSockOpt(&v)
		return int64(v), errnoOf(err)
	}
	return 0, abi.ENOPROTOOPT
}
