// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"encoding/binary"

	"loam/abi"
)

// prctl(2), as far as it is about other processes; and capabilities, of which user 0 has all.

// sysPrctl: request, arguments.
func sysPrctl(s *Server, t *task) uint64 {
	switch t.Args[0] {
	case abi.PR_SET_PDEATHSIG:
		signal := abi.Signal(int32(t.Args[1]))
		if signal != 0 && !signal.Valid() {
			return abi.EINVAL.Result()
		}
		t.p.deathSignal = signal
		return 0
	case abi.PR_GET_PDEATHSIG:
		return s.put(t, t.Args[1], le32(uint32(t.p.deathSignal)))
	case abi.PR_SET_CHILD_SUBREAPER:
		t.p.reaper = t.Args[1] != 0
		return 0
	case abi.PR_GET_CHILD_SUBREAPER:
		v := uint32(0)
		if t.p.reaper {
			v = 1
		}
		return s.put(t, t.Args[1], le32(v))
	}
	return abi.EINVAL.Result()
}

// Versions of the header of capget(2), and how many structures follow each.
var capVersions = map[uint32]int{0x1998_0330: 1, 0x2007_1026: 2, 0x2008_0522: 2}

// allCaps are the capabilities that Linux has.
const allCaps = uint64(1<<41 - 1)

// sysCapget: header, data.
func sysCapget(s *Server, t *task) uint64 {
	n, pid, e := s.capHeader(t)
	switch {
	case e != 0:
		return fail(e)
	case pid != 0 && s.byPID[pid] == nil:
		return abi.ESRCH.Result()
	}
	b := s.scratch[:12*n]
	for i := range n {
		word := uint32(allCaps >> (32 * i) & 0xffff_ffff)
		binary.LittleEndian.PutUint32(b[12*i:], word)
		binary.LittleEndian.PutUint32(b[12*i+4:], word)
		binary.LittleEndian.PutUint32(b[12*i+8:], 0)
	}
	return s.put(t, t.Args[1], b)
}

// sysCapset changes nothing.
func sysCapset(s *Server, t *task) uint64 {
	n, pid, e := s.capHeader(t)
	switch {
	case e != 0:
		return fail(e)
	case pid != 0 && pid != t.p.pid:
		return abi.EPERM.Result()
	case !s.get(t, t.Args[1], s.scratch[:12*n]):
		return abi.EFAULT.Result()
	}
	return 0
}

// capHeader reads the header. One of another version gets the one that is known.
func (s *Server) capHeader(t *task) (n int, pid int32, e abi.Errno) {
	b := s.scratch[:8]
	if !s.get(t, t.Args[0], b) {
		return 0, 0, abi.EFAULT
	}
	n, ok := capVersions[binary.LittleEndian.Uint32(b)]
	pid = int32(binary.LittleEndian.Uint32(b[4:]))
	switch {
	case !ok:
		if r := s.put(t, t.Args[0], le32(0x2008_0522)); r != 0 {
			return 0, 0, abi.EFAULT
		}
		return 0, 0, abi.EINVAL
	case pid < 0:
		return 0, 0, abi.EINVAL
	}
	return n, pid, 0
}
