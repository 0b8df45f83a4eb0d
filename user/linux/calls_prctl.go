// SPDX-License-Identifier: Apache-2.0

package linux

import "loam/abi"

// prctl(2), as far as it is about other processes.

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
