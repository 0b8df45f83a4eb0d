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
	all, known := s.inet.Interfaces()
	if !known {
		return s.waitForNetwork(t, nil)
	}
	for _, i := range all {
		switch {
		case request == siocGIFName && binary.LittleEndian.Uint32(b[ifNameSize:]) == i.Index:
			clear(b[:ifNameSize])
			copy(b, i.Name)
			return s.put(t, arg, b)
		case request == siocGIFName || interfaceName(b) != i.Name:
		case !fillInterface(b[ifNameSize:], i, request):
			return abi.EADDRNOTAVAIL.Result()
		default:
			return s.put(t, arg, b)
		}
	}
	return abi.ENODEV.Result()
}

func interfaceName(b []byte) string {
	for i, c := range b[:ifNameSize] {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b[:ifNameSize-1])
}

// address4 gives the interface's first address of IPv4, if it has one.
func address4(i *inet.Interface) (p netip.Prefix, ok bool) {
	for _, p := range i.Addresses {
		if p.Addr().Is4() {
			return p, true
		}
	}
	return p, false
}

// fillInterface writes what is asked for. false: it is an address, and there is none.
func fillInterface(b []byte, i *inet.Interface, request uint32) bool {
	le := binary.LittleEndian
	address := func(a netip.Addr) { copy(b, inet.AppendAddress(nil, false, netip.AddrPortFrom(a, 0))) }
	p, ok := address4(i)
	if !ok && (request == siocGIFAddr || request == siocGIFBrdAddr || request == siocGIFNetmask) {
		return false
	}
	switch request {
	case siocGIFFlags:
		le.PutUint16(b, uint16(i.Flags))
	case siocGIFAddr:
		address(p.Addr())
	case siocGIFBrdAddr:
		if address(netip.IPv4Unspecified()); !p.Addr().IsLoopback() {
			address(inet.Broadcast(p))
		}
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
	return true
}

// interfaceList is SIOCGIFCONF: the interfaces that have an address of IPv4, into struct ifconf's room, if it has any.
func (s *Server) interfaceList(t *task, arg uint64) uint64 {
	var conf [16]byte // length, 4 bytes of nothing, address
	if !s.get(t, arg, conf[:]) {
		return abi.EFAULT.Result()
	}
	room, to := int32(binary.LittleEndian.Uint32(conf[:])), binary.LittleEndian.Uint64(conf[8:])
	all, known := s.inet.Interfaces()
	if !known {
		return s.waitForNetwork(t, nil)
	}
	var list []byte
	for _, i := range all {
		b := make([]byte, ifReqSize)
		copy(b, i.Name)
		if fillInterface(b[ifNameSize:], i, siocGIFAddr) {
			list = append(list, b...)
		}
	}
	if to != 0 {
		list = list[:min(len(list), int(max(room, 0))/ifReqSize*ifReqSize)]
		if len(list) > 0 {
			if bad := s.put(t, to, list); bad != 0 {
				return bad
			}
		}
	}
	return s.put(t, arg, optionWord(uint32(len(list))))
}
