// SPDX-License-Identifier: Apache-2.0

//go:build unix

package sys

import (
	"io"
	"syscall"
)

// A Stream is an open descriptor, read and written by blocking calls with
// nothing in between: no poller, no fstat(2), no buffering. The standard
// library's os.File asks its descriptor more questions than a console answers.
type Stream int

// Read reads up to len(p) bytes, and returns io.EOF at the end.
func (s Stream) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		n, err := syscall.Read(int(s), p)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

// Write writes all of p, and returns how much it wrote when it could not.
func (s Stream) Write(p []byte) (int, error) {
	done := 0
	for done < len(p) {
		n, err := syscall.Write(int(s), p[done:])
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return done, err
		case n == 0:
			return done, io.ErrShortWrite
		default:
			done += n
		}
	}
	return done, nil
}
