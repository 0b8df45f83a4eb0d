// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package linux

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"loam/abi"
	"loam/user/linux/lx"
)

// TestDifferLocks makes calls of chance about locks of parts of files: of a process and of open files.
func TestDifferLocks(t *testing.T) {
	differSeeds(t, 60, 12, 400, func(d *differ, w *world) {
		empty(w)
		d.steps = slices.Concat(differSteps, slices.Repeat([]func(*differ) bool{stepLock}, 60))
	})
}

func stepLock(d *differ) bool {
	commands := []uint64{abi.F_SETLK, abi.F_SETLK, abi.F_GETLK, lx.F_OFD_SETLK, lx.F_OFD_SETLK, lx.F_OFD_GETLK}
	command := commands[d.r.IntN(len(commands))]
	kind := uint16([]int{lockRead, lockWrite, lockFree, lockRead, lockWrite, lockFree, 3}[d.r.IntN(7)])
	i := d.slot()
	if d.kind[i.v] == 'e' || d.kind[i.v] == 'v' { // which have one inode, with the other tests' too
		return true
	}
	whence := uint16(d.r.IntN(13) / 4)
	if whence == abi.SEEK_CUR && d.kind[i.v] != 'r' { // a directory's position isn't the same
		whence = 0
	}
	start, n := uint64(d.r.IntN(60)), uint64(d.r.IntN(30))
	switch d.r.IntN(12) {
	case 0:
		start -= 30
	case 1:
		n -= 30
	case 2:
		start = 1<<63 - 1
	}
	pid := uint32(d.r.IntN(12) / 11)
	for _, s := range []*side{&d.ours, &d.host} {
		b := s.memory[dataAt : dataAt+lx.FlockSize]
		clear(b)
		le := binary.LittleEndian
		le.PutUint16(b, kind)
		le.PutUint16(b[2:], whence)
		le.PutUint64(b[8:], start)
		le.PutUint64(b[16:], n)
		le.PutUint32(b[24:], pid)
	}
	d.log = append(d.log, fmt.Sprintf("  lock %d whence %d from %d length %d", kind, whence, int64(start), int64(n)))
	_, _, ok := d.same(lx.SysFcntl, i, num(command), mem(dataAt))
	for _, s := range []*side{&d.ours, &d.host} {
		if p := s.memory[dataAt+24:]; int32(binary.LittleEndian.Uint32(p)) > 0 {
			binary.LittleEndian.PutUint32(p, 1)
		}
	}
	return ok && d.memorySame(dataAt, lx.FlockSize)
}
