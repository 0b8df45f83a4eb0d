// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"encoding/binary"

	"loam/abi"
)

// Level and options of getsockopt(2) and setsockopt(2).
const (
	levelSocket = 1

	soDebug      = 1
	soReuseAddr  = 2
	soType       = 3
	soError      = 4
	soDontRoute  = 5
	soBroadcast  = 6
	soSndBuf     = 7
	soRcvBuf     = 8
	soKeepAlive  = 9
	soOOBInline  = 10
	soPriority   = 12
	soLinger     = 13
	soReusePort  = 15
	soPassCred   = 16
	soPeerCred   = 17
	soRcvLowat   = 18
	soSndLowat   = 19
	soRcvTimeo   = 20
	soSndTimeo   = 21
	soTimestamp  = 29
	soAcceptConn = 30
	soProtocol   = 38
	soDomain     = 39
)

const receiveBuffer = 212_992 // net.core.rmem_default

// sysGetsockopt: socket, level, option, room for the value, its length.
func sysGetsockopt(s *Server, t *task) uint64 {
	_, k, e := s.socketOf(t, t.Args[0])
	switch {
	case e != 0:
		return fail(e)
	case int32(t.Args[1]) != levelSocket:
		return abi.ENOTSUP.Result()
	}
	room, e := s.roomAt(t, t.Args[4])
	if e != 0 {
		return fail(e)
	}
	b := k.option(int32(t.Args[2]))
	if b == nil {
		return abi.ENOPROTOOPT.Result()
	}
	b = b[:min(room, len(b))]
	return s.putPart(t, b, len(b), t.Args[3], t.Args[4])
}

// option gives the value of an option, nil: there is none.
func (k *socketFile) option(which int32) []byte {
	le := binary.LittleEndian
	word := func(v uint32) []byte { return le.AppendUint32(nil, v) }
	flag := func(on bool) []byte {
		if on {
			return word(1)
		}
		return word(0)
	}
	switch which {
	case soType:
		return word(uint32(k.Kind))
	case soError:
		v := k.Error
		k.Error = 0
		return word(uint32(v))
	case soSndBuf:
		return word(uint32(k.Limit))
	case soRcvBuf:
		return word(receiveBuffer)
	case soPassCred:
		return flag(k.passCred)
	case soReuseAddr:
		return flag(k.reuse)
	case soAcceptConn:
		return flag(k.Listening())
	case soDomain:
		return word(familyUnix)
	case soDebug, soDontRoute, soBroadcast, soKeepAlive, soOOBInline, soPriority, soReusePort, soTimestamp, soProtocol:
		return word(0)
	case soRcvLowat, soSndLowat:
		return word(1)
	case soLinger:
		return append(word(k.linger[0]), word(k.linger[1])...)
	case soPeerCred:
		c := k.Socket.Peer
		return append(append(word(uint32(c.PID)), word(c.UID)...), word(c.GID)...)
	case soRcvTimeo, soSndTimeo:
		v := k.timeouts[which-soRcvTimeo]
		return le.AppendUint64(le.AppendUint64(nil, uint64(v/1e9)), uint64(v%1e9/1000))
	}
	return nil
}

// sysSetsockopt: socket, level, option, value, its length.
func sysSetsockopt(s *Server, t *task) uint64 {
	_, k, e := s.socketOf(t, t.Args[0])
	n := int32(t.Args[4])
	switch {
	case e != 0:
		return fail(e)
	case n < 0:
		return abi.EINVAL.Result()
	case int32(t.Args[1]) != levelSocket:
		return abi.ENOTSUP.Result()
	case n < 4:
		return abi.EINVAL.Result()
	}
	b := s.scratch[:min(n, 16)]
	if !s.get(t, t.Args[3], b) {
		return abi.EFAULT.Result()
	}
	return fail(k.setOption(int32(t.Args[2]), b))
}

func (k *socketFile) setOption(which int32, b []byte) abi.Errno {
	le := binary.LittleEndian
	v := int32(le.Uint32(b))
	const leastBuffer, mostBuffer = 4608, 212_992
	switch which {
	case soSndBuf:
		k.Limit = max(2*int(min(uint32(v), mostBuffer)), leastBuffer)
	case soPassCred:
		k.passCred = v != 0
	case soReuseAddr:
		k.reuse = v != 0
	case soDebug, soDontRoute, soBroadcast, soKeepAlive, soOOBInline, soPriority, soTimestamp, soRcvBuf, soRcvLowat:
	case soReusePort:
		return abi.ENOTSUP
	case soLinger:
		if len(b) < 8 {
			return abi.EINVAL
		}
		k.linger = [2]uint32{le.Uint32(b), le.Uint32(b[4:])}
	case soRcvTimeo, soSndTimeo:
		if len(b) < 16 {
			return abi.EINVAL
		}
		sec, usec := int64(le.Uint64(b)), int64(le.Uint64(b[8:]))
		if usec < 0 || usec >= 1_000_000 {
			return abi.EDOM
		}
		k.timeouts[which-soRcvTimeo] = max(0, min(sec, 1<<32))*1e9 + usec*1000
	default:
		return abi.ENOPROTOOPT
	}
	return 0
}
