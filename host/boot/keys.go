// SPDX-License-Identifier: Apache-2.0

package boot

import (
	"os"

	"golang.org/x/sys/unix"
)

// Keys makes the terminal f pass on each key as it is typed, without echo;
// Ctrl-C still interrupts. restore undoes it. A file that is no terminal is
// left alone.
func Keys(f *os.File) (restore func()) {
	fd := int(f.Fd())
	old, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return func() {}
	}
	if group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP); err != nil || group != unix.Getpgrp() {
		return func() {} // in the background: the terminal is somebody else's
	}
	keys := *old
	keys.Lflag &^= unix.ICANON | unix.ECHO
	keys.Cc[unix.VMIN], keys.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(fd, setTermios, &keys); err != nil {
		return func() {}
	}
	return func() { _ = unix.IoctlSetTermios(fd, setTermios, old) }
}
