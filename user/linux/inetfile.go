// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"encoding/binary"
	"net/netip"

	"loam/abi"
	"loam/user/linux/inet"
	"loam/user/linux/lx"
	"loam/user/linux/poll"
	"loam/user/linux/socket"
)

// inetFile is a socket of TCP or UDP.
type inetFile struct {
	*inet.Socket
	socketBase
}

func (s *Server) newInet(k *inet.Socket) *inetFile { return &inetFile{k, s.newBase()} }

// Protocols.
const (
	protocolICMP   = 1
	protocolICMPv6 = 58
	protocolTCP    = 6
	protocolUDP    = 17
	protocols      = 263
)

// inetKind checks the type and protocol of a socket of the internet's families. Nobody may have what others send
// (CAP_NET_RAW).
func inetKind(what uint32, protocol int32, six bool) (socket.Kind, abi.Errno) {
	const rdm = 4
	icmp := int32(protocolICMP)
	if six {
		icmp = protocolICMPv6
	}
	own := int32(protocolTCP)
	switch {
	case protocol < 0 || protocol >= protocols:
		return 0, abi.EINVAL
	case what == typeRaw && protocol != 0:
		return 0, abi.EPERM
	case what == uint32(socket.Datagram) && protocol == icmp:
		return 0, abi.EACCES
	case what == 0 || what == rdm || what > uint32(socket.Packet)-1 && what != typeRaw:
		return 0, abi.ESOCKTNOSUPPORT
	case what == uint32(socket.Datagram):
		own = protocolUDP
	}
	if what == typeRaw || protocol != 0 && protocol != own {
		return 0, abi.EPROTONOSUPPORT
	}
	return socket.Kind(what), 0
}

func (f *inetFile) failing() bool { return f.Failing() }

func (f *inetFile) kind() socket.Kind { return f.Kind }

// Listening reports whether it takes connections.
func (f *inetFile) Listening() bool { return f.State() == inet.Listen }

// Unsent is nothing: what was sent is at the other end at once.
func (f *inetFile) Unsent() int { return 0 }

func (f *inetFile) close() { f.Close() }

func (f *inetFile) read(_ *Server, b lx.Buffer) (int, abi.Errno) {
	if b.Len() == 0 {
		return 0, 0
	}
	if f.Kind == socket.Stream {
		return f.Receive(b, false, false)
	}
	n, _, e := f.ReceiveDatagram(b, false)
	return n, e
}

func (f *inetFile) write(_ *Server, b lx.Buffer) (int, abi.Errno) {
	if f.Kind == socket.Stream {
		return f.Send(b)
	}
	return f.SendDatagram(b, nil, netip.Addr{})
}

func (f *inetFile) bind(_ *Server, _ *task, a []byte) abi.Errno { return f.Bind(a) }

func (f *inetFile) listen(_ *task, backlog int32) abi.Errno { return f.Listen(backlog) }

func (f *inetFile) connect(s *Server, t *task, open *file, a []byte) uint64 {
	e := f.Connect(a, open.nonblock())
	if e == inet.Unknown {
		return s.waitForNetwork(t, open)
	}
	if e != lx.Wait {
		return fail(e)
	}
	result := s.sleep(t, open, sending, false, nil)
	if e, _ := abi.Failed(result); e == abi.EAGAIN { // the time is over (SO_SNDTIMEO)
		return abi.EINPROGRESS.Result()
	}
	return result
}

func (f *inetFile) accept(s *Server) (socketFile, abi.Errno) {
	c, e := f.Accept()
	if e != 0 {
		return nil, e
	}
	return s.newInet(c), 0
}

func (f *inetFile) name() []byte { return f.address(f.Bound()) }

func (f *inetFile) address(a netip.AddrPort) []byte { return inet.AppendAddress(nil, f.Six, a) }

func (f *inetFile) peer(accepted bool) ([]byte, abi.Errno) {
	a, connected := f.Remote(accepted)
	if !connected {
		return nil, abi.ENOTCONN
	}
	return f.address(a), 0
}

func (f *inetFile) shutdown(bits uint8) abi.Errno { return f.Shutdown(bits) }

func (f *inetFile) transmit(s *Server, t *task, b *span, flags uint32, h *msgHead) (n int, _ *poll.Queue, e abi.Errno) {
	var to []byte
	if h.nameLen > 0 {
		a, e := s.getAddress(t, h.name, uint64(h.nameLen))
		if e != 0 {
			return 0, nil, e
		}
		to = append(make([]byte, 0, mostAddress), a...)
	}
	if f.Kind == socket.Stream {
		if flags&msgOOB != 0 {
			return 0, nil, abi.ENOTSUP
		}
		if _, e := f.ancillary(s, t, h); e != 0 {
			return 0, nil, e
		}
		n, e = f.Send(b)
		return n, nil, e
	}
	if flags&msgOOB != 0 {
		return 0, nil, abi.ENOTSUP
	}
	own, e := f.ancillary(s, t, h)
	if e == 0 {
		n, e = f.SendDatagram(b, to, own)
	}
	return n, nil, e
}

// Control messages of IP and IPv6.
const (
	levelIP        = 0
	levelIPv6      = 41
	ipTTL          = 2
	ipPacketInfo   = 8
	ipRecvTTL      = 12
	ipv6RecvInfo   = 49
	ipv6PacketInfo = 50
	ipv6RecvHops   = 51
	ipv6HopLimit   = 52
	infoSize4      = 12
	infoSize6      = 20
	loopbackIndex  = 1
)

// ancillary reads the control messages of one that is sent: of datagrams, the address that it is sent from.
func (f *inetFile) ancillary(s *Server, t *task, h *msgHead) (own netip.Addr, e abi.Errno) {
	e = s.eachControl(t, h, func(level, kind uint32, b []byte) abi.Errno {
		switch {
		case level == levelSocket && kind != scmRights && kind != scmCredentials:
			return abi.EINVAL
		case level == levelSocket || f.Kind == socket.Stream:
		case level == levelIP && kind == ipPacketInfo && len(b) == infoSize4:
			own = netip.AddrFrom4([4]byte(b[4:]))
		case level == levelIPv6 && kind == ipv6PacketInfo && f.Six && len(b) >= infoSize6:
			own = netip.AddrFrom16([16]byte(b)).Unmap()
		case level == levelIP && kind != ipTTL && kind != 1, level == levelIPv6 && f.Six && (kind < ipv6PacketInfo || kind > 67):
			return abi.EINVAL
		}
		return 0
	})
	if own == netip.IPv6Unspecified() {
		own = netip.Addr{}
	}
	if e == 0 && own.IsValid() && !own.IsUnspecified() && !s.inet.IsOwn(own) {
		return own, abi.EINVAL
	}
	return own, e
}

// msgErrQueue asks for errors that were told of a socket, which there are none.
const msgErrQueue = 0x2000

func (f *inetFile) receive(b lx.Buffer, flags uint32) (n int, r arrived, e abi.Errno) {
	peek := flags&msgPeek != 0
	switch {
	case flags&msgErrQueue != 0:
		return 0, r, abi.EAGAIN
	case f.Kind == socket.Datagram:
		n, r.inet, e = f.ReceiveDatagram(b, peek)
		r.Size, r.Whole = r.inet.Size, r.inet.Size <= n
		if e == 0 {
			r.from = f.address(r.inet.From)
		}
		return n, r, e
	case flags&msgOOB != 0 && f.State() == inet.Listen:
		return 0, r, abi.ENOTCONN
	case flags&msgOOB != 0:
		return 0, r, abi.EINVAL
	}
	drop := flags&msgTrunc != 0
	n, e = f.Receive(b, peek, drop)
	if to, ok := b.(*span); ok && drop {
		to.skip(n)
	}
	return n, r, e
}

// controls has where a datagram came to, if that was asked for.
func (f *inetFile) controls(_ *Server, _ *task, c *controlWriter, r *arrived, _ uint32) {
	if f.Kind == socket.Stream || !r.inet.To.IsValid() {
		return
	}
	le := binary.LittleEndian
	to := r.inet.To.Addr()
	index := le.AppendUint32(nil, loopbackIndex)
	if !f.Six || to.Is4() {
		if f.On(levelIP, ipPacketInfo) {
			as4 := to.As4()
			c.write(levelIP, ipPacketInfo, append(append(index, as4[:]...), as4[:]...))
		}
		if f.On(levelIP, ipRecvTTL) {
			c.write(levelIP, ipTTL, le.AppendUint32(nil, uint32(r.inet.TTL)))
		}
	}
	if !f.Six {
		return
	}
	if f.On(levelIPv6, ipv6RecvInfo) {
		as16 := to.As16()
		c.write(levelIPv6, ipv6PacketInfo, append(as16[:], index...))
	}
	if to.Is6() && f.On(levelIPv6, ipv6RecvHops) {
		c.write(levelIPv6, ipv6HopLimit, le.AppendUint32(nil, uint32(r.inet.TTL)))
	}
}

func (f *inetFile) option(level, which int32, room int) ([]byte, abi.Errno) {
	if level != levelSocket {
		return f.Get(level, which, room)
	}
	switch which {
	case soType:
		return optionWord(uint32(f.Kind)), 0
	case soError:
		return optionWord(uint32(f.TakeError())), 0
	case soSndBuf:
		return optionWord(uint32(f.SendBuffer)), 0
	case soRcvBuf:
		return optionWord(uint32(f.ReceiveBuffer)), 0
	case soReuseAddr:
		return optionFlag(f.Reuse), 0
	case soReusePort:
		return optionFlag(f.ReusePort), 0
	case soBroadcast:
		return optionFlag(f.Broadcast), 0
	case soKeepAlive:
		return optionFlag(f.KeepAlive), 0
	case soAcceptConn:
		return optionFlag(f.Listening()), 0
	case soRcvLowat:
		return optionWord(uint32(f.LeastReceived)), 0
	case soLinger:
		return append(optionFlag(f.Linger), optionWord(f.LingerTime)...), 0
	case soDomain:
		if f.Six {
			return optionWord(inet.FamilyIPv6), 0
		}
		return optionWord(inet.FamilyIPv4), 0
	case soProtocol:
		if f.Kind == socket.Datagram {
			return optionWord(protocolUDP), 0
		}
		return optionWord(protocolTCP), 0
	case soPassCred:
		return nil, abi.ENOTSUP
	case soPeerCred:
		return append(append(optionWord(0), optionWord(^uint32(0))...), optionWord(^uint32(0))...), 0
	}
	if b := f.socketBase.option(which); b != nil {
		return b, 0
	}
	return nil, abi.ENOPROTOOPT
}

func (f *inetFile) setOption(level, which int32, b []byte) abi.Errno {
	if level != levelSocket {
		return f.Set(level, which, b)
	}
	defer f.Changed()
	v := int32(binary.LittleEndian.Uint32(b))
	switch which {
	case soSndBuf, soSndBufForce:
		f.SetBuffer(true, v)
	case soRcvBuf, soRcvBufForce:
		f.SetBuffer(false, v)
	case soReuseAddr:
		f.Reuse = v != 0
	case soReusePort:
		f.ReusePort = v != 0
	case soBroadcast:
		f.Broadcast = v != 0
	case soKeepAlive:
		f.KeepAlive = v != 0
	case soRcvLowat:
		if v < 0 {
			v = 1<<31 - 1
		}
		f.LeastReceived = max(int(v), 1)
	case soLinger:
		if len(b) < 8 {
			return abi.EINVAL
		}
		if f.Linger = v != 0; f.Linger {
			f.LingerTime = binary.LittleEndian.Uint32(b[4:])
		}
	case soPassCred:
		return abi.ENOTSUP
	default:
		return f.socketBase.setOption(which, b)
	}
	return 0
}
