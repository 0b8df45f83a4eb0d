// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"encoding/binary"
	"testing"

	"loam/abi"
	"loam/user/linux/lx"
)

// TestRecordLocks has two processes wait for each other's locks.
func TestRecordLocks(t *testing.T) {
	w := newWorld(t)
	one := w.badge
	two := w.Adopt(43, "other", "/boot/program", "/")
	path := w.put(0, "/tmp/file\x00")
	lock := func(kind uint16, first, n uint64) uint64 {
		b := make([]byte, lx.FlockSize)
		binary.LittleEndian.PutUint16(b, kind)
		binary.LittleEndian.PutUint64(b[8:], first)
		binary.LittleEndian.PutUint64(b[16:], n)
		return w.put(200, string(b))
	}
	as := func(badge uint64, nr int, args ...uint64) (uint64, bool) {
		w.badge = badge
		return w.begin(nr, args...)
	}
	answered := func(token uint64, want uint64) {
		t.Helper()
		r, ok := w.k.replies[token]
		if !ok || r.result != want {
			t.Fatalf("call %d: %v %v, want %d", token, r, ok, int64(want))
		}
	}
	a, _ := as(one, lx.SysOpenat, here, path, abi.O_CREAT|abi.O_RDWR, 0o600)
	b, _ := as(two, lx.SysOpenat, here, path, abi.O_RDWR, 0)
	w.badge = one
	w.want(0, lx.SysFcntl, a, abi.F_SETLK, lock(lockWrite, 0, 10))
	w.badge = two
	w.want(0, lx.SysFcntl, b, abi.F_SETLK, lock(lockWrite, 10, 10))
	w.want(abi.EAGAIN, lx.SysFcntl, b, abi.F_SETLK, lock(lockRead, 9, 1))
	w.want(0, lx.SysFcntl, b, abi.F_GETLK, lock(lockRead, 9, 1))
	if got := w.k.memory[200:]; binary.LittleEndian.Uint16(got) != lockWrite || binary.LittleEndian.Uint64(got[16:]) != 10 || binary.LittleEndian.Uint32(got[24:]) != 42 {
		t.Fatalf("% x", got[:lx.FlockSize])
	}
	if _, now := w.begin(lx.SysFcntl, b, abi.F_SETLKW, lock(lockWrite, 0, 1)); now {
		t.Fatal("it doesn't wait")
	}
	waiting := w.token
	w.badge = one
	w.want(abi.EDEADLK, lx.SysFcntl, a, abi.F_SETLKW, lock(lockWrite, 10, 1))
	lock(lockWrite, 0, 1) // what the waiting call reads again
	dup := w.call(lx.SysDup, a)
	w.want(0, lx.SysClose, dup) // all locks of the process go
	answered(waiting, 0)
	w.want(abi.EAGAIN, lx.SysFcntl, a, abi.F_SETLK, lock(lockWrite, 0, 1))
	if _, now := w.begin(lx.SysFcntl, a, abi.F_SETLKW, lock(lockWrite, 0, 1)); now {
		t.Fatal("it doesn't wait")
	}
	waiting = w.token
	w.Ended(two)
	answered(waiting, 0)
	w.Ended(one)
	if len(w.records) != 0 {
		t.Fatal("locks are left")
	}
}
