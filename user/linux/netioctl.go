// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"encoding/binary"
	"net/netip"

	"loam/abi"
	"loam/user/linux/inet"
	"loam/user/linux/lx"
	"loam/user/linux/socket"
)

// Requests of ioctl(2) about interfaces, netdevice(7).
const (
	siocAtMark     = 0x8905
	siocGIFName    = 0x8910
	siocGIFConf    = 0x8912
	siocGIFFlags   = 0x8913
	siocGIFAddr    = 0x8915
	siocGIFBrdAddr = 0x8919
	siocGIFNetmask = 0x891b
	siocGIFMetric  = 0x891d
	siocGIFMTU     = 0x8921
	siocGIFHWAddr  = 0x8927
	siocGIFIndex   = 0x8933
	siocGIFTxQLen  = 0x8942

	ifNameSize = 16
	ifReqSize  = 40 // struct ifreq: a name, and 24 bytes of what is asked for
)

func (f *inetFile) ioctl(s *Server, t *task, request uint32, arg uint64) uint64 {
	if request == lx.TIOCOUTQ || request == siocAtMark && f.Kind == socket.Stream {
		if f.Listening() && request == lx.TIOCOUTQ {
			return abi.EINVAL.Result()
		}
		return s.put(t, arg, optionWord(0))
	}
	if !f.Six && (request == siocGIFAddr || request == siocGIFBrdAddr || request == siocGIFNetmask) {
		return s.askInterface(t, request, arg)
	}
	return s.interfaceIoctl(t, request, arg)
}

// interfaceIoctl answers requests about interfaces, which any socket may be asked for: addresses are only told by
// those of IPv4.
func (s *Server) interfaceIoctl(t *task, request uint32, arg uint64) uint64 {
	switch request {
	case siocGIFConf:
		return s.interfaceList(t, arg)
	case siocGIFName, siocGIFFlags, siocGIFMetric, siocGIFMTU, siocGIFHWAddr, siocGIFIndex, siocGIFTxQLen:
		return s.askInterface(t, request, arg)
	}
	return abi.ENOTTY.Result()
}

// askInterface answers a request whose argument is a struct ifreq.
func (s *Server) askInterface(t *task, request uint32, arg uint64) uint64 {
	b := make([]byte, ifReqSize)
	if !s.get(t, arg, b) {
		return abi.EFAULT.Result()
	}
	i := &inet.Loopback
	if request == siocGIFName {
		if binary.LittleEndian.Uint32(b[ifNameSize:]) != i.Index {
			return abi.ENODEV.Result()
		}
		clear(b[:ifNameSize])
		copy(b, i.Name)
		return s.put(t, arg, b)
	}
	if interfaceName(b) != i.Name {
		return abi.ENODEV.Result()
	}
	fillInterface(b[ifNameSize:], i, request)
	return s.put(t, arg, b)
}

func interfaceName(b []byte) string {
	for i, c := range b[:ifNameSize] {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b[:ifNameSize-1])
}

// fillInterface writes what is asked for.
func fillInterface(b []byte, i *inet.Interface, request uint32) {
	le := binary.LittleEndian
	address := func(a netip.Addr) { copy(b, inet.AppendAddress(nil, false, netip.AddrPortFrom(a, 0))) }
	p := i.Addresses[0]
	switch request {
	case siocGIFFlags:
		le.PutUint16(b, uint16(i.Flags))
	case siocGIFAddr:
		address(p.Addr())
	case siocGIFBrdAddr:
		address(netip.IPv4Unspecified())
	case siocGIFNetmask:
		var mask [4]byte
		binary.BigEndian.PutUint32(mask[:], ^uint32(0)<<(32-p.Bits()))
		address(netip.AddrFrom4(mask))
	case siocGIFMetric:
		le.PutUint32(b, 0)
	case siocGIFMTU:
		le.PutUint32(b, i.MTU)
	case siocGIFHWAddr:
		clear(b[:16])
		le.PutUint16(b, i.Type)
		copy(b[2:], i.Hardware[:])
	case siocGIFIndex:
		le.PutUint32(b, i.Index)
	case siocGIFTxQLen:
		le.PutUint32(b, i.Queue)
	}
}

// interfaceList is SIOCGIFCONF: the interfaces that have an address of IPv4, into struct ifconf's room, if it has any.
func (s *Server) interfaceList(t *task, arg uint64) uint64 {
	var conf [16]byte // length, 4 bytes of nothing, address
	if !s.get(t, arg, conf[:]) {
		return abi.EFAULT.Result()
	}
	room, to := int32(binary.LittleEndian.Uint32(conf[:])), binary.LittleEndian.Uint64(conf[8:])
	n := uint32(ifReqSize)
	if to != 0 {
		if n = 0; room >= ifReqSize {
			b := make([]byte, ifReqSize)
			copy(b, inet.Loopback.Name)
			fillInterface(b[ifNameSize:], &inet.Loopback, siocGIFAddr)
			if bad := s.put(t, to, b); bad != 0 {
				return bad
			}
			n = ifReqSize
		}
	}
	return s.put(t, arg, optionWord(n))
}
