// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"encoding/binary"
	"testing"

	"loam/abi"
)

func TestPutSignalfd(t *testing.T) {
	const pid, uid = 7, 9
	both := uint64(pid | uid<<32)
	for _, c := range []struct {
		info abi.Siginfo
		want map[int]uint32
	}{
		{abi.SentInfo(abi.SIGTERM, abi.SI_USER, pid, uid), map[int]uint32{sfdPID: pid, sfdUID: uid}},
		{abi.SentInfo(abi.SIGCHLD, abi.SI_USER, pid, uid), map[int]uint32{sfdPID: pid, sfdUID: uid}},
		{abi.Siginfo{Signo: abi.SIGTERM, Code: -1, A: both, B: 1<<32 | 5}, map[int]uint32{sfdPID: pid, sfdUID: uid, sfdInt: 5, sfdPtr: 5, sfdPtr + 4: 1}},
		{abi.Siginfo{Signo: abi.SIGCHLD, Code: abi.CLD_KILLED, A: both, B: 11}, map[int]uint32{sfdPID: pid, sfdUID: uid, sfdStatus: 11}},
		{abi.Siginfo{Signo: abi.SIGUSR1, Code: abi.CLD_EXITED, A: both, B: 11}, map[int]uint32{sfdBand: pid, sfdFD: 11}},
		{abi.Siginfo{Signo: abi.SIGSEGV, Code: 1, A: 1<<32 | 2}, map[int]uint32{sfdAddr: 2, sfdAddr + 4: 1}},
		{abi.Siginfo{Signo: abi.SIGALRM, Code: abi.SI_TIMER, A: 3 | 4<<32, B: 5}, map[int]uint32{sfdTID: 3, sfdOverrun: 4, sfdInt: 5, sfdPtr: 5}},
		{abi.Siginfo{Signo: abi.SIGHUP, Code: abi.SI_KERNEL}, nil},
	} {
		var b [signalfdSize]byte
		for i := range b {
			b[i] = 0xee
		}
		putSignalfd(b[:], c.info)
		for at := 0; at < signalfdSize; at += 4 {
			want := c.want[at]
			switch at {
			case sfdSigno:
				want = uint32(c.info.Signo)
			case sfdCode:
				want = uint32(c.info.Code)
			}
			if got := binary.LittleEndian.Uint32(b[at:]); got != want {
				t.Errorf("%+v: %d at %d, want %d", c.info, got, at, want)
			}
		}
	}
}
