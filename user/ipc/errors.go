// SPDX-License-Identifier: Apache-2.0

package ipc

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"loam/abi"
)

// Error is an error of a server's that goes to its client. Codes other than 0 are
// the service's own; 0 is that of errors which have no code.
type Error struct {
	Code uint32
	Text string
}

// MaxErrorText is how many bytes of an error's text go to the client. One without
// a buffer for the answer, since results are words, gets the first 56.
const MaxErrorText = 1024

// Errorf makes an error with a code, to be returned by a server's method or to be
// compared with by errors.Is.
func Errorf(code uint32, format string, args ...any) *Error {
	return &Error{code, fmt.Sprintf(format, args...)}
}

func (e *Error) Error() string { return e.Text }

// Is reports whether target is an error with the same code; the text may differ.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code != 0 && t.Code == e.Code
}

// kernelError turns the result of a call that failed into an error.
func kernelError(result uint64) error { return syscall.Errno(-result) }

// describe says how an error goes over the wire. gaveUp: the request was
// cancelled.
func describe(err error, gaveUp bool) (kind, code uint32, text string) {
	if gaveUp && errors.Is(err, context.Canceled) {
		return answerErrno, uint32(abi.EINTR), ""
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return answerErrno, uint32(abi.ETIMEDOUT), ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return answerError, e.Code, clip(err.Error())
	}
	if e, ok := errors.AsType[syscall.Errno](err); ok && e > 0 && e <= abi.MaxErrno {
		return answerErrno, uint32(e), ""
	}
	if e, ok := errors.AsType[abi.Errno](err); ok && e > 0 && e <= abi.MaxErrno {
		return answerErrno, uint32(e), ""
	}
	return answerError, 0, clip(err.Error())
}

func clip(s string) string { return s[:min(len(s), MaxErrorText)] }

// ErrMalformed is what comes of a message that isn't of the service: at the client of one
// of its server's, from the server of one of the client's.
const ErrMalformed = syscall.EBADMSG
