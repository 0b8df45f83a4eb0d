// SPDX-License-Identifier: Apache-2.0

//go:build linux

package preview1

import (
	"errors"
	"io"
	"syscall"
)

// Errno is an error number of WASI's.
type Errno uint16

// Errors that are named here; fromLinux has the rest.
const (
	errnoSuccess     Errno = 0
	errnoBadf        Errno = 8
	errnoFault       Errno = 21
	errnoInval       Errno = 28
	errnoIO          Errno = 29
	errnoIsdir       Errno = 31
	errnoNametoolong Errno = 37
	errnoNoent       Errno = 44
	errnoNotdir      Errno = 54
	errnoNotsock     Errno = 57
	errnoNotsup      Errno = 58
	errnoPerm        Errno = 63
	errnoSpipe       Errno = 70
	errnoNotcapable  Errno = 76
)

// fromLinux are WASI's numbers of Linux's errors.
var fromLinux = [...]Errno{
	syscall.E2BIG: 1, syscall.EACCES: 2, syscall.EADDRINUSE: 3, syscall.EADDRNOTAVAIL: 4, syscall.EAFNOSUPPORT: 5,
	syscall.EAGAIN: 6, syscall.EALREADY: 7, syscall.EBADF: 8, syscall.EBADMSG: 9, syscall.EBUSY: 10,
	syscall.ECANCELED: 11, syscall.ECHILD: 12, syscall.ECONNABORTED: 13, syscall.ECONNREFUSED: 14,
	syscall.ECONNRESET: 15, syscall.EDEADLK: 16, syscall.EDESTADDRREQ: 17, syscall.EDOM: 18, syscall.EDQUOT: 19,
	syscall.EEXIST: 20, syscall.EFAULT: 21, syscall.EFBIG: 22, syscall.EHOSTUNREACH: 23, syscall.EIDRM: 24,
	syscall.EILSEQ: 25, syscall.EINPROGRESS: 26, syscall.EINTR: 27, syscall.EINVAL: 28, syscall.EIO: 29,
	syscall.EISCONN: 30, syscall.EISDIR: 31, syscall.ELOOP: 32, syscall.EMFILE: 33, syscall.EMLINK: 34,
	syscall.EMSGSIZE: 35, syscall.EMULTIHOP: 36, syscall.ENAMETOOLONG: 37, syscall.ENETDOWN: 38,
	syscall.ENETRESET: 39, syscall.ENETUNREACH: 40, syscall.ENFILE: 41, syscall.ENOBUFS: 42, syscall.ENODEV: 43,
	syscall.ENOENT: 44, syscall.ENOEXEC: 45, syscall.ENOLCK: 46, syscall.ENOLINK: 47, syscall.ENOMEM: 48,
	syscall.ENOMSG: 49, syscall.ENOPROTOOPT: 50, syscall.ENOSPC: 51, syscall.ENOSYS: 52, syscall.ENOTCONN: 53,
	syscall.ENOTDIR: 54, syscall.ENOTEMPTY: 55, syscall.ENOTRECOVERABLE: 56, syscall.ENOTSOCK: 57,
	syscall.EOPNOTSUPP: 58, syscall.ENOTTY: 59, syscall.ENXIO: 60, syscall.EOVERFLOW: 61, syscall.EOWNERDEAD: 62,
	syscall.EPERM: 63, syscall.EPIPE: 64, syscall.EPROTO: 65, syscall.EPROTONOSUPPORT: 66, syscall.EPROTOTYPE: 67,
	syscall.ERANGE: 68, syscall.EROFS: 69, syscall.ESPIPE: 70, syscall.ESRCH: 71, syscall.ESTALE: 72,
	syscall.ETIMEDOUT: 73, syscall.ETXTBSY: 74, syscall.EXDEV: 75,
}

// errnoOf is the number of an error of Linux's, and of a stream's.
func errnoOf(err error) Errno {
	switch e := err.(type) {
	case nil:
		return errnoSuccess
	case syscall.Errno: // of most calls; nothing is allocated
		return numberOf(e)
	case wasiError:
		return Errno(e)
	}
	if errors.Is(err, io.EOF) {
		return errnoSuccess
	}
	var e syscall.Errno
	if errors.As(err, &e) {
		return numberOf(e)
	}
	return errnoIO
}

// numberOf is WASI's number of one of Linux's.
func numberOf(e syscall.Errno) Errno {
	if int(e) < len(fromLinux) && fromLinux[e] != 0 {
		return fromLinux[e]
	}
	return errnoIO
}

// again does a system call until no signal has interrupted it.
func again(f func() error) error {
	for {
		if err := f(); err != syscall.EINTR {
			return err
		}
	}
}
