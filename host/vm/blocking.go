// SPDX-License-Identifier: Apache-2.0

//go:build unix

package vm

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// keepBlocking makes QEMU's writes to its ends of connections wait while nobody
// reads, and closes those ends here.
//
// A serial port of QEMU's that can't write at once tells the guest to wait, and for
// how many instructions the guest then asks is left to chance. (The debug port of a
// PC waits inside the one instruction that writes.) So for a machine that counts
// instructions the descriptors, which QEMU has made non-blocking when it opened
// them, long before the guest runs, are made blocking again: the flag belongs to
// what both processes have open.
func (p *Process) keepBlocking(ends ...*os.File) {
	defer closeAll(ends...)
	turn := time.NewTicker(time.Millisecond)
	defer turn.Stop()
	for left := len(ends); left > 0; {
		select {
		case <-turn.C:
		case <-p.done:
			return
		}
		for i, f := range ends {
			if f != nil && makeBlocking(f) {
				_ = f.Close()
				ends[i] = nil
				left--
			}
		}
	}
}

// makeBlocking makes a file that is non-blocking blocking, and reports whether it
// was the former.
func makeBlocking(f *os.File) (was bool) {
	conn, err := f.SyscallConn()
	if err != nil {
		return false
	}
	_ = conn.Control(func(fd uintptr) {
		flags, err := unix.FcntlInt(fd, unix.F_GETFL, 0)
		if err == nil && flags&unix.O_NONBLOCK != 0 {
			_, err = unix.FcntlInt(fd, unix.F_SETFL, flags&^unix.O_NONBLOCK)
			was = err == nil
		}
	})
	return was
}
