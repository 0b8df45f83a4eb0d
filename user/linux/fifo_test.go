// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"testing"

	"loam/abi"
	"loam/user/linux/lx"
)

// TestFifo has who opens a pipe by its name wait for the other end.
func TestFifo(t *testing.T) {
	w := newWorld(t)
	path := w.put(0, "/tmp/fifo\x00")
	w.want(0, lx.SysMknodat, here, path, abi.S_IFIFO|0o600, 0)
	w.want(abi.ENXIO, lx.SysOpenat, here, path, abi.O_WRONLY|abi.O_NONBLOCK, 0)
	reader := w.waits(lx.SysOpenat, here, path, abi.O_RDONLY, 0)
	w.answered(reader, nil)
	w.want(3, lx.SysOpenat, here, path, abi.O_WRONLY, 0)
	w.answered(reader, 4)
	w.want(5, lx.SysWrite, 3, w.put(100, "hello"), 5)
	w.want(5, lx.SysRead, 4, fakeBase+200, 10)
	w.want(0, lx.SysClose, 3)
	w.want(0, lx.SysRead, 4, fakeBase+200, 10)
	w.want(0, lx.SysClose, 4)
	if len(w.fifos) != 0 {
		t.Error("a pipe that nobody has open is kept")
	}
	writer := w.waits(lx.SysOpenat, here, path, abi.O_WRONLY, 0)
	w.Cancel(writer)
	if r := w.k.replies[writer]; !r.interrupted || len(w.fifos) != 0 {
		t.Errorf("%+v, %d pipes", r, len(w.fifos))
	}
	w.want(3, lx.SysOpenat, here, path, abi.O_RDONLY|abi.O_NONBLOCK, 0)
	w.want(0, lx.SysUnlinkat, here, path, 0)
	w.want(abi.ENOENT, lx.SysOpenat, here, path, abi.O_RDONLY, 0)
	w.want(0, lx.SysClose, 3)
}
