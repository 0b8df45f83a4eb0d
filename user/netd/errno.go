// SPDX-License-Identifier: Apache-2.0

package netd

import (
	"gvisor.dev/gvisor/pkg/tcpip"

	"loam/abi"
)

// errnoOf gives Linux's error for one of the stack's; nil for nil.
func errnoOf(err tcpip.Error) error {
	if err == nil {
		return nil
	}
	return errno(err)
}

func errno(err tcpip.Error) abi.Errno {
	switch err.(type) {
	case nil:
		return 0
	case *tcpip.ErrWouldBlock:
		return abi.EAGAIN
	case *tcpip.ErrConnectStarted:
		return abi.EINPROGRESS
	case *tcpip.ErrAlreadyConnecting:
		return abi.EALREADY
	case *tcpip.ErrAlreadyConnected:
		return abi.EISCONN
	case *tcpip.ErrNotConnected:
		return abi.ENOTCONN
	case *tcpip.ErrConnectionRefused:
		return abi.ECONNREFUSED
	case *tcpip.ErrConnectionReset:
		return abi.ECONNRESET
	case *tcpip.ErrConnectionAborted:
		return abi.ECONNABORTED
	case *tcpip.ErrAborted, *tcpip.ErrClosedForSend:
		return abi.EPIPE
	case *tcpip.ErrTimeout:
		return abi.ETIMEDOUT
	case *tcpip.ErrPortInUse:
		return abi.EADDRINUSE
	case *tcpip.ErrBadLocalAddress, *tcpip.ErrNoPortAvailable:
		return abi.EADDRNOTAVAIL
	case *tcpip.ErrHostUnreachable, *tcpip.ErrHostDown:
		return abi.EHOSTUNREACH
	case *tcpip.ErrNetworkUnreachable, *tcpip.ErrNoNet:
		return abi.ENETUNREACH
	case *tcpip.ErrAddressFamilyNotSupported:
		return abi.EAFNOSUPPORT
	case *tcpip.ErrDestinationRequired:
		return abi.EDESTADDRREQ
	case *tcpip.ErrMessageTooLong:
		return abi.EMSGSIZE
	case *tcpip.ErrNoBufferSpace:
		return abi.ENOBUFS
	case *tcpip.ErrBroadcastDisabled:
		return abi.EACCES
	case *tcpip.ErrNotPermitted:
		return abi.EPERM
	case *tcpip.ErrNotSupported:
		return abi.ENOTSUP
	case *tcpip.ErrUnknownProtocolOption:
		return abi.ENOPROTOOPT
	}
	return abi.EINVAL
}
