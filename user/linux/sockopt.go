// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"encoding/binary"

	"loam/abi"
)

// Level and options of getsockopt(2) and setsockopt(2).
const (
	levelSocket = 1

	soDebug       = 1
	soReuseAddr   = 2
	soType        = 3
	soError       = 4
	soDontRoute   = 5
	soBroadcast   = 6
	soSndBuf      = 7
	soRcvBuf      = 8
	soKeepAlive   = 9
	soOOBInline   = 10
	soPriority    = 12
	soLinger      = 13
	soReusePort   = 15
	soPassCred    = 16
	soPeerCred    = 17
	soRcvLowat    = 18
	soSndLowat    = 19
	soRcvTimeo    = 20
	soSndTimeo    = 21
	soTimestamp   = 29
	soAcceptConn  = 30
	soSndBufForce = 32
	soRcvBufForce = 33
	soMark        = 36
	soProtocol    = 38
	soDomain      = 39
)

const receiveBuffer = 212_992 // net.core.rmem_default

// sysGetsockopt: socket, level, option, room for the value, its length.
func sysGetsockopt(s *Server, t *task) uint64 {
	_, k, e := s.socketOf(t, t.Args[0])
	switch {
	case e != 0:
		return fail(e)
	case int32(t.Args[1]) != levelSocket && isUnix(k):
		return abi.ENOTSUP.Result()
	}
	room, e := s.roomAt(t, t.Args[4])
	if e != 0 {
		return fail(e)
	}
	b, e := k.option(int32(t.Args[1]), int32(t.Args[2]), room)
	if e != 0 {
		return fail(e)
	}
	b = b[:min(room, len(b))]
	return s.putPart(t, b, len(b), t.Args[3], t.Args[4])
}

// optionWord and optionFlag are values of options.
func optionWord(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }

func optionFlag(on bool) []byte {
	if on {
		return optionWord(1)
	}
	return optionWord(0)
}

// isUnix reports whether a socket is one of no protocol with options.
func isUnix(k socketFile) bool {
	_, unix := k.(*unixFile)
	return unix
}

// option gives the value of an option that all sockets have alike, nil: there is none.
func (b *socketBase) option(which int32) []byte {
	switch which {
	case soDebug, soDontRoute, soOOBInline, soPriority, soTimestamp, soMark:
		return optionWord(0)
	case soSndLowat:
		return optionWord(1)
	case soRcvTimeo, soSndTimeo:
		v := b.timeouts[which-soRcvTimeo]
		le := binary.LittleEndian
		return le.AppendUint64(le.AppendUint64(nil, uint64(v/1e9)), uint64(v%1e9/1000))
	}
	return nil
}

func (f *unixFile) option(_, which int32, _ int) ([]byte, abi.Errno) {
	switch which {
	case soType:
		return optionWord(uint32(f.Kind)), 0
	case soError:
		v := f.Error
		f.Error = 0
		return optionWord(uint32(v)), 0
	case soSndBuf:
		return optionWord(uint32(f.Limit)), 0
	case soRcvBuf:
		return optionWord(receiveBuffer), 0
	case soPassCred:
		return optionFlag(f.passCred), 0
	case soReuseAddr:
		return optionFlag(f.reuse), 0
	case soAcceptConn:
		return optionFlag(f.Listening()), 0
	case soDomain:
		return optionWord(familyUnix), 0
	case soBroadcast, soKeepAlive, soReusePort, soProtocol:
		return optionWord(0), 0
	case soRcvLowat:
		return optionWord(1), 0
	case soLinger:
		return append(optionWord(f.linger[0]), optionWord(f.linger[1])...), 0
	case soPeerCred:
		c := f.Socket.Peer
		return append(append(optionWord(uint32(c.PID)), optionWord(c.UID)...), optionWord(c.GID)...), 0
	}
	if b := f.socketBase.option(which); b != nil {
		return b, 0
	}
	return nil, abi.ENOPROTOOPT
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
	case int32(t.Args[1]) != levelSocket && isUnix(k):
		return abi.ENOTSUP.Result()
	case n < 4 && int32(t.Args[1]) == levelSocket:
		return abi.EINVAL.Result()
	}
	b := s.scratch[:min(n, 16)]
	if !s.get(t, t.Args[3], b) {
		return abi.EFAULT.Result()
	}
	return fail(k.setOption(int32(t.Args[1]), int32(t.Args[2]), b))
}

// setOption sets an option that all sockets have alike.
func (b *socketBase) setOption(which int32, v []byte) abi.Errno {
	switch which {
	case soDebug, soDontRoute, soOOBInline, soPriority, soTimestamp, soMark:
	case soRcvTimeo, soSndTimeo:
		if len(v) < 16 {
			return abi.EINVAL
		}
		sec, usec := int64(binary.LittleEndian.Uint64(v)), int64(binary.LittleEndian.Uint64(v[8:]))
		if usec < 0 || usec >= 1_000_000 {
			return abi.EDOM
		}
		b.timeouts[which-soRcvTimeo] = max(0, min(sec, 1<<32))*1e9 + usec*1000
	default:
		return abi.ENOPROTOOPT
	}
	return 0
}

func (f *unixFile) setOption(_, which int32, b []byte) abi.Errno {
	le := binary.LittleEndian
	v := int32(le.Uint32(b))
	const leastBuffer, mostBuffer = 4608, 212_992
	switch which {
	case soSndBuf:
		f.Limit = max(2*int(min(uint32(v), mostBuffer)), leastBuffer)
	case soPassCred:
		f.passCred = v != 0
	case soReuseAddr:
		f.reuse = v != 0
	case soBroadcast, soKeepAlive, soRcvBuf, soRcvLowat:
	case soReusePort:
		return abi.ENOTSUP
	case soLinger:
		if len(b) < 8 {
			return abi.EINVAL
		}
		f.linger = [2]uint32{le.Uint32(b), le.Uint32(b[4:])}
	default:
		return f.socketBase.setOption(which, b)
	}
	return 0
}
