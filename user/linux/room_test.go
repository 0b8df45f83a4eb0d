// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"testing"

	"loam/abi"
	"loam/user/linux/lx"
)

// TestKeptRoom: what fallocate keeps nobody else gets, and what it can't keep it doesn't begin.
func TestKeptRoom(t *testing.T) {
	w := newWorld(t)
	create := func(path string) uint64 {
		return w.call(lx.SysOpenat, here, w.put(0, path+"\x00"), abi.O_CREAT|abi.O_RDWR, 0o600)
	}
	a, b := create("/tmp/a"), create("/tmp/b")
	before := w.memory.Used()
	w.want(abi.ENOSPC, lx.SysFallocate, a, 0, 0, 65<<20)
	if used := w.memory.Used(); used != before {
		t.Fatalf("a call that failed has kept %d bytes", used-before)
	}
	w.want(0, lx.SysFallocate, a, lx.KeepSize, 0, 63<<20)
	w.want(0, lx.SysLseek, a, 0, abi.SEEK_END)
	w.want(abi.ENOSPC, lx.SysFallocate, b, 0, 0, 1<<20)
	for off := uint64(0); off < 63<<20; off += 1 << 19 {
		w.want(1<<19, lx.SysPwrite64, a, fakeBase, 1<<19, off)
	}
	w.want(0, lx.SysFallocate, a, lx.KeepSize|lx.PunchHole, 0, 63<<20)
	if used := w.memory.Used(); used != before {
		t.Fatalf("%d bytes are left of what was given back", used-before)
	}
}

// TestSealedMappings: what is mapped to be written can't be sealed against that, and what is sealed not be mapped so.
func TestSealedMappings(t *testing.T) {
	w := newWorld(t)
	const sealing = 2
	fd := w.call(lx.SysMemfdCreate, w.put(0, "x\x00"), sealing)
	w.want(0, lx.SysFtruncate, fd, 8192)
	mapIt := func(prot, flags uint64) uint64 { return w.call(lx.SysMmap, 0, 8192, prot, flags, fd, 0) }
	mapIt(abi.PROT_READ, abi.MAP_PRIVATE)
	w.want(0, lx.SysFcntl, fd, lx.F_ADD_SEALS, lx.SealGrow)
	mapIt(abi.PROT_READ, abi.MAP_SHARED) // which could be made writable
	w.want(abi.EBUSY, lx.SysFcntl, fd, lx.F_ADD_SEALS, lx.SealWrite)
	w.want(0, lx.SysFcntl, fd, lx.F_ADD_SEALS, lx.SealFutureWrite)
	w.want(abi.EPERM, lx.SysMmap, 0, 8192, abi.PROT_WRITE, abi.MAP_SHARED, fd, 0)
	if mapIt(abi.PROT_READ, abi.MAP_SHARED); w.k.mayWrite {
		t.Fatal("a mapping of a sealed file can be made writable")
	}
	w.k.last.mapped = 0
	w.want(0, lx.SysFcntl, fd, lx.F_ADD_SEALS, lx.SealWrite)
	w.want(lx.SealGrow|lx.SealFutureWrite|lx.SealWrite, lx.SysFcntl, fd, lx.F_GET_SEALS)
}
