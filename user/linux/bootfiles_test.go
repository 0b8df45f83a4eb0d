// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"testing"

	"loam/abi"
	"loam/user/linux/lx"
)

// TestBootFiles: who is started from another file of the boot archive than the program finds that.
func TestBootFiles(t *testing.T) {
	w := newWorld(t)
	w.want(abi.ENOENT, lx.SysOpenat, here, w.put(0, "/boot/service\x00"), 0)
	w.Adopt(43, "service", "/boot/service", "/")
	w.badge = w.Adopt(44, "service", "/boot/service", "/")
	w.Adopt(45, "missing", "/boot/missing", "/")
	fd := w.call(lx.SysOpenat, here, w.put(0, "/proc/self/exe\x00"), 0)
	w.want(11, lx.SysRead, fd, bufferAt, 100)
	if got := string(w.k.memory[0x1000 : 0x1000+11]); got != "a service's" {
		t.Errorf("%q", got)
	}
	for _, name := range []string{"program", "service"} {
		w.want(0, lx.SysFaccessat, here, w.put(0, "/boot/"+name+"\x00"), 0)
	}
	w.want(abi.ENOENT, lx.SysFaccessat, here, w.put(0, "/boot/missing\x00"), 0)
}

// TestJumpToLink: /proc/self/fd leads to the file that is open, also if that is a link, and no further.
func TestJumpToLink(t *testing.T) {
	w := newWorld(t)
	w.want(0, lx.SysSymlinkat, w.put(0, "/dev/null\x00"), here, w.put(100, "/tmp/link\x00"))
	fd := w.call(lx.SysOpenat, here, w.put(0, "/tmp/link\x00"), abi.O_PATH|abi.O_NOFOLLOW)
	link := "/proc/self/fd/" + string(rune('0'+fd))
	path := w.put(0, link+"\x00")
	w.want(abi.ELOOP, lx.SysOpenat, here, path, abi.O_RDONLY)
	w.want(abi.ENOTSUP, lx.SysFchmodat, here, path, 0o400)
	for _, below := range []string{"/", "/x", "/."} {
		w.want(abi.ENOTDIR, lx.SysFaccessat, here, w.put(0, link+below+"\x00"), 0)
	}
}
