// SPDX-License-Identifier: Apache-2.0

package abi

// Errno is an error number of a call. Zero means success: kernel packages
// return an Errno as a plain value and compare it with 0; only a non-zero one
// may be turned into an error.
type Errno uint16

// Error gives the text of the error number, as strerror(3) does.
func (e Errno) Error() string {
	if int(e) < len(errnoText) && errnoText[e] != "" {
		return errnoText[e]
	}
	return "unknown error"
}

// Name gives the symbolic name, such as "EINVAL", or "" for an unassigned number.
func (e Errno) Name() string {
	if int(e) < len(errnoName) {
		return errnoName[e]
	}
	return ""
}

// Result gives the value that a failed call leaves in its result register:
// the number made negative.
func (e Errno) Result() uint64 { return -uint64(e) }

// MaxErrno is the largest error number that a result register can carry.
const MaxErrno = 4095

// Failed reports whether the value of a result register is an error, and which.
func Failed(result uint64) (Errno, bool) {
	if result >= 1<<64-MaxErrno {
		return Errno(-result), true
	}
	return 0, false
}

// Numbers that the kernel uses inside and no user program ever sees, by the
// rules of signal(7): how an interrupted call goes on after its signal.
const (
	// ERESTARTSYS: restart the call if the handler has SA_RESTART, else EINTR.
	ERESTARTSYS Errno = 512
	// ERESTARTNOHAND: restart only if no handler ran, else EINTR.
	ERESTARTNOHAND Errno = 514
)
